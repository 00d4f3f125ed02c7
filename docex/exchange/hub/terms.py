"""How long an envelope waits for its receivers, who is told while it waits, and what its sender gets in the end."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa

from directory import queries as directory
from directory.access import instance_admins
from directory.actor import Role
from directory.models import ApiClient
from directory.streams import clerks_stream, person_stream
from docex import topics
from docex.documents.delivery import transport
from docex.documents.delivery.statuses import report_status, take_back
from docex.documents.envelope import Facts
from docex.documents.links import OUTGOING_PATH
from docex.documents.models import Delivery, Dispatch
from docex.edxml.progress import Progress, Recall
from docex.exchange.hub import mailbox
from docex.exchange.hub.models import Mailbox, Parcel, Term
from docex.exchange.hub.states import ParcelState
from docex.streams import Change, mailbox_stream
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid
from kernel.refs import Ref
from kernel.text import Phrase, phrase
from kernel.worktime import calendar
from notify.kinds import DocumentUnfetched, DocumentWaits
from notify.messages import BOTH, Channel, Recipient, tell

OFFICE_HOURS = timedelta(hours=24)
MIN_TERM = timedelta(minutes=1)
MAX_TERM = timedelta(days=30)
BATCH_SIZE = 200
GRACE_PERIOD = timedelta(hours=1)
"""How much longer than the term a system that is fetching has to finish, as long as its lease runs."""

ALARMS = (mailbox.FIRST_ALARM, timedelta(hours=8), timedelta(hours=24))
"""Working time after which a document that nobody fetched stands on the start pages of the operator and of the sender's
clerks (1), is told to the receiver's clerks by e-mail and SMS (2) and to its technical contact (3); a working day has
eight hours."""
LAST_CHANCE = timedelta(hours=4)
"""The technical contact hears of it at least this much working time before the term ends: three days is also how long a
document usually waits."""

_OPEN = (Progress.SUBMITTED, Progress.AVAILABLE)
_LIES_WAITING = sa.exists().where(Parcel.delivery_id == Delivery.id, Parcel.state == ParcelState.WAITING)
_ASK_YOUR_SYSTEM = phrase("Xin kiểm tra phần mềm quản lý văn bản của cơ quan có đang nhận văn bản hay không.")
_LOOK_AT_IT = phrase("Xin kiểm tra hệ thống, đường truyền, chứng thư và đồng hồ của máy chủ kết nối với trục.")
_EXPIRED = phrase("Nơi nhận không lấy văn bản trong thời hạn chờ tại trục.")
_UNDELIVERABLE = phrase("Trục không có đường giao văn bản đến nơi nhận trong thời hạn chờ.")


def begin(tx: Tx, dispatch: Dispatch, length: timedelta | None = None) -> Term:
    """The term of an envelope that was handed in just now: 24 office hours, or what its sender has asked for."""
    since = dispatch.submitted_at
    until = since + length if length else calendar(tx).add_working_time(since, OFFICE_HOURS)
    term = Term(dispatch_id=dispatch.id, expires_at=until)
    tx.session.add(term)
    _enqueue_expiry(tx, term)
    return term


def read(seconds: str) -> timedelta | None:
    """The term that a sender asks for (header `Delivery-TTL`), in seconds from the submission; None when empty."""
    if not seconds:
        return None
    length = timedelta(seconds=int(seconds)) if seconds.isascii() and seconds.isdigit() and len(seconds) < 9 else None
    if length is None or not MIN_TERM <= length <= MAX_TERM:
        message = phrase("Delivery-TTL phải là số giây từ {least} đến {most}.", least=60, most=30 * 86_400)
        raise Invalid({"Delivery-TTL": message}, message)
    return length


def until(tx: Tx, dispatch_id: int) -> datetime | None:
    """Until when an envelope is offered to its receivers, whichever way it goes; None for what waits for nobody."""
    return tx.session.scalar(sa.select(Term.expires_at).where(Term.dispatch_id == dispatch_id))


def extend(tx: Tx, term: Term, until: datetime) -> None:
    """An operator gives an envelope more time."""
    if until > term.expires_at:
        term.expires_at = until
        _enqueue_expiry(tx, term)


def expire(tx: Tx, dispatch_id: int, after: int = 0) -> None:
    """The term may have ended: say so for every delivery that nobody fetched, a batch at a time. Whoever is fetching
    one at that moment may finish. What was given back has ended before, but where it lies in a mailbox all the same."""
    term = tx.session.get(Term, dispatch_id)
    if term is None or term.expires_at > clock.now():
        return
    query = (
        sa.select(Delivery)
        .where(
            Delivery.dispatch_id == dispatch_id,
            Delivery.progress.in_(_OPEN),
            sa.or_(Delivery.recall != Recall.AGREED, _LIES_WAITING),
            Delivery.id > after,
        )
        .order_by(Delivery.id)
        .limit(BATCH_SIZE)
        .with_for_update()
    )
    found = list(tx.session.scalars(query))
    dispatch = tx.session.get_one(Dispatch, dispatch_id)
    for delivery in found:
        parcel = tx.session.scalar(sa.select(Parcel).where(Parcel.delivery_id == delivery.id).with_for_update())
        if parcel is not None and parcel.is_leased and clock.now() < term.expires_at + GRACE_PERIOD:
            _wait_for(tx, parcel, term)
        else:
            _end(tx, delivery, dispatch, parcel)
    if len(found) == BATCH_SIZE:
        key = f"{dispatch_id}:{int(term.expires_at.timestamp())}:{found[-1].id}"
        tx.outbox(topics.HUB_EXPIRE, key, {"dispatch_id": dispatch_id, "after": found[-1].id})


def alarm(tx: Tx, parcel_id: int, step: int, turn: int) -> None:
    """Nobody fetched a parcel for a while: tell the next one who should know. `turn` is the parcel's number when the
    alarm was set; laid out anew it has another one, and alarms of its own."""
    parcel = tx.session.get(Parcel, parcel_id, with_for_update=True)
    if parcel is None or parcel.state != ParcelState.WAITING or parcel.alarm >= step or parcel.seq != turn:
        return
    if tx.session.get_one(Delivery, parcel.delivery_id).progress not in _OPEN:
        return  # it says what it does with it, though it never said that it has it
    parcel.alarm = step
    dispatch = mailbox.dispatch_of(tx, parcel)
    ring(tx, parcel.agency_id, dispatch, Change(parcel.id, step))
    if step == 2:
        people = [Recipient.of(card) for card in directory.people_with_role(tx, parcel.agency_id, Role.CLERK)]
        _tell(tx, parcel, dispatch, people, "clerks", _ASK_YOUR_SYSTEM)
    if step == 3:
        _tell(tx, parcel, dispatch, technical_contacts(tx, parcel.agency_id), "technical", _LOOK_AT_IT)
    if step < len(ALARMS):
        enqueue_alarm(tx, parcel, step + 1)


def ring(tx: Tx, receiver_id: int, dispatch: Dispatch, change: Change) -> None:
    """Start pages that show it move by themselves."""
    tx.publish(mailbox_stream(receiver_id), "mailbox.changed", change)
    tx.publish(clerks_stream(dispatch.sender_id), "document.unfetched", change)
    for card in instance_admins(tx):
        tx.publish(person_stream(card.id), "document.unfetched", change)


def _wait_for(tx: Tx, parcel: Parcel, term: Term) -> None:
    key = f"{term.dispatch_id}:{int(term.expires_at.timestamp())}:{parcel.id}:{parcel.lease_token}"
    tx.outbox(topics.HUB_EXPIRE, key, {"dispatch_id": term.dispatch_id, "after": 0}, due_at=parcel.leased_until)


def _end(tx: Tx, delivery: Delivery, dispatch: Dispatch, parcel: Parcel | None) -> None:
    if parcel is not None:
        parcel.state = ParcelState.EXPIRED
    handed_on = transport.expired(tx, delivery, dispatch)
    if parcel is None and handed_on is None and _is_carried(tx, delivery, dispatch):
        return
    there = delivery.progress == Progress.AVAILABLE or handed_on is not None
    reason = handed_on or (_EXPIRED if there else _UNDELIVERABLE)
    report_status(tx, delivery, Progress.EXPIRED if there else Progress.UNDELIVERABLE, description=reason.vi)
    if handed_on is not None and not delivery.recall:
        delivery.reason = f"{reason.vi} / {reason.en}"
    tx.audit(f"agency:{dispatch.sender_id}", "hub.expired", Ref("delivery", delivery.id), {"available": there})
    if delivery.recall == Recall.ASKED and transport.take_back(tx, delivery, dispatch):
        sender = directory.agency(tx, dispatch.sender_id).name
        take_back(tx, delivery, by_name=sender, description=reason.vi)  # who was asked for it never had it
    _tell_sender(tx, delivery, dispatch, reason)


def _is_carried(tx: Tx, delivery: Delivery, dispatch: Dispatch) -> bool:
    """Whether another way has it in hand and gives word itself."""
    if delivery.progress == Progress.AVAILABLE or mailbox.has_reader(tx, delivery.agency_id):
        return False
    return transport.carry(tx, [delivery], dispatch)


def _tell_sender(tx: Tx, delivery: Delivery, dispatch: Dispatch, reason: Phrase) -> None:
    if dispatch.document_id is None:
        return
    facts = Facts.from_json(dispatch.facts)
    path = OUTGOING_PATH.format(id=dispatch.document_id)
    receiver = directory.agency(tx, delivery.agency_id).name
    notice = DocumentWaits(facts.subject, facts.code, receiver, reason, None, path)
    for clerk in directory.people_with_role(tx, dispatch.sender_id, Role.CLERK):
        tell(tx, notice, clerk.id, ref=Ref("delivery", delivery.id), slot="expired", channels=(Channel.EMAIL,))


def technical_contacts(tx: Tx, agency_id: int) -> list[Recipient]:
    """Whom the systems name that fetch for it, else the administrators of the agency."""
    own = sa.select(ApiClient).where(ApiClient.agency_id == agency_id, ApiClient.revoked_at.is_(None))
    systems = [one for one in tx.session.scalars(own) if mailbox.RECEIVE in one.scopes]
    systems += [one.row for one in transport.clients(tx, agency_id)]
    named = {(one.contact_email, one.contact_phone): one.name for one in systems}
    found = [Recipient(name, email, phone) for (email, phone), name in named.items() if email or phone]
    return found or [Recipient.of(card) for card in directory.people_with_role(tx, agency_id, Role.ADMIN)]


def _tell(
    tx: Tx, parcel: Parcel, dispatch: Dispatch, people: Iterable[Recipient], slot: str, what_to_do: Phrase
) -> None:
    """Tell them, or the agency itself when nobody of it is known here."""
    facts = Facts.from_json(dispatch.facts)
    agency = directory.agency(tx, parcel.agency_id)
    row = tx.session.get(Mailbox, parcel.agency_id)
    notice = DocumentUnfetched(
        subject=facts.subject,
        number=facts.code,
        sender=directory.agency(tx, dispatch.sender_id).name,
        receiver=agency.name,
        what_to_do=what_to_do,
        since_at=parcel.available_at,
        until_at=until(tx, dispatch.id),
        asked_at=row.polled_at if row else None,
    )
    for recipient in list(people) or [Recipient(agency.name, agency.email, agency.phone)]:
        tell(tx, notice, recipient, ref=Ref("parcel", parcel.id), version=parcel.seq, slot=slot, channels=BOTH)


def _enqueue_expiry(tx: Tx, term: Term) -> None:
    key = f"{term.dispatch_id}:{int(term.expires_at.timestamp())}"
    tx.outbox(topics.HUB_EXPIRE, key, {"dispatch_id": term.dispatch_id, "after": 0}, due_at=term.expires_at)


def look_again(tx: Tx, dispatch_id: int, occasion: str) -> None:
    """Something went on its way late: if the term has ended already, what nobody took has to be told."""
    end = until(tx, dispatch_id)
    if end is not None and end <= clock.now():
        tx.outbox(topics.HUB_EXPIRE, f"{dispatch_id}:{occasion}", {"dispatch_id": dispatch_id, "after": 0})


def alarm_due(tx: Tx, dispatch_id: int, since_at: datetime, step: int) -> datetime:
    """When the next one should know that something waits since then; the last of them still before the term ends."""
    hours = calendar(tx)
    length = ALARMS[step - 1]
    if step == len(ALARMS) and (end := until(tx, dispatch_id)):
        length = min(length, max(ALARMS[1], hours.working_time(since_at, end) - LAST_CHANCE))
    return hours.add_working_time(since_at, length)


def enqueue_alarm(tx: Tx, parcel: Parcel, step: int) -> None:
    """See to it that somebody is told when nobody fetches it."""
    payload = {"parcel_id": parcel.id, "step": step, "turn": parcel.seq}
    due_at = alarm_due(tx, mailbox.dispatch_of(tx, parcel).id, parcel.available_at, step)
    tx.outbox(topics.HUB_ALARM, f"{parcel.id}:{parcel.seq}:{step}", payload, due_at=due_at)
