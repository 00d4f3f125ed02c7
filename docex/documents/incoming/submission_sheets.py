"""From a registered document to the work on it: the submission sheet, the leader's decision, the task, the end.

The sender sees 04 when the leader decides, 05 when the lead takes the work up, 06 when it is accepted. The last two
are said by the work itself: `tasks` tells this room of each change (tasks.sources), and a job follows it.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor, Role
from directory.models import Unit
from docex import topics
from docex.documents.access import incoming_for
from docex.documents.incoming.handling import note, tell_sender
from docex.documents.models import Incoming, Reader, Referral
from docex.documents.states import SAYS, IncomingState, IncomingVerb
from docex.documents.transitions import move_incoming
from docex.documents.waiting_notices import tell_waiting
from kernel import clock
from kernel.db import Tx
from kernel.errors import Forbidden, Invalid, WrongState
from kernel.refs import Ref
from kernel.schema import insert_into
from kernel.text import Phrase, nfc, phrase
from notify.wording import brief
from tasks import access as task_access
from tasks import deadlines, giving, sources
from tasks.giving import GiveTask, Lead
from tasks.models import Priority, Task, TaskPerson
from tasks.states import TaskState

TEXT_MAX = 2000
CO_WORKERS_MAX = 20
REFERRERS = (Role.CLERK, Role.OFFICE_CHIEF)
CLOSERS = (Role.CLERK, Role.OFFICE_CHIEF, Role.LEADER, Role.SPECIALIST)
WAITING, ASSIGNED, FILED, WITHDRAWN = "waiting", "assigned", "filed", "withdrawn"
_PRIORITY = {0: Priority.NORMAL, 1: Priority.URGENT, 2: Priority.URGENT}
_AT_WORK = (TaskState.RECEIVED, TaskState.IN_PROGRESS, TaskState.AWAITING, TaskState.PAUSED)
_WITH_TASK = (IncomingState.ASSIGNED, IncomingState.WORKING)


@dataclass(frozen=True)
class Decision:
    """The leader's decision on the submission sheet. `due` is the deadline as typed."""

    lead: Lead
    co_ids: tuple[int, ...] = ()
    opinion: str = ""
    due: str = ""


def submit(tx: Tx, actor: Actor, incoming_id: int, leader_id: int, proposal: str) -> Referral:
    """The clerk or the office chief puts a registered document before a leader, with a proposal."""
    incoming = incoming_for(tx, actor, incoming_id)
    if not actor.has(*REFERRERS):
        raise Forbidden(phrase("Chỉ văn thư hoặc chánh văn phòng được trình lãnh đạo."))
    leaders = {card.id: card for card in directory.people_with_role(tx, incoming.agency_id, Role.LEADER)}
    text = nfc(proposal).strip()
    wrong: dict[str, Phrase] = {}
    if leader_id not in leaders:
        wrong["leader_id"] = phrase("Cần chọn lãnh đạo để trình.")
    if len(text) > TEXT_MAX:
        wrong["proposal"] = phrase("Ý kiến đề xuất dài quá {limit} ký tự.", limit=TEXT_MAX)
    if wrong:
        raise Invalid(wrong)
    move_incoming(tx, incoming, IncomingVerb.SUBMIT)
    incoming.forwarded_at = incoming.forwarded_at or clock.now()
    referral = _referral(tx, actor, incoming, leader_id, leaders[leader_id].name, text)
    note(tx, incoming, "incoming.submit", leader=referral.leader_name, reason=text)
    why = phrase("Văn bản trình lãnh đạo cho ý kiến.")
    tell_waiting(tx, incoming, why, {leader_id}, slot=f"referral:{referral.id}")
    return referral


def withdraw(tx: Tx, actor: Actor, incoming_id: int) -> Incoming:
    """Take the sheet back from the leader who has not decided."""
    incoming = incoming_for(tx, actor, incoming_id)
    if not actor.has(*REFERRERS):
        raise Forbidden(phrase("Chỉ văn thư hoặc chánh văn phòng được trình lãnh đạo."))
    move_incoming(tx, incoming, IncomingVerb.WITHDRAW)
    close_waiting(tx, incoming, WITHDRAWN)
    note(tx, incoming, "incoming.withdraw")
    return incoming


