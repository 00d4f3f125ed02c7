"""Migrations lead to the models and back, with rows in the tables, on both databases."""

import uuid
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from directory.models import Agency, ApiClient
from docex.documents.models import Delivery, Dispatch, Incoming, StatusLog
from docex.edxml.progress import Progress
from docex.exchange.vxp.models import VxpAck, VxpSystem
from kernel import search, streams
from kernel.clock import now
from kernel.config import Config
from kernel.db import Database, Tx
from kernel.refs import Ref
from kernel.schema import Base
from kernel.search import Place
from kernel.words import SearchWord
from tests.postgres import TestServer
from web import demo, rooms, schema

pytestmark = pytest.mark.both_databases


@pytest.fixture
def empty(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Config:
    """Settings of a database without any table."""
    if database_kind == "sqlite":
        return Config(data_dir=tmp_path)
    server: TestServer = request.getfixturevalue("postgres")
    return Config(data_dir=tmp_path, database_url=server.create(server.fresh_name()))


def differences(config: Config) -> list[object]:
    rooms.load_models()
    db = Database(config.sql_url)
    with db.engine.connect() as connection:
        options = {
            "compare_type": True,
            "include_object": lambda _t, name, *_: not (name or "").startswith(("search_fts", "ix_search_text_folded")),
        }
        found = compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)
    db.close()
    return list(found)


def test_the_migrated_schema_equals_the_models(empty: Config) -> None:
    schema.upgrade(empty)
    assert differences(empty) == []
    assert "up to date" in schema.upgrade(empty)


@pytest.mark.long_proof
def test_only_a_restored_database_makes_browsers_start_anew(empty: Config) -> None:
    def epoch() -> int:
        db = Database(empty.sql_url)
        with db.read() as tx:
            found = streams.epoch(tx)
        db.close()
        return found

    schema.upgrade(empty)
    first = epoch()
    schema.upgrade(empty)
    assert epoch() == first > 0
    schema.upgrade(empty, restored=True)
    assert epoch() != first


def test_it_goes_down_and_up_again_with_the_demo_city_in_it(empty: Config) -> None:
    schema.upgrade(empty)
    demo.seed(empty)
    db = Database(empty.sql_url)
    with db.write() as tx:
        search.put(tx, "agency:1", Ref("document", 1), now(), "đào tạo cán bộ")
    with db.engine.connect() as connection:
        schema.run(connection, "downgrade", "base")
        assert set(sa.inspect(connection).get_table_names()) <= {"alembic_version"}
        connection.commit()
    db.close()
    schema.upgrade(empty)
    assert differences(empty) == []
    assert "lan@mau.example" in demo.seed(empty)


@pytest.mark.long_proof
def test_what_was_findable_stays_findable(empty: Config) -> None:
    db = Database(empty.sql_url)
    old = {
        "scope": "agency:1",
        "kind": "document",
        "thing": 7,
        "original": "đào tạo cán bộ",
        "folded": "dao tao can bo",
    }
    with db.engine.connect() as connection:
        schema.run(connection, "upgrade", "0001")
        connection.execute(
            sa.text(
                "INSERT INTO search_text (scope, kind, thing_id, at, original, folded)"
                " VALUES (:scope, :kind, :thing, :at, :original, :folded)"
            ),
            {**old, "at": now().replace(tzinfo=None).isoformat(" ")},
        )
        connection.commit()
    schema.upgrade(empty)
    with db.read() as tx:
        (hit,) = search.find(tx, "đào tạo", [search.Place("agency:1", "document")])
        assert hit.ref == Ref("document", 7)
        assert search.find(tx, "đào tạo", [search.Place("agency:2", "document")]) == []
    db.close()


@pytest.mark.long_proof
def test_the_beginnings_of_words_from_before_are_known(empty: Config) -> None:
    schema.upgrade(empty)
    db = Database(empty.sql_url)
    with db.write() as tx:
        search.put(tx, "agency:1", Ref("document", 1), now(), "Tuyển dụng viên chức thế kỷ XXI")
    with db.engine.connect() as connection:
        wanted = set(connection.scalars(sa.select(SearchWord.word)))
        schema.run(connection, "downgrade", "0011")
        connection.commit()
        schema.run(connection, "upgrade", "head")
        connection.commit()
        assert set(connection.scalars(sa.select(SearchWord.word))) == wanted
    with db.read() as tx:
        assert search.find(tx, "tuyển dụ", [Place("agency:1", "document")], beginning=True)
    db.close()
    assert {"tuyen", "dung", "xxi", "zztuye0209n"} <= wanted
    assert not any("agency1" in word for word in wanted)


