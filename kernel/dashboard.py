"""What waits for a person: each room adds its sections to the start page without the page knowing the room."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kernel.text import Phrase

if TYPE_CHECKING:
    from kernel.db import Tx


@dataclass(frozen=True)
class Chip:
    """A state as icon and word; tones are those of templates/_parts/README.md."""

    word: Phrase
    tone: str = "plain"
    icon: str | None = None


@dataclass(frozen=True)
class Act:
    """The one press that an item offers, such as "Vào họp": it opens a page, or with `is_post` it does something."""

    label: Phrase
    url: str
    is_post: bool = False


@dataclass(frozen=True)
class Item:
    """One thing that waits. `meta` is the grey second line in pieces; `late` says how late it is, in words."""

    title: str
    url: str
    meta: tuple[str | Phrase, ...] = ()
    due_at: datetime | None = None
    late: Phrase | None = None
    chip: Chip | None = None
    act: Act | None = None
    urgency: str | None = None


@dataclass(frozen=True)
class Section:
    """One list of the start page; `empty` stands there when nothing waits."""

    title: Phrase
    items: list[Item]
    empty: Phrase


Waiting = Callable[["Tx", Any], list[Item] | None]
_sections: dict[str, tuple[int, Phrase, Phrase, Waiting]] = {}


def section(order: int, title: Phrase, empty: Phrase) -> Callable[[Waiting], Waiting]:
    """Register a list; the function answers None when the list is not for this actor at all."""

    def keep(function: Waiting) -> Waiting:
        _sections[f"{function.__module__}.{function.__name__}"] = (
            order,
            title,
            empty,
            function,
        )
        return function

    return keep


def sections(tx: "Tx", actor: Any) -> list[Section]:
    """The lists for `actor`, in their order."""
    found = []
    for _order, title, empty, waiting in sorted(_sections.values(), key=lambda s: s[0]):
        items = waiting(tx, actor)
        if items is not None:
            found.append(Section(title, items, empty))
    return found
