"""The clock of Decree 30/2020: what comes or is signed is registered, forwarded and issued on the same, at the latest
on the next working day (art. 4.2c); urgent documents at once.

Alarms are enqueued when a document comes or is signed, and look again when they are due: what is done is silent.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from directory import queries as directory
from directory.actor import Role
from directory.streams import clerks_stream
from docex import topics
from docex.documents.models import Document, Incoming
from docex.documents.states import DocumentState, IncomingState
from docex.documents.transitions import record
from docex.documents.waiting_notices import tell_waiting, tell_waiting_own
from docex.streams import StateChange
from kernel import clock
from kernel.db import Tx
from kernel.refs import Ref
from kernel.text import phrase
from kernel.worktime import WorkCalendar, calendar

TOPIC = topics.ALARM
URGENT_WITHIN = timedelta(minutes=30)
"""The meaning of "at once" in office hours; the decree names no number."""
NEAR = timedelta(hours=2)


class Stage(StrEnum):
    """`near`: two hours are left, for the clerks. `late`: over, for the office chief too. `later`: a working day over,
    for the leaders too."""

    NEAR = "near"
    LATE = "late"
    LATER = "later"


def deadline(hours: WorkCalendar, since: datetime, urgency: int) -> datetime:
    """By when the clerk's work on a document must be done."""
    if urgency:
        return hours.add_working_time(since, URGENT_WITHIN)
    return hours.same_or_next_working_day(since)


def plan_incoming(tx: Tx, incoming: Incoming) -> None:
    """A document has come: set its deadline and enqueue the alarms."""
    hours = calendar(tx)
    incoming.desk_due_at = deadline(hours, incoming.arrived_at, incoming.urgency)
    _enqueue(tx, hours, f"incoming:{incoming.id}", {"incoming_id": incoming.id}, incoming.desk_due_at, incoming.urgency)


def plan_issue(tx: Tx, document: Document) -> None:
    """A document was signed: it must be sealed and sent the same or the next working day."""
    hours = calendar(tx)
    due_at = document.issue_due_at = deadline(hours, clock.now(), document.urgency)
    key = f"document:{document.id}:{document.rev}"
    _enqueue(tx, hours, key, {"document_id": document.id}, due_at, document.urgency)


def _enqueue(tx: Tx, hours: WorkCalendar, key: str, about: dict[str, int], due_at: datetime, urgency: int) -> None:
    moments = {Stage.LATE: due_at, Stage.LATER: hours.same_or_next_working_day(due_at)}
    if not urgency:
        moments[Stage.NEAR] = due_at - NEAR
    for stage, at in moments.items():
        payload = {**about, "stage": stage, "due_at": due_at.isoformat()}
        tx.outbox(topics.ALARM, f"{key}:{stage}", payload, due_at=max(at, clock.now()))


def ring(tx: Tx, payload: dict[str, object]) -> None:
    """An alarm is due: tell who must know, unless the work is done."""
    stage, due_at = Stage(str(payload["stage"])), datetime.fromisoformat(str(payload["due_at"]))
    if "incoming_id" in payload:
        incoming = tx.session.get(Incoming, payload["incoming_id"])
        if incoming is not None and incoming.state in (IncomingState.ARRIVED, IncomingState.REGISTERED):
            _ring_incoming(tx, incoming, stage, due_at)
        return
    document = tx.session.get(Document, payload["document_id"])
    if document is not None and document.state in (DocumentState.SIGNED, DocumentState.SEALED):
        _ring_document(tx, document, stage, due_at)


def _ring_incoming(tx: Tx, incoming: Incoming, stage: Stage, due_at: datetime) -> None:
    registered = incoming.state == IncomingState.REGISTERED
    near, over = (
        (phrase("Văn bản đến sắp hết hạn trình lãnh đạo."), phrase("Văn bản đến đã quá hạn trình lãnh đạo."))
        if registered
        else (phrase("Văn bản đến sắp hết hạn vào sổ."), phrase("Văn bản đến đã quá hạn vào sổ."))
    )
    why = near if stage is Stage.NEAR else over
    people = _people(tx, incoming.agency_id, stage)
    tell_waiting(tx, incoming, why, people, slot=f"alarm:{stage}", due_at=due_at)
    ref, detail = Ref("incoming", incoming.id), {"reason": why.to_json(), "stage": stage}
    tx.audit(f"agency:{incoming.agency_id}", "incoming.alarm", ref, detail)
    change = StateChange(incoming.id, incoming.rev, str(incoming.state))
    tx.publish(clerks_stream(incoming.agency_id), "incoming.late", change)


def _ring_document(tx: Tx, document: Document, stage: Stage, due_at: datetime) -> None:
    near = phrase("Văn bản đã ký sắp hết hạn phát hành.")
    why = near if stage is Stage.NEAR else phrase("Văn bản đã ký quá hạn phát hành.")
    slot = f"alarm:{stage}:{due_at:%Y%m%d%H%M}"
    tell_waiting_own(tx, document, why, _people(tx, document.agency_id, stage), slot=slot, due_at=due_at)
    record(tx, document, "document.alarm", reason=why.to_json(), stage=stage)


def _people(tx: Tx, agency_id: int, stage: Stage) -> set[int]:
    roles = [Role.CLERK]
    if stage is not Stage.NEAR:
        roles.append(Role.OFFICE_CHIEF)
    if stage is Stage.LATER:
        roles.append(Role.LEADER)
    return {card.id for role in roles for card in directory.people_with_role(tx, agency_id, role)}
