"""A look at a system's list costs what waits in it, however much was said and fetched before."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import sqlalchemy as sa

from directory.actor import Actor
from docex.documents.delivery.statuses import report_status
from docex.documents.models import Delivery, Dispatch, StatusLog
from docex.edxml.codes import StatusCode
from docex.edxml.progress import Progress
from docex.exchange.vxp import message_list
from docex.exchange.vxp.client import VxpClient
from docex.exchange.vxp.models import EDOC, STATUS, VxpAck, VxpSystem
from docex.exchange.vxp.systems import System
from kernel import clock
from kernel.db import Database, Tx
from tests.docex.office import Office
from tests.docex.vxp.conftest import ABROAD
from tests.docex.vxp.letters import a_letter, organ
from tests.docex.vxp.test_exchange import FRIEND

Made = Callable[[int], VxpClient]
OLD = 4_000
SAID = 5
_READ = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
FEW = 2_000
"""Rows on PostgreSQL, steps of the machine on SQLite: far less than reading what is old."""


def cost(db: Database, work: Callable[[Tx], Any]) -> int:
    """How many rows the statements of `work` read, or how many steps they took."""
    with db.read() as tx:
        connection = tx.session.connection()
        return _steps(connection, tx, work) if db.is_sqlite else _rows_read(connection, tx, work)


def _steps(connection: sa.Connection, tx: Tx, work: Callable[[Tx], Any]) -> int:
    taken = 0

    def step() -> int:
        nonlocal taken
        taken += 1
        return 0

    raw: Any = connection.connection.dbapi_connection
    raw.set_progress_handler(step, 1)
    try:
        work(tx)
    finally:
        raw.set_progress_handler(None, 0)
    return taken


def _rows_read(connection: sa.Connection, tx: Tx, work: Callable[[Tx], Any]) -> int:
    for way in ("seqscan", "hashjoin", "mergejoin"):  # tables as small as these may be read whole; must they be?
        connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    sa.event.listen(connection, "before_cursor_execute", note)
    work(tx)
    sa.event.remove(connection, "before_cursor_execute", note)
    plans = [
        connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar_one()
        for statement, parameters in asked
    ]
    return sum(_scanned(plan[0]["Plan"]) for plan in plans)


def _scanned(node: dict[str, Any]) -> int:
    own = 0
    if "Scan" in node["Node Type"]:
        rows = sum(node.get(name, 0) for name in _READ)
        own = round(rows * node["Actual Loops"])
    return own + sum(_scanned(below) for below in node.get("Plans", ()))


def put(tx: Tx, table: Any, rows: Iterable[dict[str, Any]]) -> list[int]:
    """Rows of long ago. Answers their ids."""
    return list(tx.session.scalars(sa.insert(table).returning(table.id), list(rows)))


def long_ago(office: Office, sender_id: int, receiver_id: int, client_id: int, kind: str) -> None:
    """Documents that reached their receiver, with what was said of them, and a system that has acknowledged one or the
    other."""
    now = clock.now()
    with office.db.write() as tx:
        envelope = {"channel": f"old:{kind}", "document_key": "", "sender_id": sender_id, "sha256": "", "size": 1}
        more = {"facts": {}, "notes": [], "answer": {}, "submitted_at": now}
        dispatches = put(tx, Dispatch, ({**envelope, **more, "message_id": str(n)} for n in range(OLD)))
        arrived = {"agency_id": receiver_id, "progress": Progress.DONE, "changed_at": now}
        deliveries = put(tx, Delivery, ({**arrived, "dispatch_id": number} for number in dispatches))
        said = {"code": "05", "by": "client:1", "counted": False, "at": now}
        lines = put(tx, StatusLog, ({**said, "delivery_id": d} for d in deliveries for _ in range(SAID)))
        taken = {"client_id": client_id, "kind": kind, "status": "done", "at": now}
        numbers = deliveries if kind == EDOC else lines
        tx.session.execute(sa.insert(VxpAck), [{**taken, "ref_id": number} for number in numbers])
        if not office.db.is_sqlite:
            tx.session.execute(sa.text("ANALYZE"))


@pytest.mark.long_proof
def test_what_was_acknowledged_is_not_read_again(office: Office, abroad: int, system: Made) -> None:
    friend = system(abroad)
    with office.db.read() as tx:
        known = tx.session.scalars(sa.select(VxpSystem)).one()
    city = office.cast.city.id
    long_ago(office, city, abroad, known.client_id, EDOC)
    long_ago(office, abroad, city, known.client_id, STATUS)
    friend.send(a_letter(FRIEND, organ(office.cast.city)), ABROAD)
    office.on_its_way(recipients=(abroad,))
    me = System(
        Actor(kind="client", client_id=known.client_id, agency_id=abroad, name=""),
        known.created_at,
        {},
        frozenset({abroad}),
    )
    for kind in (EDOC, STATUS):
        with office.db.read() as tx:
            assert len(message_list.received(tx, me, kind)) == message_list.count(tx, me, kind) == 1
        assert cost(office.db, lambda tx, kind=kind: message_list.received(tx, me, kind)) < FEW  # type: ignore[misc]
        assert cost(office.db, lambda tx, kind=kind: message_list.count(tx, me, kind)) < FEW  # type: ignore[misc]


@pytest.mark.one_database("postgresql")  # SQLite has one writer at a time
def test_a_status_that_is_committed_late_is_not_passed_over(office: Office, abroad: int, system: Made) -> None:
    friend = system(abroad)
    friend.send(a_letter(FRIEND, organ(office.cast.city), organ(office.cast.finance)), ABROAD)
    with office.db.read() as tx:
        first, second = tx.session.scalars(sa.select(Delivery.id).order_by(Delivery.id))
    with office.db.write("one") as slow:
        report_status(slow, slow.session.get_one(Delivery, first), StatusCode.ARRIVED)
        with office.db.write("other") as quick:
            report_status(quick, quick.session.get_one(Delivery, second), StatusCode.ARRIVED)
        (line,) = friend.received("status")
        friend.update_status(line.doc_id, "done")
        assert friend.received("status") == []
    (late,) = friend.received("status")
    assert late.doc_id < line.doc_id


def test_what_another_reader_has_fetched_stands_in_the_list_until_it_is_acknowledged(
    office: Office, system: Made
) -> None:
    """The pages of an agency and its system get the same documents."""
    own = system(office.cast.finance.id)
    office.on_its_way()
    (incoming,) = office.incoming(office.cast.lan)
    office.register(office.cast.lan, incoming.id)
    (line,) = own.received("edoc")
    own.update_status(line.doc_id, "fail")
    assert (own.count("edoc"), own.received("edoc")) == (1, [line])
    own.update_status(line.doc_id, "done")
    assert (own.count("edoc"), own.received("edoc")) == (0, [])
