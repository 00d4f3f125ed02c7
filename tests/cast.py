"""The same people in every test: Hà and Bình of the city office, Lan of another agency, and those around them.

tests/conftest.py lists this module in `pytest_plugins`.
"""

from dataclasses import dataclass

import pytest

from directory import demo, queries
from directory.actor import Actor
from directory.queries import AgencyCard
from kernel.db import Database, Tx


@dataclass(frozen=True)
class Cast:
    """The demo city's people as actors. Khách, who has no account, is None wherever an actor is asked for."""

    ha: Actor  # clerk of the city office
    binh: Actor  # leader of the city office
    lan: Actor  # clerk of the finance department
    thu: Actor  # secretary of meetings, city office
    admin: Actor
    nam: Actor  # specialist of the finance department
    son: Actor  # office chief and leader of the city office
    yen: Actor  # specialist of the city office
    dung: Actor  # leader of the finance department
    oanh: Actor  # clerk of home affairs
    phuc: Actor  # leader of home affairs
    quynh: Actor  # clerk of science
    tuan: Actor  # leader of science
    hanh: Actor  # clerk of ward An Hòa
    long: Actor  # leader of ward An Hòa
    city: AgencyCard
    finance: AgencyCard
    home_affairs: AgencyCard
    science: AgencyCard


def meet(tx: Tx) -> Cast:
    """Everybody, from a database in which the demo city stands."""

    def actor(mailbox: str) -> Actor:
        person = queries.person_by_email(tx, demo.email_of(mailbox))
        assert person is not None
        found = queries.actor_of(tx, person.id)
        assert found is not None
        return found

    def agency(code: str) -> AgencyCard:
        row = queries.agency_by_code(tx, code)
        assert row is not None
        return queries.card_of(row)

    names = ["ha", "binh", "lan", "thu", "nam", "son", "yen", "dung", "oanh", "phuc", "quynh", "tuan", "hanh", "long"]
    return Cast(
        **{name: actor(name) for name in names},
        admin=actor("quantri"),
        city=agency(demo.CITY_OFFICE),
        finance=agency(demo.FINANCE),
        home_affairs=agency(demo.HOME_AFFAIRS),
        science=agency(demo.SCIENCE),
    )


_casts: dict[bool, Cast] = {}


@pytest.fixture
def cast(db: Database) -> Cast:
    """The people of the demo city, which tests/conftest.py founds in the database of every test that asks for them."""
    if db.is_sqlite not in _casts:
        with db.read() as tx:
            _casts[db.is_sqlite] = meet(tx)
    return _casts[db.is_sqlite]


@pytest.fixture
def city(cast: Cast) -> AgencyCard:
    """The city office."""
    return cast.city
