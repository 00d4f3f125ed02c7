"""Tables of tasks: the task, who shares it, what happened, asked extensions, and planned reminders."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, Json
from tasks.states import TaskState


class Priority(StrEnum):
    """How a task presses; `flash` (hỏa tốc) knows no quiet hours."""

    NORMAL = "normal"
    URGENT = "urgent"
    FLASH = "flash"


class Part(StrEnum):
    """A person's part in a task besides giving and leading."""

    CO_WORKER = "co_worker"
    FOLLOWER = "follower"


class Task(Base):
    """A task. The lead is a person, a unit, or a whole agency, exactly one of the three.

    `plan` counts the plans of reminders: a new one replaces all that have not been sent. `once` makes the same act
    (one conclusion, one press) one task.
    """

    __tablename__ = "task"
    __table_args__ = (sa.Index("ix_task_lead_person_id_state", "lead_person_id", "state"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    once: Mapped[str | None] = mapped_column(unique=True)
    title: Mapped[str]
    detail: Mapped[str] = mapped_column(default="")
    origin: Mapped[str] = mapped_column(default="", index=True)  # a kernel.refs.Ref as text
    origin_title: Mapped[str] = mapped_column(default="")  # as it was called when the task was given
    priority: Mapped[str] = mapped_column(default=Priority.NORMAL)
    giver_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), index=True)
    giver_agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"), index=True)
    lead_person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    lead_unit_id: Mapped[int | None] = mapped_column(sa.ForeignKey("unit.id"))
    lead_agency_id: Mapped[int | None] = mapped_column(sa.ForeignKey("agency.id"), index=True)
    state: Mapped[str] = mapped_column(default=TaskState.NEW)
    deadline_at: Mapped[datetime | None] = mapped_column(index=True)
    deadline_rule: Mapped[str] = mapped_column(default="")  # the words that made it
    progress: Mapped[int] = mapped_column(default=0)  # percent, as the lead says
    plan: Mapped[int] = mapped_column(default=0)
    rev: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    given_at: Mapped[datetime]  # to the present lead
    received_at: Mapped[datetime | None]
    received_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    finished_at: Mapped[datetime | None]  # when the lead said so; on time or late is judged by this
    closed_at: Mapped[datetime | None]


class TaskPerson(Base):
    """A co-worker (phối hợp) or follower (theo dõi)."""

    __tablename__ = "task_person"
    task_id: Mapped[int] = mapped_column(sa.ForeignKey("task.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True, index=True)
    part: Mapped[str]


class TaskEntry(Base):
    """One thing that happened to a task."""

    __tablename__ = "task_entry"
    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(sa.ForeignKey("task.id"), index=True)
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    kind: Mapped[str]  # a Verb, `given` or `reminded`
    note: Mapped[str] = mapped_column(default="")
    detail: Mapped[Json]


class TaskExtension(Base):
    """A later deadline that the lead asked for; open until the giver decided."""

    __tablename__ = "task_extension"
    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(sa.ForeignKey("task.id"), index=True)
    asked_by_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    deadline_at: Mapped[datetime]
    reason: Mapped[str]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    granted: Mapped[bool | None]
    answer: Mapped[str] = mapped_column(default="")


class ReminderState(StrEnum):
    """Where a planned reminder stands; one that went out in a digest is `sent` as well."""

    PLANNED = "planned"
    SENT = "sent"
    CANCELLED = "cancelled"


class TaskReminder(Base):
    """A reminder of one person about one task; its outbox row has the same due time."""

    __tablename__ = "task_reminder"
    __table_args__ = (
        sa.UniqueConstraint("task_id", "plan", "slot", "person_id"),
        sa.Index("ix_task_reminder_person_id_state_due_at", "person_id", "state", "due_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(sa.ForeignKey("task.id"))
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    plan: Mapped[int]
    slot: Mapped[str]
    deadline_at: Mapped[datetime | None]  # the deadline that it is about
    due_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default=ReminderState.PLANNED)
    sent_at: Mapped[datetime | None]
