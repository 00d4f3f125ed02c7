"""Handing an envelope to the hub and bringing it to its recipients.

One transaction holds the envelope, its papers, a delivery for each recipient and the promises to deliver and to
verify. One envelope with many recipients is one blob and many small rows.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Role
from docex import ways
from docex.desk import alarms
from docex.drafting import File
from docex.edxml.model import ResponseFor
from docex.envelope import Facts
from docex.hub import taking
from docex.labels import URGENCY
from docex.links import INCOMING_PATH
from docex.models import Answer, Delivery, Dispatch, Document, Incoming, Paper, Reply
from docex.moves import move, record, touch_incoming
from docex.registers.reading import ask_to_read
from docex.states import DocumentVerb, IncomingState, Progress, Recall
from docex.statuses import say
from kernel import clock, search
from kernel.blobs import Blob
from kernel.db import Tx
from kernel.refs import Ref
from notify.kinds import DocumentArrived
from notify.messages import tell


@dataclass(frozen=True)
class Receiver:
    """An agency that gets the envelope; `addressed_as` is the code in it when that agency is the successor."""

    agency_id: int
    addressed_as: str = ""


@dataclass(frozen=True)
class Submission:
    """An envelope that was read or written, its bytes and papers stored, its sender and receivers known."""

    channel: str
    message_id: str
    document_key: str
    business: int
    sender_id: int
    envelope: Blob
    facts: Facts
    papers: tuple[File, ...]
    receivers: tuple[Receiver, ...]
    notes: tuple[dict[str, Any], ...] = ()
    document_id: int | None = None
    about_key: str = ""
    responses: tuple[ResponseFor, ...] = ()


def hand_in(tx: Tx, submission: Submission) -> Dispatch:
    """Take an envelope into the hub: from here on it is delivered without anybody's help."""
    now = clock.now()
    dispatch = Dispatch(
        channel=submission.channel,
        message_id=submission.message_id,
        document_key=submission.document_key,
        business=submission.business,
        about_key=submission.about_key,
        sender_id=submission.sender_id,
        document_id=submission.document_id,
        sha256=submission.envelope.sha256,
        size=submission.envelope.size,
        facts=submission.facts.to_json(),
        notes=list(submission.notes),
        answer={},
        verdict="",
        submitted_at=now,
    )
    tx.session.add(dispatch)
    tx.session.flush()
    _add_papers(tx, dispatch, submission.papers)
    for answered in submission.responses:
        names = {"organ_code": answered.organ_code, "code": answered.code, "document_key": answered.document_id}
        tx.session.add(Answer(dispatch_id=dispatch.id, **names))
    for receiver in submission.receivers:
        delivery = Delivery(
            dispatch_id=dispatch.id,
            agency_id=receiver.agency_id,
            progress=Progress.SUBMITTED,
            recall="",
            reason="",
            addressed_as=receiver.addressed_as,
            rev=1,
            changed_at=now,
        )
        tx.session.add(delivery)
        tx.session.flush()
        tx.outbox("docex.deliver", str(delivery.id), {"delivery_id": delivery.id})
    tx.outbox("docex.verify", str(dispatch.id), {"dispatch_id": dispatch.id})
    ask_to_read(tx, dispatch.id)
    tx.audit(
        f"agency:{submission.sender_id}",
        "dispatch.hand_in",
        Ref("dispatch", dispatch.id),
        {"message_id": dispatch.message_id, "sha256": dispatch.sha256, "receivers": len(submission.receivers)},
    )
    taking.taken_over(tx, dispatch, [receiver.agency_id for receiver in submission.receivers])
    return dispatch


def sent(tx: Tx, document: Document, submission: Submission) -> Dispatch:
    """The worker has written the envelope of our own document: hand it in and show it as sent. What it replaces or
    answers is closed by jobs, for the order of locks (models.py)."""
    dispatch = hand_in(tx, submission)
    document.sent_at = clock.now()
    move(tx, document, DocumentVerb.SEND_DONE)
    record(tx, document, "document.sent", receivers=len(submission.receivers), sha256=dispatch.sha256)
    if document.replaces_id is not None:
        tx.outbox("docex.replaced", str(document.id), {"document_id": document.id})
    reply = tx.session.get(Reply, document.id)
    if reply is not None and reply.finishes:
        tx.outbox("docex.answered", str(document.id), {"incoming_id": reply.incoming_id, "code": document.code})
    return dispatch


