"""The axis above: what goes up when nobody here serves the receiver, and what is taken in when it comes down.

A document that passes here keeps its bytes but for one TraceHeader more. What carries our own trace when it comes down
went up from here and is not taken in again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from directory import codes
from directory.actor import Actor
from directory.models import Agency
from directory.queries import agency_by_code
from docex import topics
from docex.documents.delivery import transport
from docex.documents.delivery.statuses import report_status
from docex.documents.models import Delivery, Dispatch, Repaired, StatusLog
from docex.edxml import Envelope, StatusMessage
from docex.edxml.codes import StatusCode
from docex.edxml.model import Organ
from docex.edxml.progress import Progress, Recall
from docex.edxml.relay import has_passed
from docex.exchange.hub import terms
from docex.exchange.intake import acceptance, supersession
from docex.exchange.intake.acceptance import Handed, UnknownReceiver
from kernel import clock, outbox
from kernel.db import Tx
from kernel.errors import Conflict
from kernel.outbox import OutboxRow
from kernel.refs import Ref
from kernel.text import Phrase, phrase

CHANNEL = "upstream:vxp"
"""The channel of all that came down."""

FORWARD = topics.VXP_FORWARD
"""The topic of envelopes that go up; its key is the dispatch."""

BY = "upstream"
MAX_HOPS = 16
"""The sender, its province's hub, the axis and their like on the other side make six."""
_NO_WORD = phrase("Trục trên đã nhận văn bản, nhưng không báo nơi nhận đã lấy trong thời hạn chờ.")
_STATUSES = frozenset(str(code) for code in StatusCode)


@dataclass(frozen=True)
class Rising:
    """An envelope to send up, and the deliveries that it is for."""

    dispatch: Dispatch
    sha256: str
    """Of the file to send: the envelope, or the copy for strict readers where it needs one."""
    sender_code: str
    node_code: str
    delivery_ids: tuple[int, ...]
    receiver_codes: tuple[str, ...]


