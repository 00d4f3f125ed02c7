"""The published file of a secret vote (docs/ballots.md): JSON in one canonical form, so that each byte of it counts."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from meetings.ballots import group
from meetings.ballots.fingerprints import short
from meetings.ballots.group import Malformed
from meetings.ballots.proofs import Branch, Cipher, digest, is_one_of, key_holds, number

FORMAT = "lienthong-ballot/1"
OPTIONS_MAX, BALLOTS_MAX, TRUSTEES = 20, 10_000, (2, 5)
NUMBER_MAX = 2**53

Data = Mapping[str, Any]
One = TypeVar("One")


def canonical(value: object) -> bytes:
    """JSON as RFC 8785 writes it, for values without fractions: keys sorted, nothing between, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


@dataclass(frozen=True)
class Draft:
    """What is put to the vote. `id`: 32 hex digits by chance, so that no two votes of all installations are one."""

    id: str
    meeting: int
    vote: int
    title: str
    question: str
    options: tuple[str, ...]
    least: int
    most: int

    @classmethod
    def of(cls, data: object) -> "Draft":
        """From the file; Malformed when it is none."""
        known = _fields(data, "id", "least", "meeting", "most", "options", "question", "title", "vote")
        one = cls(
            id=_text(known["id"]),
            meeting=_count(known["meeting"]),
            vote=_count(known["vote"]),
            title=_text(known["title"]),
            question=_text(known["question"]),
            options=tuple(_text(option) for option in _list(known["options"], OPTIONS_MAX)),
            least=_count(known["least"]),
            most=_count(known["most"]),
        )
        if len(one.options) < 2 or not 0 <= one.least <= one.most <= len(one.options) or one.most < 1:
            raise Malformed("the numbers of choices do not fit")
        return one

    @property
    def data(self) -> dict[str, Any]:
        """As the file holds it."""
        return {**vars(self), "options": list(self.options)}


@dataclass(frozen=True)
class TrusteeKey:
    """A keeper's public key with the proof that they have the secret one."""

    name: str
    position: str
    key: bytes
    proof: Branch

    @classmethod
    def of(cls, data: object) -> "TrusteeKey":
        """From the file."""
        known = _fields(data, "c", "key", "name", "position", "z")
        return cls(_text(known["name"]), _text(known["position"]), group.point(known["key"]), _branch(known))

    def holds(self, draft: Draft, place: int) -> bool:
        """Whether the proof fits this vote and this place in it."""
        return key_holds(canonical(draft.data), place, self.name, self.key, self.proof)


@dataclass(frozen=True)
class Election:
    """A vote as it was opened: what is put to it, who keeps the keys, who may vote."""

    draft: Draft
    trustees: tuple[TrusteeKey, ...]
    voters: tuple[tuple[str, str], ...]  # name, position
    fingerprint: bytes
    key: bytes

    @classmethod
    def of(cls, data: object) -> "Election":
        """From the file. The proofs of the keys are not looked at here."""
        known = _fields(data, "draft", "opened", "trustees", "voters")
        _text(known["opened"])
        trustees = tuple(TrusteeKey.of(one) for one in _list(known["trustees"], TRUSTEES[1]))
        voters = [_fields(one, "name", "position") for one in _list(known["voters"], BALLOTS_MAX)]
        key = group.total(one.key for one in trustees)
        if len(trustees) < TRUSTEES[0] or key == group.IDENTITY:
            raise Malformed("the keys do not fit together")
        return cls(
            draft=Draft.of(known["draft"]),
            trustees=trustees,
            voters=tuple((_text(one["name"]), _text(one["position"])) for one in voters),
            fingerprint=digest("election", canonical(data)),
            key=key,
        )


@dataclass(frozen=True)
class Choice:
    """One option on a ballot: 0 or 1, encrypted, with the proof that it is one of these."""

    cipher: Cipher
    proof: tuple[Branch, ...]

    @classmethod
    def of(cls, data: object) -> "Choice":
        """From the file."""
        known = _fields(data, "a", "b", "proof")
        return cls((group.point(known["a"]), group.point(known["b"])), _branches(known["proof"]))


@dataclass(frozen=True)
class SealedBallot:
    """A ballot as it is published. Its receipt is a hash of it and of the vote."""

    choices: tuple[Choice, ...]
    sum: tuple[Branch, ...]
    data: Any = field(repr=False)

    @classmethod
    def of(cls, data: object) -> "SealedBallot":
        """From the file or from a voter's browser."""
        known = _fields(data, "choices", "sum")
        choices = tuple(Choice.of(one) for one in _list(known["choices"], OPTIONS_MAX))
        return cls(choices, _branches(known["sum"]), data)

    def receipt(self, election: Election) -> str:
        """The 32 letters and digits with which a voter finds this ballot again."""
        return short(digest("ballot", election.fingerprint, canonical(self.data)))

    def valid(self, election: Election) -> bool:
        """Whether each choice is 0 or 1 and there are as many as the vote allows; what they are stays hidden."""
        draft, key = election.draft, election.key
        if len(self.choices) != len(draft.options):
            return False
        statement = b"".join(part for one in self.choices for part in one.cipher)
        for place, one in enumerate(self.choices):
            context = (election.fingerprint, statement, number(place))
            if not is_one_of("choice", context, one.cipher, (0, 1), one.proof, key):
                return False
        allowed = range(draft.least, draft.most + 1)
        return is_one_of("sum", (election.fingerprint, statement), self.summed, allowed, self.sum, key)

    @property
    def summed(self) -> Cipher:
        """How many options were chosen, encrypted."""
        return (group.total(c.cipher[0] for c in self.choices), group.total(c.cipher[1] for c in self.choices))