@pytest.mark.long_proof
def test_what_waited_for_systems_before_still_waits(empty: Config) -> None:
    schema.upgrade(empty)
    db = Database(empty.sql_url)
    at = now()
    with db.write() as tx:
        top, city = (Agency(code=code, name=code) for code in ("H01", "H02"))
        tx.session.add_all((top, city))
        tx.session.flush()
        ward = Agency(code="H02.1", name="H02.1", parent_id=city.id)
        client, revoked = (ApiClient(agency_id=city.id, client_id=n, name=n, scopes=[], created_at=at) for n in "ab")
        revoked.revoked_at = at
        tx.session.add_all((ward, client, revoked))
        tx.session.flush()
        for one in (client, revoked):
            system = VxpSystem(client_id=one.id, system_id=one.name, covers_below=True, sealed_secret="", created_at=at)
            tx.session.add(system)
        here = a_delivery(tx, top, ward, Progress.ARRIVED, at)
        a_delivery(tx, top, ward, Progress.SUBMITTED, at)  # found without a line
        a_delivery(tx, top, ward, Progress.ARRIVED, at - timedelta(days=1))  # before there was a system
        fetched = a_delivery(tx, top, ward, Progress.ARRIVED, at)
        tx.session.add(VxpAck(client_id=client.id, kind="edoc", ref_id=fetched.id, status="done", at=at))
        told = said(tx, a_delivery(tx, ward, top, Progress.REGISTERED, at), "03", at)
        asked_back = said(tx, here, "13", at)
        said(tx, here, "03", at)  # is told to its sender
        said(tx, here, "available", at)
        waits = {("edoc", here.id), ("status", told.id), ("status", asked_back.id)}
        expected = {(client.id, kind, number, "sent") for kind, number in waits}
        expected.add((client.id, "edoc", fetched.id, "done"))
    down_and_up(db)
    with db.read() as tx:
        lines = sa.select(VxpAck.client_id, VxpAck.kind, VxpAck.ref_id, VxpAck.status)
        assert {tuple(line) for line in tx.session.execute(lines)} == expected
    db.close()


def a_delivery(tx: Tx, sender: Agency, receiver: Agency, progress: Progress, at: datetime) -> Delivery:
    """A document at its receiver."""
    name = uuid.uuid4().hex
    sent = Dispatch(channel="x", message_id=name, document_key=name, sender_id=sender.id, sha256="", size=1)
    sent.facts, sent.notes, sent.answer, sent.submitted_at = {}, [], {}, at
    tx.session.add(sent)
    tx.session.flush()
    row = Delivery(dispatch_id=sent.id, agency_id=receiver.id, progress=progress, changed_at=at)
    tx.session.add(row)
    tx.session.flush()
    return row


def said(tx: Tx, delivery: Delivery, code: str, at: datetime) -> StatusLog:
    """A line about it."""
    line = StatusLog(delivery_id=delivery.id, code=code, by="client:1", counted=True, at=at)
    tx.session.add(line)
    tx.session.flush()
    return line


def down_and_up(db: Database) -> None:
    """Back to before there were lines, and again."""
    with db.engine.connect() as connection:
        schema.run(connection, "downgrade", "0012")
        connection.commit()
        schema.run(connection, "upgrade", "head")
        connection.commit()


@pytest.mark.long_proof
def test_when_a_document_was_finished_is_what_its_sender_was_told(empty: Config) -> None:
    schema.upgrade(empty)
    db = Database(empty.sql_url)
    at = now()
    told_at = at - timedelta(days=5)
    with db.write() as tx:
        top, city = (Agency(code=code, name=code) for code in ("H01", "H02"))
        tx.session.add_all((top, city))
        tx.session.flush()
        copies = []
        for state, code in (("done", "06"), ("done", "05"), ("working", "05")):
            delivery = a_delivery(tx, top, city, Progress.WORKING, told_at)
            said(tx, delivery, code, told_at)
            copies.append(a_copy(delivery, top, state, at))
        tx.session.add_all(copies)
        tx.session.flush()
        numbers = [copy.id for copy in copies]
    down_and_up(db)
    with db.read() as tx:
        found = {copy.id: copy.finished_at for copy in tx.session.scalars(sa.select(Incoming))}
        assert found == dict(zip(numbers, (told_at, at, None), strict=True))
    db.close()


def a_copy(delivery: Delivery, sender: Agency, state: str, changed_at: datetime) -> Incoming:
    """It in the inbox."""
    return Incoming(
        agency_id=delivery.agency_id,
        dispatch_id=delivery.dispatch_id,
        delivery_id=delivery.id,
        state=state,
        sender_id=sender.id,
        sender_name=sender.name,
        code="1/VP",
        kind_name="Công văn",
        subject="Về việc báo cáo",
        urgency=0,
        arrived_at=delivery.changed_at,
        changed_at=changed_at,
    )
