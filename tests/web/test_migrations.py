"""Migrations lead to the models and back, with rows in the tables, on both databases."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from kernel import search
from kernel.clock import now
from kernel.config import Config
from kernel.db import Database
from kernel.refs import Ref
from kernel.schema import Base
from tests.postgres import TestServer
from web import demo, rooms, schema


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
