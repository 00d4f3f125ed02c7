"""Mailboxes for agencies' systems: what waits, who works on it, and the word that it arrived.

Pull is the guarantee: a parcel stays until its receiver has said that it has it, or until its term ends.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor
from directory.models import ApiClient
from docex.hub import receipts, webhooks
from docex.hub.models import Mailbox, Parcel, Receipt
from docex.hub.states import ParcelState, ReceiptKind
from docex.models import Delivery, Dispatch, Incoming
from docex.moves import touch_incoming
from docex.states import Progress, Recall
from docex.statuses import say, say_all
from kernel import clock
from kernel.db import Tx
from kernel.errors import Conflict, Invalid, NotFound, WrongState
from kernel.refs import Ref
from kernel.schema import insert_into
from kernel.text import phrase
from kernel.worktime import calendar

RECEIVE = "docex.receive"
FIRST_ALARM = timedelta(hours=4)  # of working time, see docex.hub.terms
LEASE = timedelta(minutes=5)
POLL_NOTED = timedelta(minutes=1)
COLLECTED = 500

SAYABLE = frozenset(
    {
        Progress.REFUSED.value,
        Progress.REGISTERED.value,
        Progress.ASSIGNED.value,
        Progress.WORKING.value,
        Progress.DONE.value,
        Recall.AGREED.value,
        Recall.REFUSED.value,
    }
)
"""What a receiver's system may say in JSON; 01 is said by the acknowledgement itself."""


def has_reader(tx: Tx, agency_id: int) -> bool:
    """Whether a system of this agency may fetch documents here."""
    rows = tx.session.execute(
        sa.select(ApiClient.scopes).where(ApiClient.agency_id == agency_id, ApiClient.revoked_at.is_(None))
    )
    return any(RECEIVE in scopes for (scopes,) in rows)


def readers(tx: Tx, among: Iterable[int] | None = None) -> frozenset[int]:
    """The agencies whose systems may fetch documents here; with `among` only those of them."""
    query = sa.select(ApiClient.agency_id, ApiClient.scopes).where(ApiClient.revoked_at.is_(None))
    if among is not None:
        query = query.where(ApiClient.agency_id.in_(set(among)))
    return frozenset(agency_id for agency_id, scopes in tx.session.execute(query) if RECEIVE in scopes)


