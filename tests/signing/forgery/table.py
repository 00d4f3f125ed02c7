"""The table of forgeries: which attack is tried on which paper. A file is made when somebody asks for its bytes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from tests.signing.forgery.papers import PAPERS, Paper
from tests.signing.forgery.scribe import Scribe

FAMILIES = (
    "annotations",
    "timestamps",
    "undefined_objects",
    "appearances",
    "forms",
    "payloads",
    "actions",
    "presentation",
    "structure",
    "stores",
    "signers",
    "locks",
)


@dataclass(frozen=True)
class Target:
    """A legitimate paper that somebody wants to change: `data` as people receive it."""

    paper: Paper
    scribe: Scribe

    @property
    def data(self) -> bytes:
        """With all signatures."""
        return self.stages[-1]

    @property
    def stages(self) -> tuple[bytes, ...]:
        """Unsigned, and after each step."""
        return self.scribe.stages(self.paper)

    def prepared(self, edit: Callable[[bytes], bytes]) -> bytes:
        """The paper signed by everybody after somebody had changed it before the first signature."""
        return self.scribe.finished(self.paper, edit(self.stages[0]))

    def between(self, edit: Callable[[bytes], bytes]) -> bytes:
        """The paper changed behind the first signature, and signed by all others then."""
        return self.scribe.finished(self.paper, edit(self.stages[1]), 1)


Make = Callable[[Target], bytes]
Applies = Callable[[Paper], bool]


@dataclass(frozen=True)
class Attack:
    """One way of changing a signed paper. `visible`: some reader shows another paper than the signed one."""

    family: str
    name: str
    make: Make
    applies: Applies
    visible: bool


@dataclass(frozen=True)
class Forgery:
    """An attack on a paper."""

    attack: Attack
    paper: Paper

    @property
    def name(self) -> str:
        """For people and for test reports."""
        return f"{self.attack.family}/{self.attack.name}@{self.paper.name}"

    def bytes(self, scribe: Scribe) -> bytes:
        """The forged file."""
        return self.attack.make(Target(self.paper, scribe))


_attacks: dict[str, Attack] = {}


def anywhere(_: Paper) -> bool:
    """For attacks on every paper."""
    return True


def several(paper: Paper) -> bool:
    """Papers that more than one has signed: a second signature follows the first."""
    return paper.signatures > 1


def add(family: str, name: str, make: Make, applies: Applies = anywhere, *, visible: bool = False) -> None:
    """Put an attack into the table."""
    key = f"{family}/{name}"
    assert key not in _attacks, key
    _attacks[key] = Attack(family, name, make, applies, visible)


def behind(
    family: str, name: str, edit: Callable[[bytes], bytes], applies: Applies = anywhere, *, visible: bool = False
) -> None:
    """An edit that needs no key, behind all signatures."""
    add(family, name, lambda target: edit(target.data), applies, visible=visible)


def between(
    family: str, name: str, edit: Callable[[bytes], bytes], applies: Applies = several, *, visible: bool = False
) -> None:
    """An edit that needs no key, after the first signature and before the second."""
    add(family, f"{name}, before the next signature", lambda target: target.between(edit), applies, visible=visible)


@cache
def attacks() -> tuple[Attack, ...]:
    """All of them, family by family."""
    for family in FAMILIES:
        import_module(f"tests.signing.forgery.{family}").register()
    return tuple(_attacks.values())


def forgeries() -> Iterator[Forgery]:
    """The whole table."""
    for attack in attacks():
        yield from (Forgery(attack, paper) for paper in PAPERS if attack.applies(paper))


def chosen(*, every: bool) -> list[Forgery]:
    """The whole table, or of each attack some papers: others for each attack, so that every family meets every kind."""
    found: list[Forgery] = []
    for number, attack in enumerate(attacks()):
        papers = [paper for paper in PAPERS if attack.applies(paper)]
        take = len(papers) if every else min(PAPERS_EACH, len(papers))
        step = max(1, len(papers) // take)
        found += [Forgery(attack, papers[(number * 3 + n * step) % len(papers)]) for n in range(take)]
    return found


PAPERS_EACH = 1
"""On how many papers each attack is tried when not the whole table is asked for."""