class UpstreamTransport(transport.Transport):
    """The upper axis, for receivers that no other way reaches."""

    name = "vxp_upstream"
    last = True

    def carry_all(self, tx: Tx, deliveries: Sequence[Delivery], dispatch: Dispatch) -> set[int]:
        """One envelope goes up once, for all its receivers there; what came down does not go up again."""
        upward = [one for one in deliveries if went_up(tx, one, dispatch)]
        return {one.id for one in upward} if upward and _enqueue(tx, upward, dispatch) else set()

    def take_back(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> bool:
        """Whether it has certainly not gone up, or was refused there. One envelope goes up for all its receivers, so
        its job is not taken back: `rising` leaves out who is not meant any more."""
        if delivery.progress == Progress.UNDELIVERABLE or not went_up(tx, delivery, dispatch):
            return True
        return not outbox.was_tried(tx, FORWARD, str(dispatch.id))

    def expired(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> Phrase | None:
        """The upper axis took it."""
        risen = delivery.progress == Progress.AVAILABLE and went_up(tx, delivery, dispatch)
        return _NO_WORD if risen else None

    def counted(self, tx: Tx, delivery: Delivery, dispatch: Dispatch, code: str, description: str) -> None:
        """Our receivers' statuses go up to whose document came down; our senders' requests to have one back go up to
        where it went."""
        if code not in _STATUSES or (tx.by == BY and code != StatusCode.RECALL_AGREED):
            return  # what came from above; that we agreed for a receiver who never had it is our own word
        asks = code == StatusCode.RECALL_ASKED
        goes_up = went_up(tx, delivery, dispatch) if asks else dispatch.channel == CHANNEL
        if asks and supersession.has_newer(tx, delivery.id):
            return  # the update went up under the same id: who obeys a 13 would take that back
        if goes_up:
            log = tx.session.scalar(
                sa.select(sa.func.max(StatusLog.id)).where(StatusLog.delivery_id == delivery.id, StatusLog.code == code)
            )
            tx.outbox(topics.VXP_REPORT, str(log), {"status_id": log})


def _enqueue(tx: Tx, deliveries: Sequence[Delivery], dispatch: Dispatch) -> bool:
    """Enqueue the job that sends the envelope up while its term runs, once more for those that were served here when it
    did. After the term nothing new goes up. Answers whether the job is open, and gives word itself."""
    key, until = str(dispatch.id), terms.until(tx, dispatch.id)
    if until is not None and until <= clock.now():
        return outbox.is_open(tx, FORWARD, key)
    tx.outbox(FORWARD, key, {"dispatch_id": dispatch.id}, expires_at=until)
    if any(one.progress == Progress.SUBMITTED for one in deliveries):
        outbox.requeue_final(tx, FORWARD, key, expires_at=until)
    return True


def rising(tx: Tx, dispatch_id: int, system_id: str) -> Rising | None:
    """The message to send up for a dispatch; None when no delivery waits for it any more. A transaction that writes
    locks the deliveries, so that none is taken back at the same moment."""
    dispatch = tx.session.get_one(Dispatch, dispatch_id)
    query = sa.select(Delivery).where(
        Delivery.dispatch_id == dispatch_id,
        Delivery.progress == Progress.SUBMITTED,
        Delivery.recall != Recall.AGREED,
    )
    query = query.order_by(Delivery.id).with_for_update() if tx.writable else query.order_by(Delivery.id)
    waiting = [row for row in tx.session.scalars(query) if _is_elsewhere(tx, row.agency_id)]
    if not waiting:
        return None
    sender = tx.session.get_one(Agency, dispatch.sender_id)
    code = str(dispatch.facts.get("sender_code") or sender.code)
    receivers = tuple(row.addressed_as or tx.session.get_one(Agency, row.agency_id).code for row in waiting)
    copy = tx.session.get(Repaired, dispatch.id)
    sha256 = copy.sha256 if copy else dispatch.sha256
    return Rising(dispatch, sha256, code, node_code(tx, system_id), tuple(row.id for row in waiting), receivers)


def risen(tx: Tx, rising: Rising, doc_id: str) -> None:
    """The upper axis has it."""
    for delivery in _locked(tx, rising.delivery_ids):
        report_status(tx, delivery, Progress.AVAILABLE)
    ref = Ref("dispatch", rising.dispatch.id)
    tx.audit(f"agency:{rising.dispatch.sender_id}", "vxp.forwarded", ref, {"doc_id": doc_id})
    terms.look_again(tx, rising.dispatch.id, f"risen:{rising.delivery_ids[-1]}")


def stuck(tx: Tx, dispatch_id: int, reason: str) -> None:
    """The upper axis does not take it: the sender sees why."""
    description = phrase("Trục trên không nhận: {reason}", reason=outbox.sentence(reason)).vi[:500]
    found = rising(tx, dispatch_id, "")
    for delivery in _locked(tx, found.delivery_ids if found else ()):
        report_status(tx, delivery, Progress.UNDELIVERABLE, description=description)


def is_new(tx: Tx, message: Envelope | StatusMessage, handed: Handed, system_id: str) -> bool:
    """Whether a message from above has still to be taken in, before anything of it is stored; refuses what can be
    refused already."""
    if not _is_from_elsewhere(tx, message, system_id):
        return False
    message, sender = _for_here(tx, message), agency_by_code(tx, message.sender.code)
    if sender is None:  # it is entered when the message is taken in
        acceptance.refuse_secret(message)
        return True
    return acceptance.is_new(tx, _actor(sender, message), message, _come_down(handed))


def take_in(tx: Tx, message: Envelope | StatusMessage, handed: Handed, system_id: str) -> bool:
    """Take a message from above into the hub. False for one that came from here; its refusals are those of the hub."""
    tx.by = BY
    if not _is_from_elsewhere(tx, message, system_id):
        return False
    sender = agency_by_code(tx, message.sender.code) or _newcomer(tx, message.sender)
    acceptance.accept(tx, _actor(sender, message), _for_here(tx, message), _come_down(handed))
    return True


def check_route(tx: Tx, message: Envelope | StatusMessage, system_id: str) -> None:
    """Refuse a document that this hub has relayed before, or that passed more nodes than any route has: whoever
    sends it here again would send it round for ever."""
    if not isinstance(message, Envelope):
        return
    if has_passed(message, node_code(tx, system_id)):
        raise Conflict(phrase("Văn bản đã được chuyển tiếp qua trục này một lần; không nhận lại để tránh đi vòng."))
    if len(message.traces) > MAX_HOPS:
        raise Conflict(phrase("Văn bản đã qua quá nhiều trục ({limit}); không chuyển tiếp nữa.", limit=MAX_HOPS))


def node_code(tx: Tx, system_id: str) -> str:
    """How this hub calls itself in TraceHeaders: the code of the agency at its top."""
    query = sa.select(Agency.code).where(Agency.parent_id.is_(None), Agency.is_local).order_by(Agency.id)
    return tx.session.scalar(query.limit(1)) or system_id


def listening(tx: Tx) -> bool:
    """Whether a look at the upper axis is enqueued."""
    open_ones = sa.select(OutboxRow.id).where(OutboxRow.topic == "vxp.poll", OutboxRow.state.in_(outbox.OPEN_STATES))
    return tx.session.scalar(open_ones.limit(1)) is not None


def went_up(tx: Tx, delivery: Delivery, dispatch: Dispatch) -> bool:
    """Whether this delivery goes by the upper axis."""
    return dispatch.channel != CHANNEL and _is_elsewhere(tx, delivery.agency_id)


def _is_elsewhere(tx: Tx, agency_id: int) -> bool:
    """Neither an inbox here, nor another transport that reaches it."""
    agency = tx.session.get_one(Agency, agency_id)
    return not agency.is_local and not transport.reaches(tx, agency_id)


def _is_from_elsewhere(tx: Tx, message: Envelope | StatusMessage, system_id: str) -> bool:
    sender = agency_by_code(tx, message.sender.code)
    if sender is not None and sender.is_local:
        return False
    return not (isinstance(message, Envelope) and has_passed(message, node_code(tx, system_id)))


def _for_here(tx: Tx, message: Envelope | StatusMessage) -> Envelope | StatusMessage:
    """The message for those of its receivers that are served here; UnknownReceiver when it concerns none that is."""
    if not isinstance(message, Envelope):
        return message
    here = tuple(organ for organ in message.receivers if _is_here(tx, organ.code))
    if not here and not any(_is_here(tx, code) for code in supersession.taken_off(message)):
        receivers = [organ.code for organ in message.receivers]
        reason = phrase("Danh bạ không có cơ quan mang mã {codes}.", codes=", ".join(receivers)[:500])
        raise UnknownReceiver({"To": reason}, reason, codes=receivers)
    return replace(message, receivers=here)


def _actor(sender: Agency, message: Envelope | StatusMessage) -> Actor:
    return Actor(kind="client", agency_id=sender.id, name=message.sender.name)


def _come_down(handed: Handed) -> Handed:
    return replace(handed, channel=CHANNEL)


def _is_here(tx: Tx, code: str) -> bool:
    agency = agency_by_code(tx, code)
    return agency is not None and not _is_elsewhere(tx, agency.id)


def _newcomer(tx: Tx, organ: Organ) -> Agency:
    """An agency that our directory does not know yet: the upper axis vouches for its code."""
    code = codes.normal(organ.code)
    old = code if code[:3].isdigit() else ""
    row = Agency(code=code, old_code=old, name=organ.name or code, is_local=False)
    tx.session.add(row)
    tx.session.flush()
    tx.audit("system", "vxp.agency_met", f"agency:{row.id}", {"code": code, "name": row.name})
    return row


def _locked(tx: Tx, delivery_ids: tuple[int, ...]) -> list[Delivery]:
    query = sa.select(Delivery).where(Delivery.id.in_(delivery_ids)).order_by(Delivery.id)
    return list(tx.session.scalars(query.with_for_update().execution_options(populate_existing=True)))
