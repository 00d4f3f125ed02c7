"""What every verb does after its check: the state moves, the timeline and the audit grow, screens hear of it, and the
reminders are planned anew."""

from typing import Any

from directory.actor import Actor
from directory.streams import person_stream
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid, WrongState
from kernel.refs import Ref
from kernel.text import Phrase, nfc, phrase
from notify import messages
from notify.kinds import TaskNews
from notify.messages import Channel
from tasks import access, scheduling, sources
from tasks.models import Task, TaskEntry
from tasks.states import TaskState, Verb, after
from tasks.streams import TaskChange, task_stream

LABELS = {
    TaskState.NEW: (phrase("Mới giao"), "waiting"),
    TaskState.RECEIVED: (phrase("Đã nhận"), "info"),
    TaskState.IN_PROGRESS: (phrase("Đang thực hiện"), "info"),
    TaskState.AWAITING: (phrase("Chờ nghiệm thu"), "waiting"),
    TaskState.RETURNED: (phrase("Đã trả lại"), "bad"),
    TaskState.PAUSED: (phrase("Tạm dừng"), "plain"),
    TaskState.DONE: (phrase("Hoàn thành"), "good"),
    TaskState.CANCELLED: (phrase("Đã hủy"), "plain"),
}


def ref_of(task: Task) -> Ref:
    """The task as other rooms name it."""
    return Ref("task", task.id)


def path_of(task: Task) -> str:
    """Where the task is opened."""
    return f"/tasks/{task.id}"


def move(tx: Tx, actor: Actor, task: Task, verb: Verb, note: str = "", **detail: Any) -> None:
    """Take the step that the table allows, or WrongState."""
    state = TaskState(task.state)
    then = after(state, verb)
    if then is None:
        raise WrongState(
            phrase("Việc này đang ở trạng thái “{state}” nên không làm được bước đó.", state=LABELS[state][0])
        )
    task.state = then
    record(tx, actor, task, verb, note, **detail)
    scheduling.replan(tx, task)


def record(tx: Tx, actor: Actor, task: Task, kind: str, note: str = "", **detail: Any) -> None:
    """Add to timeline and audit, and let every screen with a part in the task know."""
    task.rev += 1
    tx.session.flush()
    entry = TaskEntry(
        task_id=task.id, at=clock.now(), by_id=actor.person_id or None, kind=kind, note=note, detail=detail
    )
    tx.session.add(entry)
    tx.audit(f"agency:{task.giver_agency_id}", f"task.{kind}", ref_of(task), {"note": note, **detail})
    show(tx, task)
    if task.origin:
        sources.tell(tx, sources.Change(task.id, Ref.parse(task.origin), TaskState(task.state), task.rev))


def show(tx: Tx, task: Task) -> None:
    """Publish what screens show of the task."""
    deadline_at = task.deadline_at.isoformat() if task.deadline_at else None
    change = TaskChange(task.id, task.rev, task.state, task.progress, deadline_at)
    tx.publish(task_stream(task.id), "task", change)
    for person_id in sorted(access.involved(tx, task)):
        tx.publish(person_stream(person_id), "task", change)


def tell_news(tx: Tx, actor: Actor, task: Task, to: set[int], what: Phrase, note: str = "") -> None:
    """E-mail `to`, except whoever did it."""
    news = TaskNews(task.title, what, actor.name, note, task.deadline_at, path_of(task))
    for person_id in sorted(to - {actor.person_id}):
        messages.tell(
            tx, news, person_id, ref=ref_of(task), version=task.rev, channels=[Channel.EMAIL], slot=str(person_id)
        )


def needed(text: str, field: str, message: Phrase, *, longest: int = 4000) -> str:
    """A text that must not be empty; Invalid names `field`."""
    clean = nfc(text).strip()
    if not clean:
        raise Invalid({field: message})
    if len(clean) > longest:
        raise Invalid({field: phrase("Quá dài: tối đa {n} ký tự.", n=longest)})
    return clean