def put_all(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """Lay deliveries of one envelope into their receivers' mailboxes; what lies there stays as it is. The deliveries
    are locked."""
    laid = sa.select(Parcel.delivery_id).where(Parcel.delivery_id.in_([one.id for one in deliveries]))
    known = set(tx.session.scalars(laid)) if deliveries else set()
    fresh = [one for one in deliveries if one.id not in known]
    if not fresh:
        return
    now = clock.now()
    numbers = _next_numbers(tx, [one.agency_id for one in fresh])
    parcels = [
        Parcel(
            agency_id=one.agency_id,
            seq=numbers[one.agency_id],
            delivery_id=one.id,
            state=ParcelState.WAITING,
            lease_token=0,
            available_at=now,
        )
        for one in fresh
    ]
    tx.session.add_all(parcels)
    tx.session.flush()
    say_all(tx, fresh, Progress.AVAILABLE)
    for parcel in parcels:
        tx.publish(f"mailbox:{parcel.agency_id}", "mailbox.changed", {"id": parcel.id, "rev": parcel.seq})
    webhooks.arrived(tx, parcels)
    due_at = calendar(tx).add_working_time(now, FIRST_ALARM)
    alarms = {f"{one.id}:{one.seq}:1": {"parcel_id": one.id, "step": 1, "turn": one.seq} for one in parcels}
    tx.outbox_all("hub.alarm", alarms, due_at=due_at)


def lay_again(tx: Tx, parcel: Parcel) -> None:
    """A parcel waits anew, behind all others, so that no reader has passed it already. A lease of it is lost."""
    parcel.state, parcel.alarm, parcel.available_at = ParcelState.WAITING, 0, clock.now()
    parcel.leased_by = parcel.leased_until = parcel.fetched_at = None
    parcel.lease_token += 1
    parcel.seq = _next_numbers(tx, [parcel.agency_id])[parcel.agency_id]
    tx.session.flush()
    tx.publish(f"mailbox:{parcel.agency_id}", "mailbox.changed", {"id": parcel.id, "rev": parcel.seq})
    webhooks.arrived(tx, [parcel])


def open_for(tx: Tx, agency_id: int) -> None:
    """The agency's system asks for the first time: bring it what was handed in before it could ask."""
    row = insert_into(tx.session, Mailbox).values(agency_id=agency_id, last_seq=0, opened_at=clock.now())
    if tx.session.execute(row.on_conflict_do_nothing().returning(Mailbox.agency_id)).scalar() is not None:
        tx.outbox("hub.collect", f"{agency_id}:0", {"agency_id": agency_id, "after": 0})


def collect(tx: Tx, agency_id: int, after: int) -> None:
    """Lay into a mailbox what waits for its agency and was never carried, a stretch at a time."""
    query = (
        sa.select(Delivery)
        .where(Delivery.agency_id == agency_id, Delivery.progress == Progress.SUBMITTED, Delivery.id > after)
        .order_by(Delivery.id)
        .limit(COLLECTED)
        .with_for_update()
    )
    found = list(tx.session.scalars(query))
    for delivery in found:
        put_all(tx, [delivery])
    if len(found) == COLLECTED:
        last = found[-1].id
        tx.outbox("hub.collect", f"{agency_id}:{last}", {"agency_id": agency_id, "after": last})


def poll_is_news(polled_at: datetime | None) -> bool:
    """Whether it is time to note that the agency's system asks: once a minute is enough."""
    return polled_at is None or polled_at < clock.now() - POLL_NOTED


def note_poll(tx: Tx, agency_id: int, system: str, its_time: datetime | None) -> None:
    """Remember when the agency's system last asked, what it calls itself, and how wrong its clock is."""
    open_for(tx, agency_id)
    row = tx.session.get_one(Mailbox, agency_id, with_for_update=True, populate_existing=True)
    row.polled_at, row.polled_by = clock.now(), system[:200]
    row.skew_s = round((its_time - clock.now()).total_seconds()) if its_time else None


def state_of(tx: Tx, agency_id: int) -> tuple[int, bool]:
    """How many parcels wait in a mailbox, and whether an operator holds it."""
    box = tx.session.get(Mailbox, agency_id)
    waits = sa.and_(Parcel.agency_id == agency_id, Parcel.state == ParcelState.WAITING)
    count = tx.session.scalar(sa.select(sa.func.count()).select_from(Parcel).where(waits)) or 0
    return count, box is not None and box.held_at is not None


def lease(tx: Tx, actor: Actor, parcel_id: int) -> Parcel:
    """Let one system of the agency work on a parcel. The same one asking again gets a new token, and its old one is
    worth nothing; another one has to wait until the lease ends."""
    parcel, _ = parcel_for(tx, actor, parcel_id)
    _must_wait(parcel)
    now = clock.now()
    if parcel.leased_until is not None and parcel.leased_until > now and parcel.leased_by != actor.client_id:
        raise Conflict(
            phrase("Một hệ thống khác của cơ quan đang nhận văn bản này."), leased_until=parcel.leased_until.isoformat()
        )
    parcel.lease_token += 1
    parcel.leased_by, parcel.leased_until = actor.client_id, now + LEASE
    return parcel


def acknowledge(tx: Tx, actor: Actor, parcel_id: int, token: int) -> Receipt:
    """The agency's system has the envelope: status 01 and a `retrieved` receipt. Saying it again is answered with
    the same receipt; a token that was overtaken is refused."""
    parcel, delivery = parcel_for(tx, actor, parcel_id)
    if token != parcel.lease_token or token == 0:
        raise Conflict(phrase("Mã nhận này đã hết hiệu lực vì có hệ thống khác nhận sau. Xin nhận lại."))
    if parcel.state != ParcelState.FETCHED:
        _must_wait(parcel)
        parcel.state, parcel.fetched_at, parcel.leased_until = ParcelState.FETCHED, clock.now(), None
        agency = directory.agency(tx, parcel.agency_id)
        say(tx, delivery, Progress.RETRIEVED, by_name=agency.name)
        say(tx, delivery, Progress.ARRIVED, by_name=agency.name)
        tx.audit(f"agency:{agency.id}", "hub.fetched", Ref("delivery", delivery.id), {"parcel": parcel.id})
    return receipts.of_delivery(tx, ReceiptKind.RETRIEVED, delivery)


def report(
    tx: Tx, actor: Actor, parcel_id: int, code: str, description: str, said_at: datetime | None
) -> tuple[Delivery, bool]:
    """What the receiver does with a document, in the codes of QĐ 28/2018. Answers whether it was news."""
    if code not in SAYABLE:
        message = phrase("Mã trạng thái phải là một trong {codes}.", codes=", ".join(sorted(SAYABLE)))
        raise Invalid({"code": message}, message)
    if code in (Progress.REFUSED, Recall.REFUSED) and not description.strip():
        message = phrase("Từ chối thì phải nêu lý do.")
        raise Invalid({"description": message}, message)
    parcel, delivery = parcel_for(tx, actor, parcel_id)
    name = directory.agency(tx, parcel.agency_id).name
    counted = say(tx, delivery, code, by_name=name, description=description.strip(), said_at=said_at)
    copy = tx.session.scalar(sa.select(Incoming).where(Incoming.delivery_id == delivery.id))
    if counted and copy is not None:
        touch_incoming(tx, copy)
    return delivery, counted


def parcel_for(tx: Tx, actor: Actor, parcel_id: int) -> tuple[Parcel, Delivery]:
    """A parcel in the mailbox of the system's own agency with its delivery; locked when the transaction writes."""
    parcel = tx.session.get(Parcel, parcel_id)
    if parcel is None or actor.kind != "client" or parcel.agency_id != actor.agency_id:
        raise NotFound()
    delivery = tx.session.get_one(Delivery, parcel.delivery_id, with_for_update=tx.writable, populate_existing=True)
    tx.session.refresh(parcel, with_for_update=tx.writable)
    return parcel, delivery


def dispatch_of(tx: Tx, parcel: Parcel) -> Dispatch:
    """The envelope in a parcel."""
    query = sa.select(Dispatch).join(Delivery, Delivery.dispatch_id == Dispatch.id)
    return tx.session.scalars(query.where(Delivery.id == parcel.delivery_id)).one()


def _must_wait(parcel: Parcel) -> None:
    if parcel.state == ParcelState.FETCHED:
        raise WrongState(phrase("Văn bản này đã được nhận trước đó."))
    if parcel.state == ParcelState.EXPIRED:
        raise WrongState(phrase("Văn bản này đã hết hạn chờ nhận; nơi gửi đã được báo."))
    if parcel.state == ParcelState.WITHDRAWN:
        raise WrongState(phrase("Văn bản này đã được rút khỏi trục theo yêu cầu của nơi gửi."))


def _next_numbers(tx: Tx, agency_ids: Sequence[int]) -> dict[int, int]:
    """The next number of each of these mailboxes. They stay locked until the end of the transaction, so numbers appear
    in their order; and they are locked in one order, so that two envelopes to the same agencies never block each other.
    """
    wanted = sorted(set(agency_ids))
    now = clock.now()
    missing = [{"agency_id": agency_id, "last_seq": 0, "polled_by": "", "opened_at": now} for agency_id in wanted]
    tx.session.execute(insert_into(tx.session, Mailbox).on_conflict_do_nothing(), missing)
    rows = sa.select(Mailbox).where(Mailbox.agency_id.in_(wanted)).order_by(Mailbox.agency_id).with_for_update()
    numbers = {}
    for box in tx.session.scalars(rows.execution_options(populate_existing=True)):
        box.last_seq += 1
        numbers[box.agency_id] = box.last_seq
    return numbers