def deliver(tx: Tx, delivery_id: int) -> Incoming | None:
    """Put the envelope into the inbox of a recipient that this instance serves, and say 01 for it at once.

    Doing it again does nothing. An agency that is served elsewhere stays at `submitted`.
    """
    delivery = tx.session.get(Delivery, delivery_id, with_for_update=True, populate_existing=True)
    if delivery is None:
        return None
    agency = directory.agency(tx, delivery.agency_id)
    present = tx.session.scalar(sa.select(Incoming).where(Incoming.delivery_id == delivery.id))
    dispatch = tx.session.get_one(Dispatch, delivery.dispatch_id)
    if present is not None or not agency.is_local or delivery.recall == Recall.AGREED:
        if present is None:
            ways.carry(tx, delivery, dispatch)
        return present
    incoming = _copy(tx, delivery, dispatch)
    say(tx, delivery, Progress.AVAILABLE)
    say(tx, delivery, Progress.ARRIVED, by_name=agency.name)
    touch_incoming(tx, incoming, "incoming.arrived")
    index_incoming(tx, incoming, Facts.from_json(dispatch.facts))
    tx.audit(
        f"agency:{incoming.agency_id}",
        "incoming.arrive",
        Ref("incoming", incoming.id),
        {"code": incoming.code, "from": incoming.sender_name, "sha256": dispatch.sha256},
    )
    _tell_clerks(tx, incoming)
    ways.arrived(tx, delivery, dispatch)
    return incoming


def _tell_clerks(tx: Tx, incoming: Incoming) -> None:
    """Urgent documents are handled at once (Decree 30 art. 4.2c), so they do not wait for somebody to look."""
    if not incoming.urgency:
        return
    notice = DocumentArrived(
        subject=incoming.subject,
        number=incoming.code,
        sender=incoming.sender_name,
        urgency=URGENCY.get(incoming.urgency, URGENCY[1]).vi,
        path=INCOMING_PATH.format(id=incoming.id),
    )
    for clerk in directory.people_with_role(tx, incoming.agency_id, Role.CLERK):
        tell(tx, notice, clerk.id, ref=Ref("incoming", incoming.id))


def index_incoming(tx: Tx, incoming: Incoming, facts: Facts) -> None:
    """Make a received copy findable in its agency."""
    search.put(
        tx,
        f"agency:{incoming.agency_id}",
        Ref("incoming", incoming.id),
        incoming.arrived_at,
        incoming.subject,
        incoming.code,
        incoming.sender_name,
        incoming.kind_name,
        facts.signer,
        str(incoming.number or ""),
    )


def _copy(tx: Tx, delivery: Delivery, dispatch: Dispatch) -> Incoming:
    facts = Facts.from_json(dispatch.facts)
    now = clock.now()
    incoming = Incoming(
        agency_id=delivery.agency_id,
        dispatch_id=dispatch.id,
        delivery_id=delivery.id,
        state=IncomingState.ARRIVED,
        sender_id=dispatch.sender_id,
        sender_name=facts.sender_name or directory.agency(tx, dispatch.sender_id).name,
        code=facts.code,
        kind_name=facts.kind_name,
        subject=facts.subject,
        urgency=facts.urgency,
        issued_on=facts.issued_on,
        due_on=facts.due_on,
        reason="",
        rev=0,
        arrived_at=now,
        changed_at=now,
    )
    tx.session.add(incoming)
    tx.session.flush()
    alarms.plan_incoming(tx, incoming)
    return incoming


def _add_papers(tx: Tx, dispatch: Dispatch, files: tuple[File, ...]) -> None:
    main = next((n for n, file in enumerate(files) if file.media_type == "application/pdf"), 0)
    for place, file in enumerate(files):
        tx.session.add(
            Paper(
                dispatch_id=dispatch.id,
                role="main" if place == main else "attachment",
                place=place,
                name=file.name,
                media_type=file.media_type,
                sha256=file.sha256,
                size=file.size,
                pages=file.pages,
                spot={},
                made_at=clock.now(),
            )
        )
    tx.session.flush()
