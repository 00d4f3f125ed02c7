"""Who may see and change what in the directory, and who may join the streams of people and agencies.

An administrator looks after their own agency and all below it. The administrator of an agency that stands at
the top, and is served by this instance, looks after the whole instance: the register of agencies, the calendar.
"""

import sqlalchemy as sa

from directory import queries
from directory.actor import Actor, Role, require
from directory.models import Agency, ApiClient, Membership, Person, Unit
from directory.queries import PersonCard
from kernel.db import Tx
from kernel.errors import Forbidden, NotFound
from kernel.streams import guard
from kernel.text import phrase


def is_instance_admin(tx: Tx, actor: Actor) -> bool:
    """Whether the actor administers the whole instance."""
    if not actor.has(Role.ADMIN):
        return False
    row = tx.session.get(Agency, actor.agency_id)
    return row is not None and row.is_local and row.parent_id is None


def instance_admins(tx: Tx) -> list[PersonCard]:
    """The people who administer the whole instance."""
    tops = tx.session.scalars(sa.select(Agency.id).where(Agency.parent_id.is_(None), Agency.is_local))
    return [card for agency_id in tops.all() for card in queries.people_with_role(tx, agency_id, Role.ADMIN)]


def require_instance_admin(tx: Tx, actor: Actor) -> None:
    """Forbidden unless the actor administers the whole instance."""
    require(actor, Role.ADMIN)
    if not is_instance_admin(tx, actor):
        raise Forbidden(phrase("Việc này thuộc quản trị viên của cơ quan đứng đầu hệ thống."))


def administered(tx: Tx, actor: Actor) -> set[int]:
    """The ids of the agencies that the actor administers; Forbidden without the role."""
    require(actor, Role.ADMIN)
    if is_instance_admin(tx, actor):
        return set(tx.session.scalars(sa.select(Agency.id)))
    below = sa.select(Agency.id).where(Agency.id == actor.agency_id).cte("below", recursive=True)
    below = below.union(sa.select(Agency.id).where(Agency.parent_id == below.c.id))
    return set(tx.session.scalars(sa.select(below.c.id)))


def agency_for(tx: Tx, actor: Actor, agency_id: int) -> Agency:
    """An agency that the actor administers; NotFound for any other."""
    row = tx.session.get(Agency, agency_id) if agency_id in administered(tx, actor) else None
    if row is None:
        raise NotFound()
    return row


def unit_for(tx: Tx, actor: Actor, unit_id: int) -> Unit:
    """A unit of an agency that the actor administers."""
    row = tx.session.get(Unit, unit_id)
    if row is None or row.agency_id not in administered(tx, actor):
        raise NotFound()
    return row


def person_for(tx: Tx, actor: Actor, person_id: int) -> Person:
    """A person all of whose agencies the actor administers.

    All, not some: whoever may reset a password gains what its owner may do anywhere.
    """
    scope = administered(tx, actor)
    row = tx.session.get(Person, person_id)
    places = set(tx.session.scalars(sa.select(Membership.agency_id).where(Membership.person_id == person_id)))
    if row is None or not places <= scope or not (places or is_instance_admin(tx, actor)):
        raise NotFound()
    return row


def people_within(tx: Tx, actor: Actor) -> sa.Select[int]:
    """The ids of those whom `person_for` lets the actor see."""
    scope = administered(tx, actor)
    if is_instance_admin(tx, actor):
        return sa.select(Person.id)
    elsewhere = sa.select(Membership.person_id).where(Membership.agency_id.not_in(scope))
    here = sa.select(Membership.person_id).where(Membership.agency_id.in_(scope))
    return sa.select(Person.id).where(Person.id.in_(here), Person.id.not_in(elsewhere))


def client_for(tx: Tx, actor: Actor, client_id: int) -> ApiClient:
    """An API client of an agency that the actor administers."""
    row = tx.session.get(ApiClient, client_id)
    if row is None or row.agency_id not in administered(tx, actor):
        raise NotFound()
    return row


@guard("person")
def may_join_person(tx: Tx, actor: Actor | None, name: str) -> bool:
    """`person:<id>` is for that person alone."""
    return actor is not None and actor.kind == "person" and name == f"person:{actor.person_id}"


@guard("agency")
def may_join_agency(tx: Tx, actor: Actor | None, name: str) -> bool:
    """`agency:<id>/clerks` is for the clerks and leaders of that agency."""
    return (
        actor is not None
        and actor.kind == "person"
        and actor.agency_id > 0
        and name == f"agency:{actor.agency_id}/clerks"
        and actor.has(Role.CLERK, Role.LEADER)
    )
