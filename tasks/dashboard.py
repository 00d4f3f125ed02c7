"""What waits on the start page: tasks to do, and given tasks that wait for their giver."""

from directory.actor import Actor
from kernel import clock
from kernel.dashboard import Chip, Item, section
from kernel.db import Tx
from kernel.refs import Described, describes
from kernel.text import Phrase, phrase
from tasks import queries
from tasks.models import Task
from tasks.queries import TaskLine


@describes("task")
def described(tx: Tx, task_id: int) -> Described | None:
    """Title and address of a task."""
    task = tx.session.get(Task, task_id)
    return Described(task.title, f"/tasks/{task.id}") if task else None


@section(40, phrase("Việc cần làm"), phrase("Không có việc nào đang chờ bạn."))
def waiting(tx: Tx, actor: Actor) -> list[Item]:
    """Tasks that the actor leads, late ones first."""
    return [_item(line, line.giver) for line in queries.to_do_lines(tx, actor)]


@section(45, phrase("Việc đã giao chờ bạn quyết định"), phrase("Không có việc đã giao nào chờ bạn."))
def to_settle(tx: Tx, actor: Actor) -> list[Item] | None:
    """Tasks that came back to the actor as giver; not shown to who has none."""
    return [_item(line, line.lead) for line in queries.to_settle_lines(tx, actor)] or None


def _item(line: TaskLine, meta: str) -> Item:
    return Item(
        title=line.title,
        url=f"/tasks/{line.id}",
        meta=(meta,),
        due_at=line.deadline_at,
        late=_late(line),
        chip=Chip(line.label, line.tone),
        urgency=line.urgency or None,
    )


def _late(line: TaskLine) -> Phrase | None:
    if not line.is_late or line.deadline_at is None:
        return None
    over = clock.now() - line.deadline_at
    hours = int(over.total_seconds() // 3600)
    return phrase("quá hạn {n} ngày", n=over.days) if over.days else phrase("quá hạn {n} giờ", n=max(hours, 1))
