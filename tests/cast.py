"""The same people in every test: Hà and Bình of the city office, Lan of another agency, and those around them.

tests/conftest.py lists this module in `pytest_plugins`.
"""

from dataclasses import dataclass
from typing import Any, Self

import pytest
import sqlalchemy as sa

from directory import demo, queries
from directory.actor import Actor
from directory.queries import AgencyCard
from kernel.db import Database, Tx
from kernel.schema import Base


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


@dataclass(frozen=True)
class Founding:
    """What founding the demo city writes. Kept once a process: writing it again takes a tenth of founding anew."""

    cast: Cast
    rows: dict[sa.Table, list[dict[str, Any]]]
    counters: dict[str, int]  # PostgreSQL's sequences and where they stand

    @classmethod
    def in_(cls, db: Database) -> Self:
        """Found the city in `db`, and remember how."""
        with db.write() as tx:
            demo.seed(tx)
        with db.read() as tx:
            tables = {table: tx.session.execute(sa.select(table)).mappings() for table in Base.metadata.sorted_tables}
            rows = {table: [dict(row) for row in found] for table, found in tables.items()}
            counters = [] if db.is_sqlite else tx.session.execute(_COUNTERS).all()
            return cls(meet(tx), {table: found for table, found in rows.items() if found}, dict(map(tuple, counters)))

    def again(self, db: Database) -> None:
        """Write it into another empty database of the same kind."""
        with db.engine.begin() as connection:
            for table, rows in self.rows.items():
                connection.execute(sa.insert(table), rows)
            for counter, value in self.counters.items():
                connection.execute(sa.select(sa.func.setval(counter, value)))


_COUNTERS = sa.text("SELECT quote_ident(sequencename), last_value FROM pg_sequences WHERE last_value IS NOT NULL")
_foundings: dict[bool, Founding] = {}


@pytest.fixture
def cast(db: Database) -> Cast:
    """The demo city, founded in `db`, and its people."""
    founding = _foundings.get(db.is_sqlite)
    if founding:
        founding.again(db)
    else:
        founding = _foundings[db.is_sqlite] = Founding.in_(db)
    return founding.cast


@pytest.fixture
def city(cast: Cast) -> AgencyCard:
    """The city office."""
    return cast.city