def decide(tx: Tx, actor: Actor, incoming_id: int, decision: Decision) -> Referral:
    """The leader names who leads, who helps and until when: the task is given and the sender sees 04, in one step."""
    incoming = incoming_for(tx, actor, incoming_id)
    if not actor.has(Role.LEADER):
        raise Forbidden(phrase("Chỉ lãnh đạo được phân công xử lý."))
    opinion = nfc(decision.opinion).strip()
    deadline = _checked(tx, incoming, decision, opinion)
    move_incoming(tx, incoming, IncomingVerb.ASSIGN)
    incoming.forwarded_at = incoming.forwarded_at or clock.now()
    referral = waiting_referral(tx, incoming.id)
    if referral is None:
        referral = _referral(tx, actor, incoming, actor.person_id, actor.name, "")
    referral.opinion, referral.state, referral.decided_at = opinion, ASSIGNED, clock.now()
    referral.leader_id, referral.leader_name = actor.person_id, actor.name
    referral.due_at, referral.due_words = (deadline.at, deadline.rule) if deadline else (None, "")
    co_ids = tuple(i for i in dict.fromkeys(decision.co_ids) if i != decision.lead.person_id)
    named = directory.people(tx, [*co_ids, *([decision.lead.person_id] if decision.lead.person_id else [])])
    referral.co_names = [named[i].name for i in co_ids]
    task = giving.give(tx, actor, _task(incoming, referral, decision.lead, co_ids))
    referral.task_id, referral.lead_name = task.id, _lead_name(tx, decision.lead, named)
    _let_read(tx, incoming.id, task)
    tell_sender(tx, incoming, SAYS[IncomingVerb.ASSIGN], "")
    note(tx, incoming, "incoming.assign", lead=referral.lead_name, task=task.id, reason=opinion)
    return referral


def close(tx: Tx, actor: Actor, incoming_id: int, remark: str = "") -> Incoming:
    """No task is needed ("lưu, để biết"): whoever handles it closes it, and the sender sees 06."""
    incoming = incoming_for(tx, actor, incoming_id)
    if not actor.has(*CLOSERS):
        raise Forbidden()
    if incoming.state in _WITH_TASK:
        raise WrongState(phrase("Văn bản này đã giao việc, sẽ kết thúc khi việc được nghiệm thu."))
    text = nfc(remark).strip()
    if len(text) > TEXT_MAX:
        raise Invalid({"remark": phrase("Ghi chú dài quá {limit} ký tự.", limit=TEXT_MAX)})
    _finish(tx, incoming, text)
    referral = close_waiting(tx, incoming, FILED)
    if referral is not None and referral.leader_id == actor.person_id:
        referral.opinion, referral.decided_at = text, clock.now()
    return incoming


def close_answered(tx: Tx, incoming_id: int, code: str) -> None:
    """The reply was sent and the clerk wanted that to be the end: 06, also while a task is open."""
    incoming = tx.session.get(Incoming, incoming_id, with_for_update=True)
    if incoming is not None and incoming.state in (IncomingState.REGISTERED, IncomingState.SUBMITTED, *_WITH_TASK):
        _finish(tx, incoming, phrase("Đã trả lời bằng văn bản {code}.", code=code).vi)
        close_waiting(tx, incoming, FILED)


def _finish(tx: Tx, incoming: Incoming, remark: str) -> None:
    move_incoming(tx, incoming, IncomingVerb.FINISH)
    incoming.forwarded_at = incoming.forwarded_at or clock.now()
    tell_sender(tx, incoming, SAYS[IncomingVerb.FINISH], remark)
    note(tx, incoming, "incoming.finish", reason=remark)


@sources.follows("incoming")
def work_changed(tx: Tx, change: sources.Change) -> None:
    """A task on a received document moved. Followed in a transaction of its own, which locks the document first."""
    tx.outbox(topics.WORK, f"{change.task_id}:{change.rev}", {"task_id": change.task_id})


def follow(tx: Tx, task_id: int) -> None:
    """Bring a received document to where the work on it stands; following again changes nothing."""
    referral = tx.session.scalar(sa.select(Referral).where(Referral.task_id == task_id))
    if referral is None:
        return
    incoming = tx.session.get_one(Incoming, referral.incoming_id, with_for_update=True, populate_existing=True)
    task = tx.session.get_one(Task, task_id)
    _let_read(tx, incoming.id, task)
    if incoming.state not in _WITH_TASK or referral.state != ASSIGNED:
        return
    state = TaskState(task.state)
    if state in _AT_WORK and incoming.state == IncomingState.ASSIGNED:
        move_incoming(tx, incoming, IncomingVerb.START)
        tell_sender(tx, incoming, SAYS[IncomingVerb.START], "")
        note(tx, incoming, "incoming.start", lead=referral.lead_name)
    elif state is TaskState.DONE:
        _finish(tx, incoming, "")
    elif state is TaskState.CANCELLED:
        move_incoming(tx, incoming, IncomingVerb.REOPEN)
        referral.state = WITHDRAWN
        note(tx, incoming, "incoming.reopen")


