"""Ids that no column holds, and names that are no ids, on every stream and every way in: nobody's, and no error."""

from typing import Any

import pytest

from directory.actor import Actor
from kernel import refs, streams
from kernel.db import Database
from tests.cast import Cast

pytestmark = pytest.mark.both_databases

NUMBERS = ["9" * 18, str(2**63 - 1), str(2**63), "9" * 19, "1" * 20, "1" * 23, "9" * 5000, "-1", "0", "+1", "１２",
           "²", "1_0", " 1", "1 ", "1\0", "0x1", "1e5", "", "1/desk", str(2**63) + "/desk",
           "1" * 23 + "/clerks"]  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS)
def test_no_number_of_a_stream_is_an_error(db: Database, cast: Cast, number: str) -> None:
    wall: Any = Actor(kind="wall")
    with db.read() as tx:
        for prefix in sorted(streams.guards):
            for actor in (cast.lan, cast.admin, wall):
                streams.may_join(tx, actor, f"{prefix}:{number}")
        for actor in (cast.lan, wall):
            if not number.startswith(("1/", "1", "0")) or len(number) > 18:
                assert not any(streams.may_join(tx, actor, f"{p}:{number}") for p in streams.guards)
        assert tx.session.connection().exec_driver_sql("select 1").scalar() == 1  # the transaction still works


@pytest.mark.parametrize("number", NUMBERS)
def test_an_id_is_what_a_column_holds(number: str) -> None:
    found = refs.row_id(number)
    assert found == (int(number) if number in {"9" * 18, str(2**63 - 1), "0"} else None)
