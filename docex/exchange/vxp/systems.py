"""Registering document systems of the VXP shape, and recognising them by their signature."""

import base64
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken

from directory import clients, tokens
from directory.access import administered, agency_for
from directory.actor import Actor, chain_of
from directory.models import Agency, ApiClient
from docex.exchange.vxp import wire
from docex.exchange.vxp.models import VxpSystem
from docex.exchange.vxp.wire import BadSignature
from kernel import clock
from kernel.config import Config
from kernel.db import Tx
from kernel.errors import Invalid, NotFound, WrongState
from kernel.sealing import Safe, SealedColumn, derived
from kernel.text import Phrase, collation_key, one_line, phrase

log = logging.getLogger(__name__)

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}[A-Za-z0-9]")


def _as_fernet(text: str, installation_secret: str) -> str | None:
    """The first release kept a Fernet token, which any row could hold."""
    key = base64.urlsafe_b64encode(derived(installation_secret, b"lienthong vxp secrets"))
    try:
        return Fernet(key).decrypt(text.encode()).decode()
    except InvalidToken:
        return None


SECRETS = SealedColumn(VxpSystem.sealed_secret, "vxp", lambda system: f"client:{system.client_id}", _as_fernet)
"""An HMAC can be checked only by whoever has the secret itself, so they cannot be hashed."""


def safe_of(config: Config) -> Safe:
    """The safe that seals the secrets."""
    return SECRETS.safe(config)


@dataclass(frozen=True)
class Given:
    """The secret that an administrator is shown once."""

    client_id: int
    name: str
    system_id: str
    secret: str


@dataclass(frozen=True)
class SystemCard:
    """A system in the administrators' list. `readable` is False when its secret was sealed with another key."""

    id: int
    name: str
    system_id: str
    agency_name: str
    covers_below: bool
    used_at: datetime | None
    revoked_at: datetime | None
    readable: bool
    code_form: str


@dataclass(frozen=True)
class System:
    """A system that has proved itself, and the values that it signed.

    `agency_ids` are the agencies for which it sends and receives: its own, and those below when it covers them.
    """

    actor: Actor
    since: datetime
    values: dict[str, str]
    agency_ids: frozenset[int]

    @property
    def client_id(self) -> int:
        """Its row in `api_client`."""
        return self.actor.client_id

    @property
    def code_form(self) -> str:
        """The form in which it is told agencies' codes."""
        return self.actor.code_form

    @property
    def agency_id(self) -> int:
        """The agency that it belongs to."""
        return self.actor.agency_id

    def value(self, name: str) -> str:
        """A signed value, "" when there is none. Only those that belong to the called operation mean anything: the
        SDK repeats those of its earlier calls. Of two spellings of one name the one that is asked for counts."""
        return next(iter(self.spellings(name)), "")

    def spellings(self, name: str) -> list[str]:
        """The values of a name in all spellings, that of the asked one first."""
        same = [spelt for spelt in self.values if spelt.lower() == name.lower()]
        return [self.values[spelt].strip() for spelt in sorted(same, key=lambda spelt: (spelt != name, spelt))]


def register(
    tx: Tx, actor: Actor, safe: Safe, agency_id: int, name: str, system_id: str, *, covers_below: bool = False
) -> Given:
    """Register a document system of an agency, or of it and all below; its secret is shown this once. An empty
    `system_id` is made up."""
    agency = agency_for(tx, actor, agency_id)
    name = one_line(name)
    wanted = system_id.strip() or f"{agency.code}.{tokens.fresh()[:6]}".replace("_", "x").rstrip("-")
    problems: dict[str, Phrase] = {}
    if not 2 <= len(name) <= 200:
        problems["name"] = phrase("Cần nhập tên phần mềm, không quá {limit} ký tự.", limit=200)
    if not _ID.fullmatch(wanted):
        problems["system_id"] = phrase(
            "Mã hệ thống gồm chữ không dấu, chữ số, dấu chấm, gạch ngang; từ 3 đến 64 ký tự."
        )
    elif tx.session.scalar(sa.select(ApiClient.id).where(ApiClient.client_id == wanted)) is not None:
        problems["system_id"] = phrase("Mã hệ thống này đã được dùng.")
    if problems:
        raise Invalid(problems)
    # No scope and no secret hash: this row opens no bearer token, it says who the system is and when it was revoked.
    client = ApiClient(agency_id=agency.id, client_id=wanted, name=name, scopes=[], created_at=clock.now())
    tx.session.add(client)
    tx.session.flush()
    secret = tokens.fresh()
    row = VxpSystem(client_id=client.id, system_id=wanted, covers_below=covers_below, created_at=clock.now())
    SECRETS.keep(row, secret, safe)
    tx.session.add(row)
    detail = {"system_id": wanted, "covers_below": covers_below}
    tx.audit(chain_of(agency.id), "vxp.system_registered", f"client:{client.id}", detail)
    return Given(client.id, name, wanted, secret)