@dataclass(frozen=True)
class Share:
    """What one trustee adds to open the sums: one point for each option, and one proof for all of them."""

    trustee: int
    points: tuple[bytes, ...]
    proof: Branch

    @classmethod
    def of(cls, data: object) -> "Share":
        """From the file or from a trustee's browser. A sum can be the identity, and what opens it too."""
        known = _fields(data, "c", "points", "trustee", "z")
        points = tuple(group.point(one, identity=True) for one in _list(known["points"], OPTIONS_MAX))
        return cls(_count(known["trustee"]), points, _branch(known))


@dataclass(frozen=True)
class Record:
    """The whole file. `shares` and `counts` are there once the trustees have opened the sums."""

    election: Election
    ballots: tuple[SealedBallot, ...]
    voted: tuple[int, ...]
    shares: tuple[Share, ...]
    counts: tuple[int, ...] | None

    @classmethod
    def of(cls, raw: bytes) -> "Record":
        """From the bytes of the file; Malformed when they are no such file in its canonical form."""
        try:
            data = json.loads(raw)
            is_canonical = canonical(data) == raw
        except (ValueError, RecursionError) as error:
            raise Malformed("not JSON") from error
        known = _fields(data, "ballots", "counts", "election", "format", "shares", "voted")
        if known["format"] != FORMAT or not is_canonical:
            raise Malformed("not a ballot file in its canonical form")
        counts = known["counts"]
        return cls(
            election=Election.of(known["election"]),
            ballots=tuple(SealedBallot.of(one) for one in _list(known["ballots"], BALLOTS_MAX)),
            voted=tuple(_count(one) for one in _list(known["voted"], BALLOTS_MAX)),
            shares=tuple(Share.of(one) for one in _list(known["shares"], TRUSTEES[1])),
            counts=None if counts is None else tuple(_count(one) for one in _list(counts, OPTIONS_MAX)),
        )

    @property
    def closing(self) -> bytes:
        """What the trustees bind their shares to: the vote, all ballots, and who voted."""
        return closing_of(self.election, (ballot.receipt(self.election) for ballot in self.ballots), self.voted)


def closing_of(election: Election, receipts: Iterable[str], voted: Sequence[int]) -> bytes:
    """A vote at its end: its fingerprint, the receipts in their order, who voted."""
    return digest("closing", election.fingerprint, "".join(receipts).encode(), b"".join(map(number, voted)))


def sums(options: int, ballots: Iterable[SealedBallot]) -> list[Cipher]:
    """What was chosen in all ballots together, encrypted, for each option."""
    found = [(group.IDENTITY, group.IDENTITY)] * options
    for ballot in ballots:
        pairs = zip(found, ballot.choices, strict=True)
        found = [(group.add(a, one.cipher[0]), group.add(b, one.cipher[1])) for (a, b), one in pairs]
    return found


def opened(totals: Sequence[Cipher], shares: Sequence[Share], most: int) -> list[int] | None:
    """The counts behind the sums, each at most `most`; None when the shares do not open them."""
    steps = {group.IDENTITY: 0}
    at = group.IDENTITY
    for votes in range(1, most + 1):
        at = group.add(at, group.base(1))
        steps[at] = votes
    found = []
    for place, (_, right) in enumerate(totals):
        votes_point = group.sub(right, group.total(share.points[place] for share in shares))
        if votes_point not in steps:
            return None
        found.append(steps[votes_point])
    return found


def _fields(data: object, *names: str) -> dict[str, Any]:
    if not isinstance(data, dict) or tuple(sorted(data)) != tuple(sorted(names)):
        raise Malformed("not these fields: " + ", ".join(names))
    return data


def _list(data: object, most: int) -> list[Any]:
    if not isinstance(data, list) or len(data) > most:
        raise Malformed("not a list of that length")
    return data


def _text(data: object) -> str:
    if not isinstance(data, str):
        raise Malformed("not text")
    return data


def _count(data: object) -> int:
    if type(data) is not int or not 0 <= data < NUMBER_MAX:
        raise Malformed("not a count")
    return data


def _branch(data: Data) -> Branch:
    return Branch(group.scalar(data["c"]), group.scalar(data["z"]))


def _branches(data: object) -> tuple[Branch, ...]:
    return tuple(_branch(_fields(one, "c", "z")) for one in _list(data, OPTIONS_MAX + 1))
