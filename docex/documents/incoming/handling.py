"""The receiving agency's acts on a document: register it (03) or refuse it (02) with a reason."""

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor
from docex import topics
from docex.documents import numbering
from docex.documents.access import Right, incoming_for
from docex.documents.delivery.statuses import report_status
from docex.documents.drafting.outgoing import reason_of
from docex.documents.envelope import Facts
from docex.documents.models import Delivery, Dispatch, Incoming, StatusLog
from docex.documents.search.incoming_index import index_incoming
from docex.documents.states import SAYS, IncomingState, IncomingVerb
from docex.documents.transitions import move_incoming, touch_incoming
from docex.edxml.progress import Progress, Recall
from kernel import clock
from kernel.db import Tx
from kernel.errors import WrongState
from kernel.refs import Ref
from kernel.text import phrase

SAID_ONCE = frozenset(step.value for step in Progress)


def register(tx: Tx, actor: Actor, incoming_id: int) -> Incoming:
    """The clerk takes the document in: it gets its number in the incoming book, and the sender sees 03."""
    incoming = incoming_for(tx, actor, incoming_id, Right.RECEIVE)
    move_incoming(tx, incoming, IncomingVerb.REGISTER)
    entry = numbering.register(tx, incoming.agency_id, Ref("incoming", incoming.id))
    incoming.book_id, incoming.number = entry.book_id, entry.number
    incoming.registered_at, incoming.handled_by = clock.now(), actor.person_id
    tell_sender(tx, incoming, SAYS[IncomingVerb.REGISTER], "")
    dispatch = tx.session.get_one(Dispatch, incoming.dispatch_id)
    index_incoming(tx, incoming, Facts.from_json(dispatch.facts))
    note(tx, incoming, "incoming.register", number=entry.number, year=entry.year, code=incoming.code)
    return incoming


def refuse(tx: Tx, actor: Actor, incoming_id: int, reason: str) -> Incoming:
    """The clerk does not take the document in: the sender sees 02 with the reason."""
    incoming = incoming_for(tx, actor, incoming_id, Right.RECEIVE)
    why = reason_of(reason)
    move_incoming(tx, incoming, IncomingVerb.REFUSE)
    incoming.reason, incoming.handled_by = why, actor.person_id
    tell_sender(tx, incoming, SAYS[IncomingVerb.REFUSE], why)
    note(tx, incoming, "incoming.refuse", reason=why, code=incoming.code)
    return incoming


def agree_recall(tx: Tx, actor: Actor, incoming_id: int) -> Incoming:
    """The clerk agrees to give the document back (15): the copy is cancelled, never erased."""
    incoming = incoming_for(tx, actor, incoming_id, Right.RECEIVE)
    _recall_asked(tx, incoming)
    move_incoming(tx, incoming, IncomingVerb.CANCEL)
    incoming.handled_by = actor.person_id
    tell_sender(tx, incoming, Recall.AGREED, "")
    tx.outbox(topics.STOP_WORK, f"{incoming.id}:{incoming.rev}", {"incoming_id": incoming.id})
    note(tx, incoming, "incoming.agree_recall", code=incoming.code)
    return incoming


def refuse_recall(tx: Tx, actor: Actor, incoming_id: int, reason: str) -> Incoming:
    """The clerk keeps the document although it was asked back (16), with a reason."""
    incoming = incoming_for(tx, actor, incoming_id, Right.RECEIVE)
    _recall_asked(tx, incoming)
    why = reason_of(reason)
    touch_incoming(tx, incoming)
    tell_sender(tx, incoming, Recall.REFUSED, why)
    note(tx, incoming, "incoming.refuse_recall", reason=why, code=incoming.code)
    return incoming


def _recall_asked(tx: Tx, incoming: Incoming) -> None:
    delivery = tx.session.get_one(Delivery, incoming.delivery_id)
    if delivery.recall != Recall.ASKED or incoming.state in (IncomingState.REFUSED, IncomingState.CANCELLED):
        raise WrongState(phrase("Nơi gửi không có yêu cầu lấy lại nào đang chờ trả lời."))


def tell_sender(tx: Tx, incoming: Incoming, code: str, description: str) -> None:
    """Say a status to the sender, and each of 01 to 06 only once: what was said already is not said again."""
    delivery = tx.session.get_one(Delivery, incoming.delivery_id, with_for_update=True, populate_existing=True)
    earlier = sa.select(StatusLog.id).where(StatusLog.delivery_id == delivery.id, StatusLog.code == code).limit(1)
    if code in SAID_ONCE and tx.session.scalar(earlier) is not None:
        return
    report_status(tx, delivery, code, by_name=directory.agency(tx, incoming.agency_id).name, description=description)


def note(tx: Tx, incoming: Incoming, action: str, **detail: object) -> None:
    """Put an act on a received copy into the audit chain of its agency."""
    tx.audit(f"agency:{incoming.agency_id}", action, Ref("incoming", incoming.id), dict(detail))
