"""What stands in a stored message for addresses of the service, and what it becomes when the message leaves."""

import re
from dataclasses import dataclass

import sqlalchemy as sa

from kernel.config import Config
from kernel.db import Tx
from notify import links
from notify.calendar import folded, unfolded
from notify.kinds import Kind
from notify.models import Link, Message

_PLACE = re.compile("⟦(base|link:([0-9]{1,17}))⟧")


@dataclass(frozen=True)
class Filled:
    """The texts of a message as they leave the house."""

    text: str
    html: str
    calendar: str


def link_ids(kind: Kind) -> set[int]:
    """The links that a message of `kind` carries: those in its fields named `…_link`."""
    values = (str(value) for name, value in kind.context().items() if name.endswith("_link"))
    return {int(m.group(2)) for value in values for m in _PLACE.finditer(value) if m.group(2)}


def place_of(path: str) -> str:
    """What stands for the full address of a path of the service in a stored text."""
    return f"⟦base⟧{path}"


def with_base(config: Config, ics: str) -> str:
    """A calendar object that leaves at once, with full addresses of pages."""
    return folded(unfolded(ics).replace(place_of(""), config.base_url.rstrip("/")))


def shortened(text: str) -> str:
    """The text for a list, with dots where an address will stand."""
    return _PLACE.sub("…", text)


def filled(tx: Tx, config: Config, message: Message) -> Filled:
    """The message's texts with full addresses. A place of a link that the message does not carry shows nothing."""
    found = {row.id: row for row in tx.session.scalars(sa.select(Link).where(Link.id.in_(message.link_ids)))}
    secret, base = config.signing_secret(), config.base_url.rstrip("/")

    def address(match: re.Match[str]) -> str:
        if match.group(1) == "base":
            return base
        link = found.get(int(match.group(2)))
        return links.address(link, secret, base) if link else ""

    calendar = message.calendar
    if _PLACE.search(unfolded(calendar)):  # an address changes the length of its line
        calendar = folded(_PLACE.sub(address, unfolded(calendar)))
    return Filled(_PLACE.sub(address, message.text), _PLACE.sub(address, message.html), calendar)
