"""Statuses from an agency's own system about a document that the agency's pages show too: there is one truth.

A status that counts moves the copy on the pages as far as its life cycle allows, and the timeline names the system. Its
number is in the book of that system: ours gives none, for a document is registered once.
"""

from datetime import datetime

import sqlalchemy as sa

from docex import topics
from docex.documents.delivery import transport
from docex.documents.delivery.statuses import report_status
from docex.documents.incoming.handling import note
from docex.documents.incoming.submission_sheets import FILED, WITHDRAWN, close_waiting
from docex.documents.models import Delivery, Dispatch, Incoming
from docex.documents.states import IncomingState, IncomingVerb, incoming_after
from docex.documents.transitions import move_incoming, touch_incoming
from docex.edxml.progress import NOT_HAD, Progress, Recall
from docex.exchange.hub import receipts
from docex.exchange.hub.states import ReceiptKind
from kernel import clock
from kernel.db import Tx

_W = IncomingVerb
_STEPS: dict[str, tuple[IncomingVerb, ...]] = {
    Progress.REFUSED: (_W.REFUSE,),
    Progress.REGISTERED: (_W.REGISTER,),
    Progress.ASSIGNED: (_W.REGISTER, _W.ASSIGN),
    Progress.WORKING: (_W.REGISTER, _W.ASSIGN, _W.START),
    Progress.DONE: (_W.REGISTER, _W.FINISH),
    Recall.AGREED: (_W.CANCEL,),
}
"""The steps to what a status says; a system may say 05 without having said 03, and those behind us are left out."""


def lock_copy(tx: Tx, *delivery_ids: int) -> None:
    """The copies on the pages, where there are any: they are locked before their deliveries (models.py)."""
    copies = sa.select(Incoming.id).where(Incoming.delivery_id.in_(delivery_ids)).order_by(Incoming.id)
    tx.session.scalars(copies.with_for_update()).all()


def hear(tx: Tx, delivery: Delivery, code: str, by_name: str, description: str, said_at: datetime | None) -> bool:
    """Take in a status that a system reported; its copy and its delivery are locked. Answers whether it was news."""
    asked_why = delivery.reason
    counted = report_status(tx, delivery, code, by_name=by_name, description=description, said_at=said_at)
    incoming = tx.session.scalar(sa.select(Incoming).where(Incoming.delivery_id == delivery.id))
    if counted and incoming is not None:
        _follow(tx, incoming, code, description)
    if counted and code == Recall.AGREED and delivery.progress in NOT_HAD:
        _offer_no_longer(tx, delivery, asked_why)
    return counted


def _offer_no_longer(tx: Tx, delivery: Delivery, asked_why: str) -> None:
    """The receiver gives back what it never fetched: that ends as if its sender had taken it back, but where a system
    is fetching it at this moment or it may have come by another way."""
    if transport.take_back(tx, delivery, tx.session.get_one(Dispatch, delivery.dispatch_id)):
        receipts.of_delivery(tx, ReceiptKind.WITHDRAWN, delivery, asked_why)


def _follow(tx: Tx, incoming: Incoming, code: str, description: str) -> None:
    before = incoming.state
    for verb in _STEPS.get(code, ()):
        if incoming_after(IncomingState(incoming.state), verb) is not None:
            move_incoming(tx, incoming, verb)
            _dated(incoming, verb)
    if incoming.state == before:
        touch_incoming(tx, incoming)
        return
    if incoming.state == IncomingState.REFUSED:
        incoming.reason = description
    elif incoming.state == IncomingState.CANCELLED:
        tx.outbox(topics.STOP_WORK, f"{incoming.id}:{incoming.rev}", {"incoming_id": incoming.id})
    elif incoming.state != IncomingState.REGISTERED:
        close_waiting(tx, incoming, FILED if incoming.state == IncomingState.DONE else WITHDRAWN)
    note(tx, incoming, "incoming.reported", status=code, reason=description)


def _dated(incoming: Incoming, verb: IncomingVerb) -> None:
    if verb is IncomingVerb.REGISTER:
        incoming.registered_at = clock.now()
    elif verb in (IncomingVerb.ASSIGN, IncomingVerb.FINISH):
        incoming.forwarded_at = incoming.forwarded_at or clock.now()
