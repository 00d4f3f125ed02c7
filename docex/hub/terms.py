"""How long an envelope waits for its receivers, who is told while it waits, and what its sender gets in the end."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Role
from directory.queries import AgencyCard
from docex import ways
from docex.envelope import Facts
from docex.hub import mailbox
from docex.hub.models import Parcel, Term
from docex.hub.states import ParcelState
from docex.links import OUTGOING_PATH
from docex.models import Delivery, Dispatch
from docex.states import Progress
from docex.statuses import say
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid
from kernel.refs import Ref
from kernel.text import Phrase, phrase
from kernel.worktime import calendar
from notify.kinds import DocumentWaits
from notify.messages import BOTH, Channel, Recipient, tell

OFFICE_HOURS = timedelta(hours=24)
SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(days=30)
STRETCH = 200

ALARMS = (mailbox.FIRST_ALARM, timedelta(hours=8), timedelta(hours=20))
"""Working time after which a document that nobody fetched is shown to the operator (1), told to the receiver's clerks
by e-mail and SMS (2) and to its technical contact (3); a working day has eight hours."""

_OPEN = (Progress.SUBMITTED, Progress.AVAILABLE)
_EXPIRED = phrase("Nơi nhận không lấy văn bản trong thời hạn chờ tại trục.")
_UNDELIVERABLE = phrase("Trục không có đường giao văn bản đến nơi nhận trong thời hạn chờ.")


def begin(tx: Tx, dispatch: Dispatch) -> Term:
    """The usual term: 24 office hours from the submission."""
    term = Term(dispatch_id=dispatch.id, expires_at=calendar(tx).add_working_time(dispatch.submitted_at, OFFICE_HOURS))
    tx.session.add(term)
    _promise(tx, term)
    return term


def ask(tx: Tx, dispatch_id: int, seconds: str) -> None:
    """The sender wants another term, in seconds from the submission (header `Delivery-TTL`); nothing when empty.

    Asking the same again changes nothing.
    """
    if not seconds:
        return
    length = timedelta(seconds=int(seconds)) if seconds.isascii() and seconds.isdigit() and len(seconds) < 9 else None
    if length is None or not SHORTEST <= length <= LONGEST:
        message = phrase("Delivery-TTL phải là số giây từ {least} đến {most}.", least=60, most=30 * 86_400)
        raise Invalid({"Delivery-TTL": message}, message)
    term = tx.session.get_one(Term, dispatch_id, with_for_update=True)
    wanted = tx.session.get_one(Dispatch, dispatch_id).submitted_at + length
    if term.expires_at != wanted and wanted > clock.now():
        term.expires_at = wanted
        _promise(tx, term)


def extend(tx: Tx, term: Term, until: datetime) -> None:
    """An operator gives an envelope more time."""
    if until > term.expires_at:
        term.expires_at = until
        _promise(tx, term)


def expire(tx: Tx, dispatch_id: int, after: int = 0) -> None:
    """The term may have ended: say so for every delivery that nobody fetched, a stretch at a time."""
    term = tx.session.get(Term, dispatch_id)
    if term is None or term.expires_at > clock.now():
        return
    query = (
        sa.select(Delivery)
        .where(Delivery.dispatch_id == dispatch_id, Delivery.progress.in_(_OPEN), Delivery.id > after)
        .order_by(Delivery.id)
        .limit(STRETCH)
        .with_for_update()
    )
    found = list(tx.session.scalars(query))
    dispatch = tx.session.get_one(Dispatch, dispatch_id)
    for delivery in found:
        _end(tx, delivery, dispatch)
    if len(found) == STRETCH:
        key = f"{dispatch_id}:{int(term.expires_at.timestamp())}:{found[-1].id}"
        tx.outbox("hub.expire", key, {"dispatch_id": dispatch_id, "after": found[-1].id})


def alarm(tx: Tx, parcel_id: int, step: int) -> None:
    """Nobody fetched a parcel for a while: tell the next one who should know."""
    parcel = tx.session.get(Parcel, parcel_id, with_for_update=True)
    if parcel is None or parcel.state != ParcelState.WAITING or parcel.alarm >= step:
        return
    parcel.alarm = step
    tx.publish(f"mailbox:{parcel.agency_id}", "mailbox.changed", {"id": parcel.id, "rev": parcel.seq})
    agency = directory.agency(tx, parcel.agency_id)
    why = phrase("Hệ thống của {agency} chưa lấy văn bản này từ trục liên thông.", agency=agency.name)
    if step == 2:
        _tell(tx, parcel, agency, why, Role.CLERK, BOTH)
    if step == 3:
        _tell(tx, parcel, agency, why, Role.ADMIN, (Channel.EMAIL,))
    if step < len(ALARMS):
        _promise_alarm(tx, parcel, step + 1)


def _end(tx: Tx, delivery: Delivery, dispatch: Dispatch) -> None:
    parcel = tx.session.scalar(sa.select(Parcel).where(Parcel.delivery_id == delivery.id).with_for_update())
    if parcel is not None:
        parcel.state = ParcelState.EXPIRED
    elif _is_carried(tx, delivery, dispatch):
        return
    there = delivery.progress == Progress.AVAILABLE
    reason = _EXPIRED if there else _UNDELIVERABLE
    say(tx, delivery, Progress.EXPIRED if there else Progress.UNDELIVERABLE, description=reason.vi)
    tx.audit(f"agency:{dispatch.sender_id}", "hub.expired", Ref("delivery", delivery.id), {"available": there})
    _tell_sender(tx, delivery, dispatch, reason)


def _is_carried(tx: Tx, delivery: Delivery, dispatch: Dispatch) -> bool:
    """Whether another way has it in hand and gives word itself."""
    if delivery.progress == Progress.AVAILABLE or mailbox.has_reader(tx, delivery.agency_id):
        return False
    return ways.carry(tx, [delivery], dispatch)


def _tell_sender(tx: Tx, delivery: Delivery, dispatch: Dispatch, reason: Phrase) -> None:
    if dispatch.document_id is None:
        return
    facts = Facts.from_json(dispatch.facts)
    path = OUTGOING_PATH.format(id=dispatch.document_id)
    receiver = directory.agency(tx, delivery.agency_id).name
    notice = DocumentWaits(facts.subject, facts.code, receiver, reason, None, path)
    for clerk in directory.people_with_role(tx, dispatch.sender_id, Role.CLERK):
        tell(tx, notice, clerk.id, ref=Ref("delivery", delivery.id), slot="expired", channels=(Channel.EMAIL,))


def _tell(tx: Tx, parcel: Parcel, agency: AgencyCard, why: Phrase, role: Role, channels: Iterable[Channel]) -> None:
    dispatch = mailbox.dispatch_of(tx, parcel)
    facts = Facts.from_json(dispatch.facts)
    until = tx.session.get(Term, dispatch.id)
    sender = directory.agency(tx, dispatch.sender_id).name
    notice = DocumentWaits(facts.subject, facts.code, sender, why, until.expires_at if until else None, "/")
    people = [Recipient.of(card) for card in directory.people_with_role(tx, agency.id, role)]
    for recipient in people or [Recipient(agency.name, agency.email, agency.phone)]:
        tell(tx, notice, recipient, ref=Ref("parcel", parcel.id), slot=f"alarm{role}", channels=channels)


def _promise(tx: Tx, term: Term) -> None:
    key = f"{term.dispatch_id}:{int(term.expires_at.timestamp())}"
    tx.outbox("hub.expire", key, {"dispatch_id": term.dispatch_id, "after": 0}, due_at=term.expires_at)


def _promise_alarm(tx: Tx, parcel: Parcel, step: int) -> None:
    due_at: datetime = calendar(tx).add_working_time(parcel.available_at, ALARMS[step - 1])
    payload: dict[str, Any] = {"parcel_id": parcel.id, "step": step}
    tx.outbox("hub.alarm", f"{parcel.id}:{step}", payload, due_at=due_at)
