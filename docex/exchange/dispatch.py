"""Handing an envelope to the hub and bringing it to its recipients.

One transaction holds the envelope, its papers, a delivery for each recipient and the jobs to deliver and to
verify. One envelope with many recipients is one blob and many small rows.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Role
from directory.queries import AgencyCard
from docex import topics
from docex.documents import deadline_alarms
from docex.documents.delivery import transport
from docex.documents.delivery.statuses import report_status
from docex.documents.envelope import Facts
from docex.documents.labels import URGENCY
from docex.documents.links import INCOMING_PATH
from docex.documents.models import Answer, Delivery, Dispatch, Document, Incoming, Paper, Repaired, Reply
from docex.documents.papers.files import File
from docex.documents.search.incoming_index import index_incoming
from docex.documents.states import DocumentVerb, IncomingState
from docex.documents.transitions import move, record, touch_incoming
from docex.edxml.model import ResponseFor
from docex.edxml.progress import Progress, Recall
from docex.exchange.hub import takeover
from docex.exchange.hub.models import Receipt
from kernel import clock
from kernel.db import Tx
from kernel.refs import Ref
from kernel.storage.blobs import Blob
from notify.kinds import DocumentArrived
from notify.messages import tell
from signing.log import evidence_log

log = logging.getLogger(__name__)

BATCH_SIZE = 20
"""Recipients of one envelope that are served in one transaction: enough to share its cost."""
FIRST_BATCH_SIZE = 5
"""The first batch is short, so that the first of a thousand have it at once."""


@dataclass(frozen=True)
class Receiver:
    """An agency that gets the envelope; `addressed_as` is the code in it when that agency is the successor."""

    agency_id: int
    addressed_as: str = ""


@dataclass(frozen=True)
class Submission:
    """An envelope that was read or written, its bytes and papers stored, its sender and receivers known.

    `answer` is what a system that hands it in again is to be told as today (docex/exchange/intake/acceptance.py)."""

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
    answer: dict[str, Any] = field(default_factory=dict)
    responses: tuple[ResponseFor, ...] = ()
    repaired: Blob | None = None
    """The copy for systems that cannot read the envelope as it came."""
    earlier: Dispatch | None = None
    """The sending of the same bytes before this one, which the receipt names."""
    term: timedelta | None = None
    """How long it waits for its receivers; None is as long as usual."""


def hand_in(tx: Tx, submission: Submission) -> tuple[Dispatch, Receipt]:
    """Take an envelope into the hub: from here on it is delivered without anybody's help. Answers with the sender's
    receipt."""
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
        answer=submission.answer,
        verdict="",
        submitted_at=now,
    )
    tx.session.add(dispatch)
    tx.session.flush()
    with tx.session.no_autoflush:  # what hangs on the envelope is written together, when the deliveries are
        receipt = _accompany(tx, dispatch, submission)
    _address(tx, dispatch, submission.receivers)
    tx.outbox(topics.VERIFY, str(dispatch.id), {"dispatch_id": dispatch.id, "first": True})
    tx.audit(
        f"agency:{submission.sender_id}",
        "dispatch.hand_in",
        Ref("dispatch", dispatch.id),
        {"message_id": dispatch.message_id, "sha256": dispatch.sha256, "receivers": len(submission.receivers)},
    )
    return dispatch, receipt


def _accompany(tx: Tx, dispatch: Dispatch, submission: Submission) -> Receipt:
    """Add the parts that belong to an envelope from its first moment: papers, leaves of the log, answers, receipt and
    term."""
    _add_papers(tx, dispatch, submission.papers)
    papers = [file.sha256 for file in submission.papers]
    if submission.repaired is not None:
        tx.session.add(
            Repaired(dispatch_id=dispatch.id, sha256=submission.repaired.sha256, size=submission.repaired.size)
        )
        papers.append(submission.repaired.sha256)
    evidence_log.add(tx, evidence_log.Kind.DOCUMENT, dispatch.sha256, *papers)
    for answered in submission.responses:
        names = {"organ_code": answered.organ_code, "code": answered.code, "document_key": answered.document_id}
        tx.session.add(Answer(dispatch_id=dispatch.id, **names))
    receiver_ids = [receiver.agency_id for receiver in submission.receivers]
    return takeover.taken_over(tx, dispatch, receiver_ids, submission.term, submission.earlier)


def sent(tx: Tx, document: Document, submission: Submission) -> Dispatch:
    """The worker has written the envelope of our own document: hand it in and show it as sent. What it replaces or
    answers is closed by jobs, for the order of locks (models.py)."""
    dispatch, _ = hand_in(tx, submission)
    document.sent_at = clock.now()
    move(tx, document, DocumentVerb.SEND_DONE)
    record(tx, document, "document.sent", receivers=len(submission.receivers), sha256=dispatch.sha256)
    if document.replaces_id is not None:
        tx.outbox(topics.REPLACED, str(document.id), {"document_id": document.id})
    reply = tx.session.get(Reply, document.id)
    if reply is not None and reply.finishes:
        tx.outbox(topics.ANSWERED, str(document.id), {"incoming_id": reply.incoming_id, "code": document.code})
    return dispatch


def deliver(tx: Tx, *delivery_ids: int) -> None:
    """Bring an envelope to some of its recipients.

    Those that this instance serves get it into their inbox, and 01 is said for them at once; the others get it on one
    of the ways out, or stay at `submitted`; what was taken back meanwhile goes to nobody. Doing it again does nothing.
    When it fails for several together, each is enqueued on its own, so that what is wrong with one does not keep it
    from the others.
    """
    if len(delivery_ids) == 1:
        _bring(tx, delivery_ids)
        return
    try:
        with tx.attempt():
            _bring(tx, delivery_ids)
    except Exception:
        log.exception("deliveries %d to %d fail together, so each is tried alone", delivery_ids[0], delivery_ids[-1])
        for delivery_id in delivery_ids:
            _enqueue(tx, [delivery_id])


def _address(tx: Tx, dispatch: Dispatch, receivers: Sequence[Receiver]) -> None:
    """A delivery for each recipient, and the job that brings it, one for a batch of recipients."""
    deliveries = [
        Delivery(
            dispatch_id=dispatch.id,
            agency_id=receiver.agency_id,
            progress=Progress.SUBMITTED,
            recall="",
            reason="",
            addressed_as=receiver.addressed_as,
            rev=1,
            changed_at=dispatch.submitted_at,
        )
        for receiver in receivers
    ]
    tx.session.add_all(deliveries)
    tx.session.flush()
    delivery_ids = [delivery.id for delivery in deliveries]
    for start, end in pairwise([0, *range(FIRST_BATCH_SIZE, len(delivery_ids), BATCH_SIZE), len(delivery_ids)]):
        if start < end:
            _enqueue(tx, delivery_ids[start:end])


def _enqueue(tx: Tx, delivery_ids: Sequence[int]) -> None:
    key = str(delivery_ids[0]) if len(delivery_ids) == 1 else f"{delivery_ids[0]}-{delivery_ids[-1]}"
    tx.outbox(topics.DELIVER, key, {"delivery_ids": list(delivery_ids)})


def _bring(tx: Tx, delivery_ids: Sequence[int]) -> None:
    locked = sa.select(Delivery).where(Delivery.id.in_(delivery_ids)).order_by(Delivery.id).with_for_update()
    deliveries = list(tx.session.scalars(locked.execution_options(populate_existing=True)))
    there = sa.select(Incoming.delivery_id).where(Incoming.delivery_id.in_(delivery_ids))
    present = set(tx.session.scalars(there))
    missing = [one for one in deliveries if one.id not in present and one.recall != Recall.AGREED]
    if not missing:
        return
    dispatch = tx.session.get_one(Dispatch, missing[0].dispatch_id)
    # The sender too: receipts name it, and it is in hand then.
    served = directory.agencies(tx, [dispatch.sender_id, *(one.agency_id for one in missing)])
    elsewhere = []
    for delivery in missing:
        if served[delivery.agency_id].is_local:
            _arrive(tx, delivery, dispatch, served[delivery.agency_id])
        else:
            elsewhere.append(delivery)
    transport.carry(tx, elsewhere, dispatch)


def _arrive(tx: Tx, delivery: Delivery, dispatch: Dispatch, agency: AgencyCard) -> None:
    incoming = _copy(tx, delivery, dispatch)
    report_status(tx, delivery, Progress.AVAILABLE)
    report_status(tx, delivery, Progress.ARRIVED, by_name=agency.name)
    touch_incoming(tx, incoming, "incoming.arrived")
    index_incoming(tx, incoming, Facts.from_json(dispatch.facts))
    tx.audit(
        f"agency:{incoming.agency_id}",
        "incoming.arrive",
        Ref("incoming", incoming.id),
        {"code": incoming.code, "from": incoming.sender_name, "sha256": dispatch.sha256},
    )
    _tell_clerks(tx, incoming)
    transport.delivered_here(tx, delivery, dispatch)


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
    deadline_alarms.plan_incoming(tx, incoming)
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
