"""Registering document systems of the VXP shape, and recognising them by their signature."""

import base64
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from directory import tokens
from directory.access import administered, agency_for
from directory.actor import Actor, chain_of
from directory.models import Agency, ApiClient
from docex.vxp import wire
from docex.vxp.models import VxpSystem
from docex.vxp.wire import BadSignature
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid, NotFound, WrongState
from kernel.text import Phrase, collation_key, one_line, phrase

log = logging.getLogger(__name__)

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}[A-Za-z0-9]")
_NOTED_EVERY = timedelta(hours=1)


class Vault:
    """Seals the secrets of systems with a key made from the secret of this installation.

    A copy of the database alone is then worth nothing to a thief; with another LIENTHONG_SECRET_KEY the old secrets
    are lost and have to be renewed.
    """

    def __init__(self, installation_secret: str) -> None:
        key = HKDF(SHA256(), 32, salt=None, info=b"lienthong vxp secrets").derive(installation_secret.encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def seal(self, secret: str) -> str:
        """How the database keeps it."""
        return self._fernet.encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str | None:
        """The secret; None when it was sealed with the key of another installation."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            return None


@dataclass(frozen=True)
class Given:
    """What an administrator is shown once."""

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
    def agency_id(self) -> int:
        """The agency that it belongs to."""
        return self.actor.agency_id

    def value(self, name: str) -> str:
        """A signed value, "" when there is none. Only those that belong to the called operation mean anything: the
        SDK repeats those of its earlier calls."""
        return self.values.get(name.lower(), "").strip()


def register(
    tx: Tx, actor: Actor, vault: Vault, agency_id: int, name: str, system_id: str, *, covers_below: bool = False
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
    row = VxpSystem(client_id=client.id, system_id=wanted, sealed_secret=vault.seal(secret), created_at=clock.now())
    row.covers_below = covers_below
    tx.session.add(row)
    detail = {"system_id": wanted, "covers_below": covers_below}
    tx.audit(chain_of(agency.id), "vxp.system_registered", f"client:{client.id}", detail)
    return Given(client.id, name, wanted, secret)


def renew(tx: Tx, actor: Actor, vault: Vault, client_id: int) -> Given:
    """A new secret in place of the old one, which stops working at once."""
    client, row = _administered_system(tx, actor, client_id)
    if client.revoked_at is not None:
        raise WrongState(phrase("Hệ thống này đã bị thu hồi."))
    secret = tokens.fresh()
    row.sealed_secret = vault.seal(secret)
    tx.audit(chain_of(client.agency_id), "vxp.secret_renewed", f"client:{client.id}")
    return Given(client.id, client.name, row.system_id, secret)


def revoke(tx: Tx, actor: Actor, client_id: int) -> None:
    """Shut a system out, at once and for good."""
    client, _row = _administered_system(tx, actor, client_id)
    if client.revoked_at is not None:
        raise WrongState(phrase("Hệ thống này đã bị thu hồi."))
    client.revoked_at = clock.now()
    tx.audit(chain_of(client.agency_id), "vxp.system_revoked", f"client:{client.id}")


def listed(tx: Tx, actor: Actor, vault: Vault) -> list[SystemCard]:
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
            vault.open(s.sealed_secret) is not None,
        )
        for c, s, agency in tx.session.execute(query)
    ]
    return sorted(cards, key=lambda c: (c.revoked_at is not None, collation_key(c.agency_name), collation_key(c.name)))


def choice(tx: Tx, actor: Actor) -> list[tuple[str, str]]:
    """The agencies that the actor administers, for a form; also those without an inbox here, which have only this."""
    rows = tx.session.scalars(sa.select(Agency).where(Agency.id.in_(administered(tx, actor))))
    return [(str(row.id), row.name) for row in sorted(rows, key=lambda row: collation_key(row.name))]


def recognised(tx: Tx, vault: Vault, headers: Iterable[tuple[str, str]]) -> System:
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
        secret = vault.open(row[1].sealed_secret)
        if secret is None:
            log.error("vxp: the secret of %s was sealed with another LIENTHONG_SECRET_KEY; renew it", system_id)
        return secret

    values = wire.verified(headers, secret_of)
    if not found:
        raise BadSignature("unknown system id")
    client, row = found[0]
    actor = Actor(kind="client", client_id=client.id, agency_id=client.agency_id, name=client.name)
    if tx.writable:
        _note_use(client)
    return System(actor, row.created_at, values, _covered(tx, client.agency_id, row.covers_below))


def serves(tx: Tx, agency_id: int) -> bool:
    """Whether a system fetches the agency's messages here: its own, or one that covers it from above."""
    above = sa.select(Agency.id, Agency.parent_id).where(Agency.id == agency_id).cte("above", recursive=True)
    above = above.union(sa.select(Agency.id, Agency.parent_id).where(Agency.id == above.c.parent_id))
    covers = sa.and_(VxpSystem.covers_below, ApiClient.agency_id.in_(sa.select(above.c.id)))
    query = (
        sa.select(ApiClient.id)
        .join(VxpSystem, VxpSystem.client_id == ApiClient.id)
        .where(sa.or_(ApiClient.agency_id == agency_id, covers), ApiClient.revoked_at.is_(None))
    )
    return tx.session.scalar(query.limit(1)) is not None


def _covered(tx: Tx, agency_id: int, covers_below: bool) -> frozenset[int]:
    if not covers_below:
        return frozenset({agency_id})
    below = sa.select(Agency.id).where(Agency.id == agency_id).cte("below", recursive=True)
    below = below.union(sa.select(Agency.id).where(Agency.parent_id == below.c.id))
    return frozenset(tx.session.scalars(sa.select(below.c.id)))


def _note_use(client: ApiClient) -> None:
    """Once an hour is enough: hundreds of systems ask every few minutes."""
    if client.used_at is None or clock.now() - client.used_at > _NOTED_EVERY:
        client.used_at = clock.now()


def _administered_system(tx: Tx, actor: Actor, client_id: int) -> tuple[ApiClient, VxpSystem]:
    client, row = tx.session.get(ApiClient, client_id), tx.session.get(VxpSystem, client_id)
    if client is None or row is None or client.agency_id not in administered(tx, actor):
        raise NotFound()
    return client, row
