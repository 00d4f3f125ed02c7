"""The demo city and the cast."""

from directory import demo, queries
from directory.actor import Role
from kernel.db import Database
from kernel.text import phone_number
from tests.cast import Cast


def test_the_cast_stands_where_every_other_test_expects_it(db: Database, cast: Cast) -> None:
    assert cast.ha.has(Role.CLERK)
    assert cast.binh.has(Role.LEADER)
    assert cast.ha.agency_id == cast.binh.agency_id == cast.city.id
    assert cast.lan.has(Role.CLERK)
    assert cast.lan.agency_id == cast.finance.id != cast.city.id
    assert cast.admin.has(Role.ADMIN)
    assert not cast.ha.has(Role.LEADER, Role.ADMIN)
    assert cast.ha.by == f"person:{cast.ha.person_id}"


def test_seeding_twice_changes_nothing(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        demo.seed(tx)
    with db.read() as tx:
        assert len(queries.agencies_for_choice(tx)) == 8
        everybody = queries.people_for_choice(tx)
    assert len(everybody) == len({person.email for person in everybody})
    assert all(phone_number(person.phone) == person.phone for person in everybody)


def test_every_agency_of_the_city_has_a_clerk_and_a_leader(db: Database, cast: Cast) -> None:
    with db.read() as tx:
        for agency in queries.agencies_for_choice(tx):
            assert queries.people_with_role(tx, agency.id, Role.CLERK)
            assert queries.people_with_role(tx, agency.id, Role.LEADER)
