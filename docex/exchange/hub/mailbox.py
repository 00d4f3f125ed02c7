"""Mailboxes for agencies' systems: what waits, who works on it, and the word that it arrived.

Pull is the guarantee: a parcel stays until its receiver has said that it has it, or until its term ends.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor
from directory.models import ApiClient
from docex import topics
from docex.documents.delivery import transport
from docex.documents.delivery.statuses import report_status, report_statuses
from docex.documents.models import Delivery, Dispatch, on_the_way
from docex.edxml.progress import Progress, Recall
from docex.exchange.hub import receipts
from docex.exchange.hub.models import Mailbox, Parcel, Receipt
from docex.exchange.hub.states import ParcelState, ReceiptKind
from docex.exchange.hub.webhooks import subscriptions
from docex.streams import Change, mailbox_stream
from kernel import clock
from kernel.db import Tx
from kernel.errors import Conflict, NotFound, WrongState
from kernel.refs import Ref
from kernel.schema import insert_for, insert_into, table_of
from kernel.text import phrase
from kernel.worktime import calendar

RECEIVE = "docex.receive"
FIRST_ALARM = timedelta(hours=4)  # of working time, see docex.exchange.hub.terms
LEASE = timedelta(minutes=5)
POLL_NOTED = timedelta(minutes=1)
COLLECTED = 500
FETCHED_LATE = phrase("Văn bản đã được thu hồi trước khi hệ thống của nơi nhận báo đã lấy.")
HELD = phrase("Trục đang tạm giữ hộp nhận của cơ quan này. Xin lấy lại sau.")


def has_reader(tx: Tx, agency_id: int) -> bool:
    """Whether a system fetches the documents of this agency here, by the API or in the VXP shape."""
    return transport.is_fetched(tx, agency_id)


def with_reader(tx: Tx) -> frozenset[int]:
    """The agencies whose documents a system fetches here, by the API or in the VXP shape."""
    return transport.mailboxes(tx)


def readers(tx: Tx, among: Iterable[int] | None = None) -> frozenset[int]:
    """The agencies whose systems may fetch documents here by the API; with `among` only those of them."""
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
    numbers = _next_numbers(tx, (one.agency_id for one in fresh))
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
    report_statuses(tx, fresh, Progress.AVAILABLE)
    for parcel in parcels:
        tx.publish(mailbox_stream(parcel.agency_id), "mailbox.changed", Change(parcel.id, parcel.seq))
    subscriptions.arrived(tx, parcels)
    due_at = calendar(tx).add_working_time(now, FIRST_ALARM)
    for one in parcels:
        tx.outbox(
            topics.HUB_ALARM, f"{one.id}:{one.seq}:1", {"parcel_id": one.id, "step": 1, "turn": one.seq}, due_at=due_at
        )


def lay_again(tx: Tx, parcel: Parcel) -> None:
    """A parcel waits anew, behind all others, so that no reader has passed it already. A lease of it is lost."""
    parcel.state, parcel.alarm, parcel.available_at = ParcelState.WAITING, 0, clock.now()
    parcel.leased_by = parcel.leased_until = parcel.fetched_at = None
    parcel.lease_token += 1
    parcel.seq = _next_numbers(tx, [parcel.agency_id])[parcel.agency_id]
    tx.session.flush()
    tx.publish(mailbox_stream(parcel.agency_id), "mailbox.changed", Change(parcel.id, parcel.seq))
    subscriptions.arrived(tx, [parcel])


def take_back(tx: Tx, delivery: Delivery) -> bool:
    """The sender takes a delivery back: it is offered no longer. False when a system fetched it, or is at it now."""
    parcel = tx.session.scalar(sa.select(Parcel).where(Parcel.delivery_id == delivery.id).with_for_update())
    if parcel is None:
        return True
    if parcel.is_leased or parcel.state == ParcelState.FETCHED:
        return False
    parcel.state = ParcelState.WITHDRAWN
    parcel.leased_until = None  # whoever held it may still say that they have it
    tx.publish(mailbox_stream(parcel.agency_id), "mailbox.changed", Change(parcel.id, parcel.seq))
    return True


def open_for(tx: Tx, agency_id: int) -> None:
    """The agency's system asks for the first time: bring it what was handed in before there was one."""
    row = insert_into(tx.session, Mailbox).values(agency_id=agency_id, last_seq=0, opened_at=clock.now())
    tx.session.execute(row.on_conflict_do_nothing())
    tx.outbox(topics.HUB_COLLECT, f"{agency_id}:0", {"agency_id": agency_id, "after": 0})


