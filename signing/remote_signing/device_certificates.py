"""The certificates on signers' devices: whose each is, and letting go of one.

A certificate belongs to who signed with it first (`desk.hold`), so that nobody of the same name signs with it. It is
let go when that was a mistake, or when its device is gone; what it has signed stays signed.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from directory import account, auditing
from directory import queries as directory
from directory.access import administered, agency_for, people_within, person_for
from directory.actor import Actor, chain_of
from directory.signin import Visit
from kernel.db import Tx
from kernel.errors import Invalid, NotFound
from kernel.refs import Ref
from kernel.sealing import Safe
from kernel.text import Phrase, fold, one_line, phrase
from signing.remote_signing.models import HeldCertificate
from signing.trust.admin_pages import spaced

MAX_ROWS = 200
REASON_LENGTH = 200

UNBOUND = phrase("Đã gỡ chứng thư. Lần ký tới bằng thiết bị ấy, hệ thống sẽ ghi nhận lại.")

auditing.words["signing.certificate_unbound"] = phrase("Gỡ chứng thư trên thiết bị của người ký")


@dataclass(frozen=True)
class Row:
    """A certificate as the pages show it. `owner` is a person's or an agency's name."""

    sha256: str
    fingerprint: str
    name: str
    serial: str
    owner: str
    is_seal: bool
    first_at: datetime


def own(tx: Tx, actor: Actor) -> list[Row]:
    """Those of the acting person, newest first."""
    person = account.own(tx, actor)
    query = sa.select(HeldCertificate).where(HeldCertificate.owner == str(Ref("person", person.id)))
    return _rows(tx, list(tx.session.scalars(query.order_by(HeldCertificate.first_at.desc()))))


def unbind_own(
    tx: Tx, actor: Actor, sha256: str, password: str, code: str, visit: Visit, safe: Safe
) -> dict[str, Phrase]:
    """The person lets go of one, proving once more who they are. Answers what was wrong with the proof, or nothing:
    failed attempts must be stored."""
    person = account.own(tx, actor)
    row = _locked(tx, sha256)
    if row is None or row.owner != str(Ref("person", person.id)):
        raise NotFound()
    wrong = account.confirm_self(tx, person, password, code, visit, safe)
    if not wrong:
        _unbind(tx, row, chain_of(actor.agency_id), "")
    return wrong


def listed(tx: Tx, actor: Actor, q: str = "") -> tuple[list[Row], bool]:
    """Those of the agencies that the actor administers and of their people, newest first, by words of a name; and
    whether there are more than the page shows. Forbidden without the role."""
    seals = [str(Ref("agency", number)) for number in administered(tx, actor)]
    person = sa.literal("person:", sa.String) + sa.cast(people_within(tx, actor).subquery().c.id, sa.String)
    query = sa.select(HeldCertificate).where(
        sa.or_(HeldCertificate.owner.in_(seals), HeldCertificate.owner.in_(sa.select(person)))
    )
    words = fold(q)
    found = tx.session.scalars(query.order_by(HeldCertificate.first_at.desc(), HeldCertificate.sha256))
    rows = [row for row in found if words in fold(f"{row.name} {row.serial}")]
    return _rows(tx, rows[:MAX_ROWS]), len(rows) > MAX_ROWS


def unbind(tx: Tx, actor: Actor, sha256: str, reason: str) -> None:
    """An administrator lets go of one for somebody else, and says why."""
    administered(tx, actor)
    row = _locked(tx, sha256)
    if row is None:
        raise NotFound()
    owner = Ref.parse(row.owner)
    if owner.kind == "agency":
        chain = chain_of(agency_for(tx, actor, owner.id).id)
    else:
        person_for(tx, actor, owner.id)
        chain = chain_of(actor.agency_id)
    why = one_line(reason)
    if not why or len(why) > REASON_LENGTH:
        raise Invalid({"reason": phrase("Cần nêu lý do, không quá {limit} ký tự.", limit=REASON_LENGTH)})
    _unbind(tx, row, chain, why)


def _locked(tx: Tx, sha256: str) -> HeldCertificate | None:
    return tx.session.get(HeldCertificate, sha256, with_for_update=True, populate_existing=True)


def _unbind(tx: Tx, row: HeldCertificate, chain: str, reason: str) -> None:
    detail = {"sha256": row.sha256, "serial": row.serial, "name": row.name, "reason": reason}
    tx.audit(chain, "signing.certificate_unbound", row.owner, detail)
    tx.session.delete(row)


def _rows(tx: Tx, rows: list[HeldCertificate]) -> list[Row]:
    owners = [Ref.parse(row.owner) for row in rows]
    people = directory.people(tx, [owner.id for owner in owners if owner.kind == "person"])
    agencies = directory.agencies(tx, {owner.id for owner in owners if owner.kind == "agency"})
    names = {str(Ref("person", number)): card.name for number, card in people.items()}
    names |= {str(Ref("agency", number)): card.name for number, card in agencies.items()}
    return [
        Row(
            row.sha256,
            spaced(row.sha256),
            row.name,
            row.serial,
            names.get(row.owner, ""),
            owner.kind == "agency",
            row.first_at,
        )
        for row, owner in zip(rows, owners, strict=True)
    ]
