"""One-tap links without sign-in. Opening one shows a page; only its button acts.

The token is `<id>-<22 characters>`: 128 bits of HMAC-SHA-256 over the row, so nothing that opens a link lies in the
database. Whoever owns a purpose registers what its page says and what its button does.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from directory import queries
from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.errors import NotFound
from kernel.refs import Ref
from kernel.text import Phrase
from notify.models import Link


@dataclass(frozen=True)
class Gone:
    """What is said of a link that does nothing any more."""

    heading: Phrase
    text: Phrase


@dataclass(frozen=True)
class LinkPage:
    """What a link shows. With the default template: heading, facts and one button, or `done` when there is nothing
    left to do. Another template gets `context` and must post to the same address."""

    title: str
    facts: tuple[tuple[Phrase, str], ...] = ()
    button: Phrase | None = None
    done: Phrase | None = None
    template: str = "notify/link.html"
    context: dict[str, Any] = field(default_factory=dict)


class LinkPurpose:
    """What one kind of link does. Subclass, and register with `@link_purpose("task.receive")`."""

    def page(self, tx: Tx, link: Link) -> LinkPage:
        """The page of the link as things stand now. NotFound when its object is gone."""
        raise NotImplementedError

    def act(self, tx: Tx, link: Link, form: Mapping[str, str]) -> None:
        """Do what the button says; doing it again changes nothing. Invalid names wrong fields, before any change."""
        raise NotImplementedError

    def calendar(self, tx: Tx, link: Link) -> str:
        """What the page offers to a calendar, as an iCalendar object. NotFound when it offers nothing."""
        raise NotFound()

    def gone(self, tx: Tx, link: Link) -> Gone | None:
        """Why the link is of no use any more, where more is known than that it is expired or taken back."""
        return None


purposes: dict[str, LinkPurpose] = {}


def link_purpose(name: str) -> Callable[[type[LinkPurpose]], type[LinkPurpose]]:
    """Register the class that serves links made for `name`."""

    def keep(cls: type[LinkPurpose]) -> type[LinkPurpose]:
        purposes[name] = cls()
        return cls

    return keep


def make(tx: Tx, purpose: str, ref: Ref, *, person_id: int | None, name: str = "", expires_at: datetime) -> Link:
    """A new link of one person (or of the guest called `name`) to one thing, good until `expires_at`."""
    link = Link(
        nonce=secrets.token_hex(8),
        purpose=purpose,
        ref=str(ref),
        person_id=person_id,
        name=name,
        created_at=clock.now(),
        expires_at=expires_at,
    )
    tx.session.add(link)
    tx.session.flush()
    return link


def live_one(tx: Tx, purpose: str, ref: Ref, person_id: int) -> Link | None:
    """A link of this person to `ref` that still works, so that a later message can carry the same one."""
    query = sa.select(Link).where(
        Link.ref == str(ref),
        Link.purpose == purpose,
        Link.person_id == person_id,
        Link.revoked_at.is_(None),
        Link.expires_at > clock.now(),
    )
    return tx.session.scalars(query.order_by(Link.id.desc()).limit(1)).first()


def place(link: Link) -> str:
    """What stands for the link's address in a message until it leaves."""
    return f"⟦link:{link.id}⟧"


def revoke(tx: Tx, ref: Ref, *, purpose: str = "", person_id: int | None = None) -> None:
    """Kill all links to `ref`, or only those of one purpose or person."""
    query = sa.update(Link).where(Link.ref == str(ref), Link.revoked_at.is_(None))
    if purpose:
        query = query.where(Link.purpose == purpose)
    if person_id is not None:
        query = query.where(Link.person_id == person_id)
    tx.session.execute(query.values(revoked_at=clock.now()))


def token(link: Link, secret: str) -> str:
    """The part of the address after `/l/`."""
    return f"{link.id}-{_mac(link, secret)}"


def address(link: Link, secret: str, base_url: str) -> str:
    """The full address of the link."""
    return f"{base_url.rstrip('/')}/l/{token(link, secret)}"


@dataclass(frozen=True)
class Found:
    """A link whose token is right. `live`: not expired and not revoked."""

    link: Link
    live: bool


def find(tx: Tx, text: str, secret: str) -> Found | None:
    """The link of a token, or None when the token is not one of ours."""
    number, _, mac = text.partition("-")
    if not (number.isascii() and number.isdigit() and len(number) < 18):
        return None
    link = tx.session.get(Link, int(number))
    if link is None or not hmac.compare_digest(_mac(link, secret).encode(), mac.encode()):
        return None
    live = link.revoked_at is None and clock.now() < link.expires_at and link.purpose in purposes
    return Found(link, live)


def act(tx: Tx, link: Link, form: Mapping[str, str]) -> None:
    """Press the link's button."""
    purposes[link.purpose].act(tx, link, form)
    if link.used_at is None:
        link.used_at = clock.now()


def actor_of(tx: Tx, link: Link) -> Actor:
    """Who acts through a link: the person that it was made for, without any role. NotFound for a guest's link and
    for somebody who is no longer active."""
    found = queries.actor_of(tx, link.person_id) if link.person_id is not None else None
    if found is None:
        raise NotFound()
    return replace(found, kind="link", roles=frozenset())


def _mac(link: Link, secret: str) -> str:
    text = f"link:{link.id}:{link.nonce}:{link.purpose}".encode()
    digest = hmac.new(secret.encode(), text, hashlib.sha256).digest()[:16]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