def renew(tx: Tx, actor: Actor, safe: Safe, client_id: int) -> Given:
    """A new secret in place of the old one, which stops working at once."""
    client, row = _administered_system(tx, actor, client_id)
    if client.revoked_at is not None:
        raise WrongState(phrase("Hệ thống này đã bị thu hồi."))
    secret = tokens.fresh()
    SECRETS.keep(row, secret, safe)
    tx.audit(chain_of(client.agency_id), "vxp.secret_renewed", f"client:{client.id}")
    return Given(client.id, client.name, row.system_id, secret)


def revoke(tx: Tx, actor: Actor, client_id: int) -> None:
    """Shut a system out, at once and for good."""
    client, _row = _administered_system(tx, actor, client_id)
    if client.revoked_at is not None:
        raise WrongState(phrase("Hệ thống này đã bị thu hồi."))
    client.revoked_at = clock.now()
    tx.audit(chain_of(client.agency_id), "vxp.system_revoked", f"client:{client.id}")


def listed(tx: Tx, actor: Actor, safe: Safe) -> list[SystemCard]:
    """The systems of the agencies that the actor administers, revoked ones last."""
    query = (
        sa.select(ApiClient, VxpSystem, Agency.name)
        .join(VxpSystem, VxpSystem.client_id == ApiClient.id)
        .join(Agency, Agency.id == ApiClient.agency_id)
        .where(ApiClient.agency_id.in_(administered(tx, actor)))
    )
    cards = [
        SystemCard(
            c.id,
            c.name,
            s.system_id,
            agency,
            s.covers_below,
            c.used_at,
            c.revoked_at,
            SECRETS.secret_of(s, safe) is not None,
            c.code_form,
        )
        for c, s, agency in tx.session.execute(query)
    ]
    return sorted(cards, key=lambda c: (c.revoked_at is not None, collation_key(c.agency_name), collation_key(c.name)))


def choice(tx: Tx, actor: Actor) -> list[tuple[str, str]]:
    """The agencies that the actor administers, for a form; also those without an inbox here, which have only this."""
    rows = tx.session.scalars(sa.select(Agency).where(Agency.id.in_(administered(tx, actor))))
    return [(str(row.id), row.name) for row in sorted(rows, key=lambda row: collation_key(row.name))]


def recognised(tx: Tx, safe: Safe, headers: Iterable[tuple[str, str]]) -> System:
    """The system that signed these headers; BadSignature for anybody else, also for one that was revoked."""
    found: list[tuple[ApiClient, VxpSystem]] = []

    def secret_of(system_id: str) -> str | None:
        query = (
            sa.select(ApiClient, VxpSystem)
            .join(VxpSystem, VxpSystem.client_id == ApiClient.id)
            .where(VxpSystem.system_id == system_id, ApiClient.revoked_at.is_(None))
        )
        row = tx.session.execute(query).one_or_none()
        if row is None:
            return None
        found.append((row[0], row[1]))
        secret = SECRETS.secret_of(row[1], safe)
        if secret is None:
            log.error("vxp: the secret of %s was sealed with another LIENTHONG_SECRET_KEY; renew it", system_id)
        return secret

    values = wire.verified(headers, secret_of)
    if not found:
        raise BadSignature("unknown system id")
    client, row = found[0]
    actor = Actor(
        kind="client",
        client_id=client.id,
        agency_id=client.agency_id,
        name=client.name,
        code_form=client.code_form,
        is_news=clients.use_is_news(client.used_at),
    )
    return System(actor, row.created_at, values, _covered(tx, client.agency_id, row.covers_below))


