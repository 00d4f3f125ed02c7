"""The acts of the hub's operator on an agency's system, always with a reason and on record: hold its mailbox
and release it, lay out anew what expired or was fetched, take back what nobody fetched, test the connection."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import sqlalchemy as sa

from directory import auditing
from directory import queries as directory
from directory.access import agency_for, require_instance_admin
from directory.actor import Actor, chain_of
from docex.documents.delivery import transport
from docex.documents.delivery.statuses import reopen, take_back
from docex.documents.models import Delivery
from docex.edxml.progress import NOT_HAD, Progress, Recall
from docex.exchange.hub import mailbox, receipts, terms
from docex.exchange.hub.models import Mailbox, Parcel, Term, Webhook
from docex.exchange.hub.states import ParcelState, ReceiptKind
from docex.exchange.hub.webhooks import subscriptions
from docex.streams import Change, mailbox_stream
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid, NotFound, WrongState
from kernel.refs import Ref
from kernel.text import phrase
from kernel.worktime import calendar

_Row = TypeVar("_Row", Delivery, Parcel, Term)

BATCH_SIZE = 200
REASON_LENGTH = 1000

_AT_IT = phrase(
    "Hệ thống của nơi nhận đang lấy văn bản này. Xin chờ hết giờ giữ chỗ rồi làm lại, hoặc để nơi gửi yêu cầu lấy lại."
)
_MAY_HAVE_IT = phrase("Văn bản có thể đã đến nơi nhận bằng đường khác. Nơi gửi cần yêu cầu lấy lại.")

auditing.words.update(
    {
        "exchange.steering_convention": phrase("Chọn cách đánh số loại chỉ đạo"),
        "hub.held": phrase("Tạm giữ hộp nhận tại trục"),
        "hub.released": phrase("Mở lại hộp nhận tại trục"),
        "hub.sent_again": phrase("Đặt lại các văn bản quá hạn vào hộp nhận"),
        "hub.resent": phrase("Đặt lại một văn bản vào hộp nhận"),
        "hub.withdrawn": phrase("Rút một văn bản khỏi hộp nhận"),
        "hub.tested": phrase("Kiểm tra kết nối của một hệ thống"),
        "hub.circuit_closed": phrase("Cho gọi lại địa chỉ nhận tin báo"),
    }
)


def hold(tx: Tx, actor: Actor, agency_id: int, reason: str) -> None:
    """Give out nothing of this mailbox for now; what comes waits."""
    row, why = _mailbox(tx, actor, agency_id, lock=True), reason_of(reason)
    row.held_at, row.held_reason = clock.now(), why
    _record(tx, agency_id, "hub.held", reason=why)
    _changed(tx, row)


def release(tx: Tx, actor: Actor, agency_id: int) -> None:
    """Give out again what waited."""
    row = _mailbox(tx, actor, agency_id, lock=True)
    row.held_at, row.held_reason = None, ""
    _record(tx, agency_id, "hub.released")
    _changed(tx, row)


def requeue_expired(tx: Tx, actor: Actor, agency_id: int, reason: str) -> int:
    """Lay what expired into the mailbox anew, with a new term. Answers how many that were."""
    _mailbox(tx, actor, agency_id)
    why = reason_of(reason)
    query = sa.select(Parcel.id).where(Parcel.agency_id == agency_id, Parcel.state == ParcelState.EXPIRED)
    parcel_ids = tx.session.scalars(query.order_by(Parcel.seq).limit(BATCH_SIZE)).all()
    # Somebody else may have laid one out, or had word that it was fetched, while we waited for it.
    expired = [one for one in _locked(tx, agency_id, parcel_ids) if one[0].state == ParcelState.EXPIRED]
    again = _lay_again(tx, expired, why)
    _record(tx, agency_id, "hub.sent_again", parcels=again, reason=why)
    return again


def resend(tx: Tx, actor: Actor, agency_id: int, parcel_id: int, reason: str) -> None:
    """Lay one parcel out anew: fetched before and lost at the receiver, expired, or stuck with a system that leased it.

    What the receiver said about the document stays as it is, and its acknowledgement gets the first receipt again.
    """
    require_instance_admin(tx, actor)
    why = reason_of(reason)
    parcel, delivery = _parcel(tx, agency_id, parcel_id)
    if parcel.state == ParcelState.WITHDRAWN or not _lay_again(tx, [(parcel, delivery)], why):
        raise WrongState(phrase("Văn bản này đã được rút về, không đặt lại được."))
    _record(tx, agency_id, "hub.resent", Ref("delivery", delivery.id), reason=why)


def withdraw(tx: Tx, actor: Actor, agency_id: int, parcel_id: int, reason: str) -> None:
    """Take a parcel back for its sender while nobody has it: 15 without a question, and a receipt that is true.

    A system that holds a lease may have the bytes already, and its acknowledgement will count: it can only be asked.
    """
    require_instance_admin(tx, actor)
    why = reason_of(reason)
    parcel, delivery = _parcel(tx, agency_id, parcel_id)
    if parcel.state == ParcelState.WITHDRAWN:
        return
    if delivery.progress not in NOT_HAD or parcel.state == ParcelState.FETCHED:
        raise WrongState(phrase("Nơi nhận đã lấy văn bản này. Nơi gửi cần yêu cầu lấy lại để nơi nhận trả lời."))
    if parcel.is_leased:
        raise WrongState(_AT_IT)
    dispatch = mailbox.dispatch_of(tx, parcel)
    if not transport.take_back(tx, delivery, dispatch):
        raise WrongState(_MAY_HAVE_IT)
    take_back(tx, delivery, by_name=directory.agency(tx, dispatch.sender_id).name, description=why)
    receipts.of_delivery(tx, ReceiptKind.WITHDRAWN, delivery, why)
    _record(tx, agency_id, "hub.withdrawn", Ref("delivery", delivery.id), reason=why)


def test_connection(tx: Tx, actor: Actor, agency_id: int) -> int:
    """Have the webhooks of the agency's systems called now. Answers how many there are; what else the test says is on
    the page at any time (docex.exchange.hub.operators.connection_test)."""
    agency_for(tx, actor, agency_id)
    hooks = tx.session.scalars(sa.select(Webhook).where(Webhook.agency_id == agency_id).order_by(Webhook.id)).all()
    for hook in hooks:
        subscriptions.test(tx, hook)
    _record(tx, agency_id, "hub.tested", webhooks=len(hooks))
    return len(hooks)


def close_circuit(tx: Tx, actor: Actor, agency_id: int, hook_id: int) -> None:
    """Call a webhook again that was left alone: its owner says that it is well."""
    agency_for(tx, actor, agency_id)
    hook = tx.session.get(Webhook, hook_id, with_for_update=True)
    if hook is None or hook.agency_id != agency_id:
        raise NotFound()
    subscriptions.call_again(tx, hook)
    _record(tx, agency_id, "hub.circuit_closed", f"client:{hook.client_id}")


def _lay_again(tx: Tx, found: Sequence[tuple[Parcel, Delivery]], why: str) -> int:
    """Lay out what was not taken back. Answers how many that were. All terms are locked before the mailbox."""
    going = [(parcel, delivery) for parcel, delivery in found if delivery.recall != Recall.AGREED]
    their_terms = _terms(tx, {delivery.dispatch_id for _, delivery in going})
    until = calendar(tx).add_working_time(clock.now(), terms.OFFICE_HOURS)
    for parcel, delivery in going:
        terms.extend(tx, their_terms[delivery.dispatch_id], until)
        mailbox.lay_again(tx, parcel)
        terms.enqueue_alarm(tx, parcel, 1)
        if delivery.progress == Progress.EXPIRED:
            reopen(tx, delivery, Progress.AVAILABLE, why)
            subscriptions.changed(tx, [delivery], mailbox.dispatch_of(tx, parcel))
    return len(going)


def _parcel(tx: Tx, agency_id: int, parcel_id: int) -> tuple[Parcel, Delivery]:
    """A parcel of that mailbox and its delivery, locked; NotFound when it lies elsewhere."""
    found = _locked(tx, agency_id, [parcel_id])
    if not found:
        raise NotFound()
    return found[0]


def _locked(tx: Tx, agency_id: int, parcel_ids: Sequence[int]) -> list[tuple[Parcel, Delivery]]:
    """Those parcels of that mailbox, in their order there, and their deliveries, locked in the order of
    docex/exchange/hub/models.py."""
    there = sa.and_(Parcel.id.in_(parcel_ids), Parcel.agency_id == agency_id)
    theirs = sa.select(Delivery).where(Delivery.id.in_(sa.select(Parcel.delivery_id).where(there)))
    deliveries = {one.id: one for one in _taken(tx, theirs.order_by(Delivery.id))}
    parcels = _taken(tx, sa.select(Parcel).where(there).order_by(Parcel.id))
    return [(one, deliveries[one.delivery_id]) for one in sorted(parcels, key=lambda parcel: parcel.seq)]


def _terms(tx: Tx, dispatch_ids: Iterable[int]) -> dict[int, Term]:
    query = sa.select(Term).where(Term.dispatch_id.in_(dispatch_ids)).order_by(Term.dispatch_id)
    return {term.dispatch_id: term for term in _taken(tx, query)}


def _taken(tx: Tx, query: sa.Select[_Row]) -> Sequence[_Row]:
    """Rows as they are now, locked in the order of the query."""
    return tx.session.scalars(query.with_for_update().execution_options(populate_existing=True)).all()


def reason_of(reason: str) -> str:
    """The typed reason; Invalid when it is empty."""
    why = reason.strip()[:REASON_LENGTH]
    if not why:
        raise Invalid({"reason": phrase("Cần nêu lý do.")})
    return why


def _record(tx: Tx, agency_id: int, action: str, ref: Ref | str = "", **detail: object) -> None:
    tx.audit(chain_of(agency_id), action, ref or f"mailbox:{agency_id}", dict(detail))


def _changed(tx: Tx, row: Mailbox) -> None:
    tx.publish(mailbox_stream(row.agency_id), "mailbox.changed", Change(row.agency_id, row.last_seq))


def _mailbox(tx: Tx, actor: Actor, agency_id: int, *, lock: bool = False) -> Mailbox:
    """The mailbox of an agency; locked only where nothing is locked after it (docex/exchange/hub/models.py)."""
    require_instance_admin(tx, actor)
    agency_for(tx, actor, agency_id)
    row = tx.session.get(Mailbox, agency_id, with_for_update=lock, populate_existing=True)
    if row is None:
        raise NotFound()
    return row
