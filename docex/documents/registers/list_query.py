"""The query of a list, read from its address: tolerant, because addresses are typed, shared and kept."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Self

from kernel.clock import VN

MAX_LENGTH = 200


def day(text: str) -> date | None:
    """A date as browsers send it, `2026-11-27`, or as people type it, `27/11/2026`; None for anything else."""
    text = text.strip()
    if typed := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text):
        text = f"{typed[3]}-{typed[2]:0>2}-{typed[1]:0>2}"
    try:
        on = date.fromisoformat(text)
    except ValueError:
        return None
    return on if on > date.min else None  # its beginning in Vietnam lies before all that UTC can tell


def backwards(since: str, until: str) -> bool:
    """Whether a span of days ends before it begins: then nothing can lie in it, and people are told why."""
    first, last = day(since), day(until)
    return first is not None and last is not None and last < first


def moment(text: str) -> datetime | None:
    """An instant as cursors carry it; None for anything else."""
    try:
        at = datetime.fromisoformat(text.strip().replace(" ", "+"))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def begins(on: date) -> datetime:
    """The first instant of a date in Vietnam."""
    return datetime.combine(on, time(), VN)


def ends(on: date) -> datetime:
    """The first instant after a date in Vietnam."""
    return begins(on + timedelta(days=1)) if on < date.max else begins(on)


@dataclass(frozen=True)
class ListQuery:
    """The filters of a list of documents, and where its page begins; every value is as typed.

    `before` and `after` are cursors: the page of what is older or newer than that row.
    """

    state: str = ""
    q: str = ""
    agency: str = ""
    urgency: str = ""
    due: str = ""
    since: str = ""
    until: str = ""
    before: str = ""
    after: str = ""

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """From an address; what does not belong there is left out."""
        return cls(**{f.name: str(given.get(f.name) or "").strip()[:MAX_LENGTH] for f in fields(cls)})

    def address(self, **changes: str) -> dict[str, str]:
        """The parameters that say this, without cursors unless `changes` name them."""
        whole = asdict(replace(self, before="", after="")) | changes
        return {name: value for name, value in whole.items() if value}

    @property
    def narrowed(self) -> bool:
        """Whether anything but the state narrows the list."""
        return bool(self.address(state=""))

    @property
    def backwards(self) -> bool:
        """Whether its days are the wrong way round."""
        return backwards(self.since, self.until)

    @property
    def detailed(self) -> bool:
        """Whether one of the folded fields is in use."""
        return bool(self.address(state="", q=""))