def serves(tx: Tx, agency_id: int) -> bool:
    """Whether a system fetches the agency's messages here: its own, or one that covers it from above."""
    return bool(served(tx, [agency_id]))


def served(tx: Tx, among: Iterable[int]) -> frozenset[int]:
    """Those of these agencies whose messages a system fetches here."""
    return frozenset(agency_id for agency_id, _client_id in serving(tx, among))


def clients_for(tx: Tx, agency_id: int) -> list[ApiClient]:
    """The systems that fetch an agency's messages here, by name."""
    client_ids = [client_id for _agency_id, client_id in serving(tx, [agency_id])]
    query = sa.select(ApiClient).where(ApiClient.id.in_(client_ids)).order_by(ApiClient.name, ApiClient.id)
    return list(tx.session.scalars(query))


def mailboxes_of(tx: Tx, system: System) -> frozenset[int]:
    """The agencies for which the system fetches what has no inbox here, and its own."""
    if system.agency_ids == {system.agency_id}:
        return system.agency_ids
    query = sa.select(Agency.id).where(Agency.id.in_(system.agency_ids), sa.not_(Agency.is_local))
    return frozenset({system.agency_id, *tx.session.scalars(query)})


def mailbox_agencies(tx: Tx) -> frozenset[int]:
    """The agencies of all systems, with those below that they cover and that have no inbox here."""
    systems = (
        sa.select(ApiClient.agency_id, VxpSystem.covers_below)
        .join(VxpSystem, VxpSystem.client_id == ApiClient.id)
        .where(ApiClient.revoked_at.is_(None))
    )
    found: set[int] = set()
    for agency_id, covers_below in tx.session.execute(systems):
        found.add(agency_id)
        if covers_below:
            below = _covered(tx, agency_id, covers_below)
            found |= set(tx.session.scalars(sa.select(Agency.id).where(Agency.id.in_(below), sa.not_(Agency.is_local))))
    return frozenset(found)


def serving(tx: Tx, agency_ids: Iterable[int]) -> list[tuple[int, int]]:
    """Pairs of an agency and a system that serves it."""
    found = tx.session.execute(_serving(), {"agencies": sorted(set(agency_ids))})
    return [(agency_id, client_id) for agency_id, client_id in found]


@cache
def _serving() -> sa.Select[int, int]:
    """Asked whenever something is said about a delivery, so it is built once."""
    asked: sa.BindParameter[Any] = sa.bindparam("agencies", expanding=True)
    above = sa.select(Agency.id.label("whose"), Agency.id, Agency.parent_id).where(Agency.id.in_(asked))
    tree = above.cte("above", recursive=True)
    tree = tree.union(sa.select(tree.c.whose, Agency.id, Agency.parent_id).where(Agency.id == tree.c.parent_id))
    own_or_covering = sa.or_(tree.c.whose == tree.c.id, VxpSystem.covers_below)
    return (
        sa.select(tree.c.whose, ApiClient.id)
        .join(ApiClient, ApiClient.agency_id == tree.c.id)
        .join(VxpSystem, VxpSystem.client_id == ApiClient.id)
        .where(own_or_covering, ApiClient.revoked_at.is_(None))
    )


def _covered(tx: Tx, agency_id: int, covers_below: bool) -> frozenset[int]:
    if not covers_below:
        return frozenset({agency_id})
    below = sa.select(Agency.id).where(Agency.id == agency_id).cte("below", recursive=True)
    below = below.union(sa.select(Agency.id).where(Agency.parent_id == below.c.id))
    return frozenset(tx.session.scalars(sa.select(below.c.id)))


def _administered_system(tx: Tx, actor: Actor, client_id: int) -> tuple[ApiClient, VxpSystem]:
    client, row = tx.session.get(ApiClient, client_id), tx.session.get(VxpSystem, client_id)
    if client is None or row is None or client.agency_id not in administered(tx, actor):
        raise NotFound()
    return client, row