def collect(tx: Tx, agency_id: int, after: int) -> None:
    """Lay into a mailbox what waits for its agency and was never carried, a batch at a time. Of an agency that is
    served here nothing does: its inbox gets it (docex/exchange/dispatch.py)."""
    if directory.agency(tx, agency_id).is_local:
        return
    query = (
        sa.select(Delivery)
        .where(
            Delivery.agency_id == agency_id,
            Delivery.progress == Progress.SUBMITTED,
            Delivery.recall != Recall.AGREED,
            Delivery.id > after,
        )
        .order_by(Delivery.id)
        .limit(COLLECTED)
        .with_for_update()
    )
    found = list(tx.session.scalars(query))
    for delivery in found:
        put_all(tx, [delivery])
    if len(found) == COLLECTED:
        last = found[-1].id
        tx.outbox(topics.HUB_COLLECT, f"{agency_id}:{last}", {"agency_id": agency_id, "after": last})


def _collect_left(tx: Tx, agency_ids: Sequence[int]) -> None:
    """Bring systems that ask what was left lying while no system of their agencies was allowed to fetch: one was shut
    out and the next came later. What came a moment ago gets into its mailbox without this."""
    left = (
        sa.select(Delivery.agency_id)
        .where(
            Delivery.agency_id.in_(agency_ids),
            on_the_way(),
            Delivery.progress == Progress.SUBMITTED,
            Delivery.recall != Recall.AGREED,
            Delivery.changed_at < clock.now() - POLL_NOTED,
        )
        .distinct()
    )
    for agency_id in sorted(tx.session.scalars(left)):
        _enqueue_collecting(tx, agency_id, "polled")


def _enqueue_collecting(tx: Tx, agency_id: int, occasion: str) -> None:
    key = f"{agency_id}:{occasion}:{clock.now():%Y%m%d%H%M%S}"
    tx.outbox(topics.HUB_COLLECT, key, {"agency_id": agency_id, "after": 0})


def bring_left(tx: Tx, agency_id: int) -> None:
    """A system that will be told, and may never ask, gets what was handed in before there was one, too."""
    _enqueue_collecting(tx, agency_id, "told")


def poll_is_news(polled_at: datetime | None) -> bool:
    """Whether it is time to note that the agency's system asks: once a minute is enough."""
    return polled_at is None or polled_at < clock.now() - POLL_NOTED


def note_poll(tx: Tx, agency_id: int, system: str, its_time: datetime | None) -> None:
    """Remember when the agency's system last asked, what it calls itself, and how wrong its clock is."""
    row = tx.session.get(Mailbox, agency_id, with_for_update=True, populate_existing=True)
    if row is None or row.polled_at is None:
        open_for(tx, agency_id)
        row = tx.session.get_one(Mailbox, agency_id, with_for_update=True, populate_existing=True)
    else:
        _collect_left(tx, [agency_id])
    row.polled_at, row.polled_by = clock.now(), system[:200]
    row.skew_s = round((its_time - clock.now()).total_seconds()) if its_time else None


def note_polls(tx: Tx, agency_ids: Iterable[int], system: str) -> None:
    """The same for a system that asks for several agencies at once; it does not say its time."""
    polled = sa.select(Mailbox.agency_id, Mailbox.polled_at).where(Mailbox.agency_id.in_(agency_ids))
    known = {agency_id: polled_at for agency_id, polled_at in tx.session.execute(polled)}
    news = sorted(agency_id for agency_id in agency_ids if poll_is_news(known.get(agency_id)))
    if not news:
        return
    for agency_id in news:
        if known.get(agency_id) is None:
            open_for(tx, agency_id)
    _collect_left(tx, [agency_id for agency_id in news if known.get(agency_id) is not None])
    rows = sa.select(Mailbox).where(Mailbox.agency_id.in_(news)).order_by(Mailbox.agency_id).with_for_update()
    for row in tx.session.scalars(rows.execution_options(populate_existing=True)):
        row.polled_at, row.polled_by = clock.now(), system[:200]


def state_of(tx: Tx, agency_id: int) -> tuple[int, bool]:
    """How many parcels wait in a mailbox, and whether an operator holds it."""
    mailbox = tx.session.get(Mailbox, agency_id)
    waits = sa.and_(Parcel.agency_id == agency_id, Parcel.state == ParcelState.WAITING)
    count = tx.session.scalar(sa.select(sa.func.count()).select_from(Parcel).where(waits)) or 0
    return count, mailbox is not None and mailbox.held_at is not None


def lease(tx: Tx, actor: Actor, parcel_id: int) -> Parcel:
    """Let one system of the agency work on a parcel. The same one asking again gets a new token, and its old one is
    worth nothing; another one has to wait until the lease ends."""
    parcel, _ = parcel_for(tx, actor, parcel_id)
    _must_wait(parcel)
    now = clock.now()
    if parcel.leased_until is not None and parcel.is_leased and parcel.leased_by != actor.client_id:
        raise Conflict(
            phrase("Một hệ thống khác của cơ quan đang nhận văn bản này."), leased_until=parcel.leased_until.isoformat()
        )
    if is_kept_back(tx, parcel):
        raise WrongState(HELD)
    parcel.lease_token += 1
    parcel.leased_by, parcel.leased_until = actor.client_id, now + LEASE
    return parcel


