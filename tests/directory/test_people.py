"""People as administrators keep them."""

import pytest
import sqlalchemy as sa

from directory import access, demo, people, queries, signin
from directory.actor import Actor, Role
from directory.models import Membership, Person, RoleGrant
from directory.people import PersonFacts, Placement
from directory.signin import Refused, SignedIn, Step
from kernel.db import Database
from kernel.errors import Forbidden, Invalid, NotFound, Stale, WrongState
from tests.cast import Cast
from tests.directory.test_agencies import local_admin
from tests.directory.test_signing_in import come_in, token_of

__all__ = ["local_admin"]


def test_a_new_person_has_a_place_and_roles_and_no_password(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        place = Placement(cast.finance.id, "Chuyên viên", roles=frozenset({Role.SPECIALIST}))
        row = people.add_person(tx, cast.admin, PersonFacts("Trần  Thị Mới", "MOI@Mau.Example", "0912 345 678"), place)
    with db.read() as tx:
        card = queries.person(tx, row.id)
        actor = queries.actor_of(tx, row.id)
    assert (card.name, card.email, card.phone) == ("Trần Thị Mới", "moi@mau.example", "+84912345678")
    assert (card.title, card.agency_id) == ("Chuyên viên", cast.finance.id)
    assert actor is not None
    assert actor.roles == {Role.SPECIALIST}
    assert isinstance(come_in(db, "moi@mau.example", ""), Refused)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        (PersonFacts("X", "moi@mau.example"), "name"),
        (PersonFacts("Trần Mới", "không phải thư"), "email"),
        (PersonFacts("Trần Mới", "HA@mau.example"), "email"),
        (PersonFacts("Trần Mới", "moi@mau.example", "028 3822 1234"), "phone"),
    ],
)
def test_wrong_facts_are_named(db: Database, cast: Cast, facts: PersonFacts, field: str) -> None:
    with db.write() as tx, pytest.raises(Invalid) as refusal:
        people.add_person(tx, cast.admin, facts, Placement(cast.finance.id))
    assert set(refusal.value.fields) == {field}


def test_somebody_made_inactive_is_signed_out_everywhere(db: Database, cast: Cast) -> None:
    token = token_of(db, "ha")
    with db.write() as tx:
        facts = PersonFacts(cast.ha.name, demo.email_of("ha"), is_active=False)
        people.change_person(tx, cast.admin, cast.ha.person_id, facts, rev=1)
        assert signin.actor_for_session(tx, token) is None
        with pytest.raises(Stale):
            people.change_person(tx, cast.admin, cast.ha.person_id, facts, rev=1)


def test_one_primary_place_remains_whatever_comes_and_goes(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        people.settle(tx, cast.admin, cast.ha.person_id, Placement(cast.finance.id, "Biệt phái", is_primary=True))
        assert queries.person(tx, cast.ha.person_id).agency_id == cast.finance.id
        people.leave(tx, cast.admin, cast.ha.person_id, cast.finance.id)
        assert queries.person(tx, cast.ha.person_id).agency_id == cast.city.id
        with pytest.raises(WrongState):
            people.leave(tx, cast.admin, cast.ha.person_id, cast.city.id)
        with pytest.raises(NotFound):
            people.leave(tx, cast.admin, cast.ha.person_id, cast.science.id)
        primary = sa.select(sa.func.count()).where(Membership.person_id == cast.ha.person_id, Membership.is_primary)
        assert tx.session.scalar(primary) == 1


def test_leaving_takes_the_roles_along(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        place = Placement(cast.finance.id, roles=frozenset({Role.CLERK}), is_primary=False)
        people.settle(tx, cast.admin, cast.ha.person_id, place)
        people.leave(tx, cast.admin, cast.ha.person_id, cast.finance.id)
        left = sa.select(RoleGrant).where(
            RoleGrant.person_id == cast.ha.person_id, RoleGrant.agency_id == cast.finance.id
        )
        assert tx.session.scalars(left).all() == []


def test_a_unit_of_another_agency_is_refused(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        unit_id = tx.session.scalar(sa.select(Membership.unit_id).where(Membership.person_id == cast.lan.person_id))
        with pytest.raises(Invalid) as refusal:
            people.settle(tx, cast.admin, cast.ha.person_id, Placement(cast.city.id, unit_id=unit_id))
    assert set(refusal.value.fields) == {"unit_id"}


def test_the_last_administrator_stays(db: Database, cast: Cast) -> None:
    facts = PersonFacts(cast.admin.name, demo.email_of("quantri"), is_active=False)
    with pytest.raises(WrongState), db.write() as tx:
        people.change_person(tx, cast.admin, cast.admin.person_id, facts)
    with pytest.raises(WrongState), db.write() as tx:
        people.settle(tx, cast.admin, cast.admin.person_id, Placement(cast.city.id))
    with db.read() as tx:
        assert queries.actor_of(tx, cast.admin.person_id) == cast.admin


def test_a_given_password_is_temporary_and_ends_sessions(db: Database, cast: Cast) -> None:
    token = token_of(db, "ha")
    with db.write() as tx:
        password = people.give_password(tx, cast.admin, cast.ha.person_id)
        assert signin.actor_for_session(tx, token) is None
    answer = come_in(db, demo.email_of("ha"), password)
    assert isinstance(answer, SignedIn)
    assert answer.step is Step.NEW_PASSWORD


def test_an_administrator_below_the_top_cannot_reach_who_also_works_above(
    db: Database, cast: Cast, local_admin: Actor
) -> None:
    with db.write() as tx:
        assert people.give_password(tx, local_admin, cast.lan.person_id)
        people.settle(tx, cast.admin, cast.lan.person_id, Placement(cast.city.id, is_primary=False))
        for act in (people.give_password, people.end_sessions, access.person_for):
            with pytest.raises(NotFound):
                act(tx, local_admin, cast.lan.person_id)
        with pytest.raises(NotFound):
            people.settle(tx, local_admin, cast.ha.person_id, Placement(cast.finance.id, roles=frozenset({Role.ADMIN})))
        with pytest.raises(NotFound):
            people.add_person(tx, local_admin, PersonFacts("Trần Mới", "moi@mau.example"), Placement(cast.city.id))


def test_who_is_no_administrator_changes_nobody(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        for act in (people.give_password, people.end_sessions, people.lift_totp):
            with pytest.raises(Forbidden):
                act(tx, cast.binh, cast.ha.person_id)


def test_an_empty_instance_gets_its_first_administrator_once(db: Database) -> None:
    with db.write() as tx:
        with pytest.raises(Invalid) as refused:
            people.first_administrator(tx, "H29", "a" * 201, "Người Quản Trị", "qt@co.example")
        assert set(refused.value.fields) == {"name"}
        password = people.first_administrator(tx, "H29", "Văn phòng UBND Thành phố", "Người Quản Trị", "qt@co.example")
        with pytest.raises(WrongState):
            people.first_administrator(tx, "H29", "", "Người Khác", "khac@co.example")
        person = tx.session.scalars(sa.select(Person)).one()
        actor = queries.actor_of(tx, person.id)
        assert actor is not None
        assert access.is_instance_admin(tx, actor)
    answer = come_in(db, "qt@co.example", password)
    assert isinstance(answer, SignedIn)


def test_lists_go_by_the_given_name_in_vietnamese_order(db: Database, cast: Cast) -> None:
    with db.read() as tx:
        given = [card.name.rpartition(" ")[2] for card in queries.people_of(tx, cast.city.id)]
    assert given == ["Bình", "Hà", "Khải", "Sơn", "Thư", "Yến"]
