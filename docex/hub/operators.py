"""What the operator sees of each agency's system, and may do about it: hold, release, send again, test."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from directory import queries as directory
from directory.access import administered, agency_for, require_instance_admin
from directory.actor import Actor
from docex.hub import mailbox, terms
from docex.hub.models import Mailbox, Parcel, Term, Webhook
from docex.hub.states import ParcelState
from docex.models import Delivery
from docex.moves import touch_delivery
from docex.states import Progress
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid, NotFound
from kernel.text import phrase
from kernel.worktime import calendar

STRETCH = 200


@dataclass(frozen=True)
class Endpoint:
    """One agency's system as the operator sees it."""

    agency_id: int
    name: str
    code: str
    polled_at: datetime | None
    polled_by: str
    skew_s: int | None
    backlog: int
    oldest_at: datetime | None
    expired: int
    held_at: datetime | None
    held_reason: str
    has_hook: bool
    hook_problem: str


def endpoints(tx: Tx, actor: Actor) -> list[Endpoint]:
    """The systems of the agencies that the actor administers; those with the oldest unfetched document first."""
    mine = administered(tx, actor)
    boxes = {row.agency_id: row for row in tx.session.scalars(sa.select(Mailbox)) if row.agency_id in mine}
    cards = directory.agencies(tx, boxes.keys())
    waiting = _counts(tx, ParcelState.WAITING)
    expired = _counts(tx, ParcelState.EXPIRED)
    hooks = {hook.agency_id: hook for hook in tx.session.scalars(sa.select(Webhook).order_by(Webhook.id))}
    found = [
        Endpoint(
            number,
            cards[number].name,
            cards[number].code,
            box.polled_at,
            box.polled_by,
            box.skew_s,
            *waiting.get(number, (0, None)),
            expired.get(number, (0, None))[0],
            box.held_at,
            box.held_reason,
            number in hooks,
            hooks[number].problem if number in hooks else "",
        )
        for number, box in boxes.items()
    ]
    never = clock.now()
    return sorted(found, key=lambda one: (one.oldest_at or never, one.name))


def hold(tx: Tx, actor: Actor, agency_id: int, reason: str) -> None:
    """Give out nothing of this mailbox for now; what comes waits."""
    if not reason.strip():
        raise Invalid({"reason": phrase("Cần nêu lý do.")})
    box = _box(tx, actor, agency_id)
    box.held_at, box.held_reason = clock.now(), reason.strip()[:1000]
    tx.audit(f"agency:{agency_id}", "hub.held", f"mailbox:{agency_id}", {"reason": box.held_reason})


def release(tx: Tx, actor: Actor, agency_id: int) -> None:
    """Give out again what waited."""
    box = _box(tx, actor, agency_id)
    box.held_at, box.held_reason = None, ""
    tx.audit(f"agency:{agency_id}", "hub.released", f"mailbox:{agency_id}")
    tx.publish(f"mailbox:{agency_id}", "mailbox.changed", {"id": agency_id, "rev": box.last_seq})


def send_again(tx: Tx, actor: Actor, agency_id: int) -> int:
    """Lay what expired into the mailbox anew, with a new term. Answers how many that were."""
    _box(tx, actor, agency_id)
    query = sa.select(Parcel).where(Parcel.agency_id == agency_id, Parcel.state == ParcelState.EXPIRED)
    count = 0
    until = calendar(tx).add_working_time(clock.now(), terms.OFFICE_HOURS)
    for parcel in list(tx.session.scalars(query.order_by(Parcel.seq).limit(STRETCH))):
        delivery = tx.session.get_one(Delivery, parcel.delivery_id, with_for_update=True, populate_existing=True)
        tx.session.refresh(parcel, with_for_update=True)
        if parcel.state != ParcelState.EXPIRED or delivery.progress != Progress.EXPIRED:
            continue
        mailbox.lay_again(tx, parcel)
        delivery.progress = Progress.AVAILABLE
        touch_delivery(tx, delivery, mailbox.dispatch_of(tx, parcel).document_id)
        terms.extend(tx, tx.session.get_one(Term, delivery.dispatch_id, with_for_update=True), until)
        count += 1
    tx.audit(f"agency:{agency_id}", "hub.sent_again", f"mailbox:{agency_id}", {"parcels": count})
    return count


def _counts(tx: Tx, state: ParcelState) -> dict[int, tuple[int, datetime | None]]:
    rows = tx.session.execute(
        sa.select(Parcel.agency_id, sa.func.count(), sa.func.min(Parcel.available_at))
        .where(Parcel.state == state)
        .group_by(Parcel.agency_id)
    )
    return {agency_id: (count, oldest) for agency_id, count, oldest in rows}


def _box(tx: Tx, actor: Actor, agency_id: int) -> Mailbox:
    require_instance_admin(tx, actor)
    agency_for(tx, actor, agency_id)
    row = tx.session.get(Mailbox, agency_id, populate_existing=True)
    if row is None:
        raise NotFound()
    return row