def acknowledge(tx: Tx, actor: Actor, parcel_id: int, token: int) -> Receipt:
    """The agency's system has the envelope: status 01 and a `retrieved` receipt. Saying it again is answered with
    the same receipt; a token that was overtaken, or that another system of the agency holds, is refused. Who was so
    slow that the sender took it back meanwhile has it all the same, and is asked for it."""
    parcel, delivery = parcel_for(tx, actor, parcel_id)
    if token != parcel.lease_token or parcel.leased_by != actor.client_id:
        raise Conflict(phrase("Mã nhận này đã hết hiệu lực vì có hệ thống khác nhận sau. Xin nhận lại."))
    if parcel.state != ParcelState.FETCHED:
        too_late = parcel.state == ParcelState.WITHDRAWN
        if too_late:
            delivery.recall = Recall.NONE
        else:
            _must_wait(parcel)
        parcel.state, parcel.fetched_at, parcel.leased_until = ParcelState.FETCHED, clock.now(), None
        dispatch = tx.session.get_one(Dispatch, delivery.dispatch_id)
        agency = directory.agencies(tx, [parcel.agency_id, dispatch.sender_id])[parcel.agency_id]  # receipts name both
        report_status(tx, delivery, Progress.RETRIEVED, Progress.ARRIVED, by_name=agency.name)
        tx.audit(f"agency:{agency.id}", "hub.fetched", Ref("delivery", delivery.id), {"parcel": parcel.id})
        if too_late:
            asked = {"delivery_id": delivery.id, "reason": FETCHED_LATE.vi, "by": actor.by, "withdraw": True}
            tx.outbox(topics.ASK_BACK, f"{delivery.id}:late:{delivery.rev}", asked)
    return receipts.of_delivery(tx, ReceiptKind.RETRIEVED, delivery)


def note_fetched(tx: Tx, delivery: Delivery) -> None:
    """A system that knows no leases says that it has a document, maybe after its term. The delivery is locked."""
    parcel = tx.session.scalar(sa.select(Parcel).where(Parcel.delivery_id == delivery.id).with_for_update())
    if parcel is not None and parcel.state != ParcelState.FETCHED:
        parcel.state, parcel.fetched_at = ParcelState.FETCHED, clock.now()
        parcel.leased_until = None


def parcel_for(tx: Tx, actor: Actor, parcel_id: int) -> tuple[Parcel, Delivery]:
    """A parcel in the mailbox of the system's own agency with its delivery; locked when the transaction writes."""
    own = sa.and_(Parcel.id == parcel_id, Parcel.agency_id == actor.agency_id)
    query = sa.select(Delivery).where(Delivery.id == sa.select(Parcel.delivery_id).where(own).scalar_subquery())
    if tx.writable:
        query = query.with_for_update().execution_options(populate_existing=True)
    delivery = tx.session.scalar(query) if actor.kind == "client" else None
    if delivery is None:
        raise NotFound()
    # Locked after its delivery, as everywhere.
    parcel = tx.session.get_one(Parcel, parcel_id, with_for_update=tx.writable, populate_existing=True)
    return parcel, delivery


def envelope_for(tx: Tx, actor: Actor, parcel_id: int) -> Dispatch:
    """The envelope in a parcel of the system's own agency; none of it is given out once it was taken back."""
    parcel, _ = parcel_for(tx, actor, parcel_id)
    if parcel.state == ParcelState.WITHDRAWN:
        _must_wait(parcel)
    if is_kept_back(tx, parcel):
        raise WrongState(HELD)
    return dispatch_of(tx, parcel)


def is_kept_back(tx: Tx, parcel: Parcel) -> bool:
    """Whether an operator holds the mailbox. Who had begun to fetch before that may finish."""
    if parcel.state != ParcelState.WAITING or parcel.is_leased:
        return False
    mailbox = tx.session.get(Mailbox, parcel.agency_id)
    return mailbox is not None and mailbox.held_at is not None


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


def _next_numbers(tx: Tx, agency_ids: Iterable[int]) -> dict[int, int]:
    """The next number of each of these mailboxes. They stay locked until the end of the transaction, so numbers appear
    in their order; and they are locked in one order, so that two envelopes to the same agencies never block each other.
    """
    now = clock.now()
    rows = [{"agency_id": one, "last_seq": 1, "polled_by": "", "opened_at": now} for one in sorted(set(agency_ids))]
    found = tx.session.connection().execute(_next_number(tx.session.get_bind().dialect.name), rows)
    return {agency_id: last for agency_id, last in found}


@cache
def _next_number(dialect: str) -> Any:
    """A mailbox's next number; its first one opens it."""
    table = table_of(Mailbox)
    row = insert_for(dialect, Mailbox)
    raised = row.on_conflict_do_update(index_elements=["agency_id"], set_={"last_seq": table.c.last_seq + 1})
    return raised.returning(table.c.agency_id, table.c.last_seq)
