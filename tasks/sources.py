"""What a task came from may follow it: a room to the right registers here and hears of each change of the tasks that it
gave, in the transaction that makes the change. It must not lock rows of its own there: it enqueues a job instead."""

from collections.abc import Callable
from dataclasses import dataclass

from kernel.db import Tx
from kernel.refs import Ref
from tasks.states import TaskState


@dataclass(frozen=True)
class Change:
    """A task that moved: what it came from, where it stands now, and its count of changes."""

    task_id: int
    origin: Ref
    state: TaskState
    rev: int


Listener = Callable[[Tx, Change], None]
_listeners: dict[str, Listener] = {}


def follows(kind: str) -> Callable[[Listener], Listener]:
    """Have the function told of the tasks whose origin is of that kind (`incoming`)."""

    def keep(listener: Listener) -> Listener:
        _listeners[kind] = listener
        return listener

    return keep


def tell(tx: Tx, change: Change) -> None:
    """Tell whoever follows tasks of this origin."""
    listener = _listeners.get(change.origin.kind)
    if listener is not None:
        listener(tx, change)
