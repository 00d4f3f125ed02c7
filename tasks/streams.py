"""The stream of a task: everybody who has a part in it."""

from dataclasses import dataclass

from kernel.streams import StreamName, StreamPrefix
from kernel.wire import Wire

TASK = StreamPrefix("task")


def task_stream(task_id: int) -> StreamName:
    """The stream of one task."""
    return TASK.of(task_id)


@dataclass(frozen=True)
class TaskChange(Wire):
    """What screens show of a task: `progress` in percent, `deadline_at` in ISO 8601."""

    id: int
    rev: int
    state: str
    progress: int
    deadline_at: str | None


@dataclass(frozen=True)
class Reminded(Wire):
    """A reminder of a task went out."""

    id: int
    rev: int
