"""The lead asks for more time; the giver decides."""

from datetime import datetime

import sqlalchemy as sa

from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid, NotFound, WrongState
from kernel.text import nfc, phrase
from tasks import access, moves
from tasks.access import Right
from tasks.models import Task, TaskExtension
from tasks.receiving import note_receipt
from tasks.states import Verb


def open_extension(tx: Tx, task_id: int) -> TaskExtension | None:
    """The asked extension that waits for a decision."""
    query = sa.select(TaskExtension).where(TaskExtension.task_id == task_id, TaskExtension.decided_at.is_(None))
    return tx.session.scalars(query).first()


def waiting_task_ids() -> sa.Select[int]:
    """The tasks with a request that waits, for use inside another query."""
    return sa.select(TaskExtension.task_id).where(TaskExtension.decided_at.is_(None))


def ask_extension(tx: Tx, actor: Actor, task_id: int, deadline_at: datetime | None, reason: str) -> None:
    """Ask for a later deadline. Invalid names `deadline` or `reason`; one request at a time."""
    task = access.task_for(tx, actor, task_id, Right.LEAD, lock=True)
    note = moves.needed(reason, "reason", phrase("Xin ghi lý do xin gia hạn."))
    if task.deadline_at is None:
        raise WrongState(phrase("Việc này không có hạn nên không cần gia hạn."))
    if deadline_at is None or deadline_at <= max(task.deadline_at, clock.now()):
        raise Invalid({"deadline": phrase("Hạn mới phải sau hạn hiện nay và sau bây giờ.")})
    if open_extension(tx, task.id) is not None:
        raise WrongState(phrase("Đã có một đề nghị gia hạn đang chờ trả lời."))
    note_receipt(actor, task)
    tx.session.add(
        TaskExtension(
            task_id=task.id, asked_by_id=actor.person_id, asked_at=clock.now(), deadline_at=deadline_at, reason=note
        )
    )
    moves.move(tx, actor, task, Verb.ASK_EXTENSION, note, deadline=deadline_at.isoformat())
    moves.tell_news(tx, actor, task, {task.giver_id}, phrase("Xin gia hạn"), note)


def decide_extension(tx: Tx, actor: Actor, task_id: int, granted: bool, answer: str = "") -> Task:
    """Grant the asked deadline or keep the old one; the lead is told."""
    task = access.task_for(tx, actor, task_id, Right.GIVE, lock=True)
    asked = open_extension(tx, task.id)
    if asked is None:
        raise NotFound(phrase("Không còn đề nghị gia hạn nào đang chờ."))
    note = nfc(answer).strip()[:4000]
    if not granted and not note:
        raise Invalid({"reason": phrase("Xin ghi lý do không đồng ý.")})
    asked.decided_at, asked.decided_by_id, asked.granted, asked.answer = clock.now(), actor.person_id, granted, note
    leads = {card.id for card in access.lead_people(tx, task)}
    if granted:
        task.deadline_at, task.deadline_rule = asked.deadline_at, ""
        moves.move(tx, actor, task, Verb.MOVE_DEADLINE, note, extension=True)
        moves.tell_news(tx, actor, task, leads, phrase("Đã đồng ý gia hạn"), note)
    else:
        moves.record(tx, actor, task, "extension_refused", note)
        moves.tell_news(tx, actor, task, leads, phrase("Không đồng ý gia hạn"), note)
    return task
