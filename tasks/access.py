"""Loading is authorising: who stands where to a task. Strangers get NotFound."""

from collections.abc import Iterable
from enum import StrEnum

import sqlalchemy as sa

from directory import queries
from directory.actor import Actor, Role
from directory.models import Membership, Unit
from directory.queries import PersonCard
from kernel.db import Tx
from kernel.errors import Forbidden, NotFound
from kernel.refs import row_id
from kernel.streams import guard
from tasks.models import Task, TaskPerson

DESK = (Role.LEADER, Role.OFFICE_CHIEF)


class Right(StrEnum):
    """`lead`: act for the lead. `give`: act for the giver."""

    SEE = "see"
    LEAD = "lead"
    GIVE = "give"


def task_for(tx: Tx, actor: Actor, task_id: int, right: Right = Right.SEE, *, lock: bool = False) -> Task:
    """The task, if the actor may see it; Forbidden when they may see it but `right` belongs to another."""
    task = tx.session.get(Task, task_id, with_for_update=lock or None, populate_existing=lock)
    if task is None:
        raise NotFound()
    rights = rights_on(tx, actor, task)
    if not rights:
        raise NotFound()
    if right not in rights:
        raise Forbidden()
    return task


def rights_on(tx: Tx, actor: Actor, task: Task) -> frozenset[Right]:
    """What the actor may do with the task; nothing for a stranger."""
    found = set()
    if actor.person_id == task.giver_id or (actor.has(*DESK) and actor.agency_id == task.giver_agency_id):
        found |= {Right.SEE, Right.GIVE}
    if is_lead(tx, actor, task):
        found |= {Right.SEE, Right.LEAD}
    if not found and tx.session.get(TaskPerson, (task.id, actor.person_id)) is not None:
        found.add(Right.SEE)
    return frozenset(found)


def is_lead(tx: Tx, actor: Actor, task: Task) -> bool:
    """Whether the actor acts for the lead: as the person, or as one of those who answer for the unit or agency."""
    if task.lead_person_id is not None:
        return actor.person_id == task.lead_person_id
    return actor.person_id in {card.id for card in lead_people(tx, task)}


def lead_people(tx: Tx, task: Task) -> list[PersonCard]:
    """Who is told as the lead: the person; the leaders of the unit, else all of it; the leaders and office chiefs of
    the agency, else its clerks."""
    if task.lead_person_id is not None:
        return [queries.person(tx, task.lead_person_id)]
    assert task.lead_agency_id is not None
    chiefs = _unique(card for role in DESK for card in queries.people_with_role(tx, task.lead_agency_id, role))
    if task.lead_unit_id is not None:
        inside = set(tx.session.scalars(sa.select(Membership.person_id).where(Membership.unit_id == task.lead_unit_id)))
        members = [card for card in queries.people_of(tx, task.lead_agency_id) if card.id in inside]
        return [card for card in members if card in chiefs] or members
    return chiefs or queries.people_with_role(tx, task.lead_agency_id, Role.CLERK)


def leaders_above(tx: Tx, agency_id: int | None) -> list[PersonCard]:
    """Who answers for an agency when nobody below acts."""
    return queries.people_with_role(tx, agency_id, Role.LEADER) if agency_id else []


def office_of(tx: Tx, agency_id: int) -> list[PersonCard]:
    """Who watches deadlines for an agency."""
    return queries.people_with_role(tx, agency_id, Role.OFFICE_CHIEF)


def _unique(cards: Iterable[PersonCard]) -> list[PersonCard]:
    return list({card.id: card for card in cards}.values())


def unit_name(tx: Tx, unit_id: int | None) -> str:
    """The name of a unit, or empty."""
    unit = tx.session.get(Unit, unit_id) if unit_id is not None else None
    return unit.name if unit else ""


def involved(tx: Tx, task: Task) -> set[int]:
    """Everybody who has a part in the task; their screens show it."""
    people = {task.giver_id} | {card.id for card in lead_people(tx, task)}
    return people | set(tx.session.scalars(sa.select(TaskPerson.person_id).where(TaskPerson.task_id == task.id)))


@guard("task")
def may_join_task(tx: Tx, actor: Actor | None, name: str) -> bool:
    """`task:<id>` is for those who may see the task."""
    number = row_id(name.partition(":")[2])
    if actor is None or actor.kind != "person" or number is None:
        return False
    task = tx.session.get(Task, number)
    return task is not None and bool(rights_on(tx, actor, task))