def stop(tx: Tx, incoming_id: int) -> None:
    """The copy was given back to its sender: the open task on it ends, in the name of who gave it."""
    referral = tx.session.scalar(
        sa.select(Referral).where(Referral.incoming_id == incoming_id, Referral.state.in_([WAITING, ASSIGNED]))
    )
    if referral is None:
        return
    referral.state = WITHDRAWN
    task = tx.session.get(Task, referral.task_id) if referral.task_id else None
    giver = directory.actor_of(tx, task.giver_id, task.giver_agency_id) if task else None
    if task is not None and giver is not None and task.state not in (TaskState.DONE, TaskState.CANCELLED):
        giving.cancel(tx, giver, task.id, phrase("Văn bản đã được nơi gửi lấy lại.").vi)


def waiting_referral(tx: Tx, incoming_id: int) -> Referral | None:
    """The sheet that lies before a leader, if there is one."""
    query = sa.select(Referral).where(Referral.incoming_id == incoming_id, Referral.state == WAITING)
    return tx.session.scalar(query.order_by(Referral.id.desc()).limit(1))


def units_of(tx: Tx, agency_id: int) -> list[Unit]:
    """The units of an agency that can lead a piece of work."""
    return list(tx.session.scalars(sa.select(Unit).where(Unit.agency_id == agency_id).order_by(Unit.id)))


def may_see_task(tx: Tx, actor: Actor, task_id: int) -> bool:
    """Whether the reader of a document has a part in the task on it."""
    return bool(task_access.rights_on(tx, actor, tx.session.get_one(Task, task_id)))


def _referral(tx: Tx, actor: Actor, incoming: Incoming, leader_id: int, name: str, proposal: str) -> Referral:
    referral = Referral(
        incoming_id=incoming.id,
        state=WAITING,
        submitted_by=actor.person_id,
        submitted_at=clock.now(),
        leader_id=leader_id,
        leader_name=name,
        proposal=proposal,
        co_names=[],
    )
    tx.session.add(referral)
    tx.session.flush()
    return referral


def close_waiting(tx: Tx, incoming: Incoming, state: str) -> Referral | None:
    """The leader has nothing to decide any more about what lies there; the leader's part of the sheet stays empty."""
    referral = waiting_referral(tx, incoming.id)
    if referral is not None:
        referral.state = state
    return referral


def _checked(tx: Tx, incoming: Incoming, decision: Decision, opinion: str) -> deadlines.Deadline | None:
    """The deadline that was read; Invalid names everything that is wrong. Work stays inside the agency."""
    wrong: dict[str, Phrase] = {}
    members = {card.id for card in directory.people_of(tx, incoming.agency_id)}
    units = {unit.id for unit in units_of(tx, incoming.agency_id)}
    if decision.lead.person_id not in members and decision.lead.unit_id not in units:
        wrong["lead"] = phrase("Cần chọn người hoặc đơn vị chủ trì của cơ quan.")
    if not members.issuperset(decision.co_ids):
        wrong["co_ids"] = phrase("Có người phối hợp không thuộc cơ quan, xin chọn lại.")
    elif len(decision.co_ids) > CO_WORKERS_MAX:
        wrong["co_ids"] = phrase("Chọn nhiều nhất {max} người phối hợp.", max=CO_WORKERS_MAX)
    if len(opinion) > TEXT_MAX:
        wrong["opinion"] = phrase("Ý kiến dài quá {limit} ký tự.", limit=TEXT_MAX)
    deadline = None
    try:
        deadline = deadlines.read(decision.due, clock.now(), "due")
    except Invalid as error:
        wrong |= error.fields
    if wrong:
        raise Invalid(wrong)
    return deadline


def _task(incoming: Incoming, referral: Referral, lead: Lead, co_ids: tuple[int, ...]) -> GiveTask:
    title = phrase("Xử lý văn bản {code}: {subject}", code=incoming.code, subject=incoming.subject).vi
    return GiveTask(
        title=brief(title, 500),
        detail=referral.opinion,
        lead=lead,
        deadline_at=referral.due_at,
        deadline_rule=referral.due_words,
        priority=_PRIORITY.get(incoming.urgency, Priority.FLASH),
        co_workers=co_ids,
        origin=Ref("incoming", incoming.id),
        once=f"referral:{referral.id}",
    )


def _lead_name(tx: Tx, lead: Lead, people: dict[int, directory.PersonCard]) -> str:
    if lead.person_id is not None:
        return people[lead.person_id].name
    return task_access.unit_name(tx, lead.unit_id)


def _let_read(tx: Tx, incoming_id: int, task: Task) -> None:
    """Whoever works on it may open it; nobody loses that when the work is given to another."""
    people = {card.id for card in task_access.lead_people(tx, task)}
    people |= set(tx.session.scalars(sa.select(TaskPerson.person_id).where(TaskPerson.task_id == task.id)))
    for person_id in sorted(people):
        row = insert_into(tx.session, Reader).values(incoming_id=incoming_id, person_id=person_id)
        tx.session.execute(row.on_conflict_do_nothing())
