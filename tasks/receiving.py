"""The lead says "received", or gives the task back."""

from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.text import phrase
from tasks import access, moves
from tasks.access import Right
from tasks.models import Task
from tasks.states import TaskState, Verb


def receive(tx: Tx, actor: Actor, task_id: int, *, channel: str = "app") -> Task:
    """Say that the task has arrived; reminders to say so stop at once, the giver sees it. Saying it again changes
    nothing. `channel` is `app` or `link`."""
    task = access.task_for(tx, actor, task_id, Right.LEAD, lock=True)
    if task.received_at is None and task.state == TaskState.NEW:
        note_receipt(actor, task)
        moves.move(tx, actor, task, Verb.RECEIVE, channel=channel)
    return task


def note_receipt(actor: Actor, task: Task) -> None:
    """Whoever acts on a task has received it."""
    if task.received_at is None:
        task.received_at, task.received_by_id = clock.now(), actor.person_id


def return_task(tx: Tx, actor: Actor, task_id: int, reason: str) -> None:
    """Give the task back to the giver, with a reason."""
    task = access.task_for(tx, actor, task_id, Right.LEAD, lock=True)
    note = moves.needed(reason, "reason", phrase("Xin ghi lý do trả lại."))
    moves.move(tx, actor, task, Verb.RETURN, note)
    moves.tell_news(tx, actor, task, {task.giver_id}, phrase("Việc bị trả lại"), note)
