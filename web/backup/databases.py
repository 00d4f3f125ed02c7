"""Both databases out and in again, without an external program: SQLite by its online backup, PostgreSQL table by table
through COPY in one REPEATABLE READ transaction. Writers go on meanwhile; what they commit later is not in it."""

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from kernel.config import Config
from kernel.db import Database, Tx
from kernel.storage.blobs import PIECE
from web import schema
from web.backup.containers import BackupError, Manifest, Part, Sink, Source

SQLITE = "database/lienthong.db"
_TABLE, _COUNTERS = "database/tables/{}", "database/counters.json"
_VERSION = "alembic_version"
_TABLES = """
SELECT c.relname, array_agg(a.attname ORDER BY a.attnum) FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' GROUP BY c.relname ORDER BY c.relname
"""
_SEQUENCES = """
SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = current_schema() AND last_value IS NOT NULL
"""
_FOREIGN = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'f' AND connamespace = current_schema()::regnamespace
"""


@contextmanager
def dumped(db: Database, sink: Sink, parts: dict[str, Part]) -> Iterator[Tx]:
    """Write the database as it is now; gives a transaction that reads the very same state."""
    with (_sqlite_dumped if db.is_sqlite else _postgres_dumped)(db, sink, parts) as tx:
        yield tx


@contextmanager
def _sqlite_dumped(db: Database, sink: Sink, parts: dict[str, Part]) -> Iterator[Tx]:
    with tempfile.TemporaryDirectory(dir=sink.target.parent) as folder:  # for its owner only
        copy = Path(folder, "lienthong.db")
        source, target = sqlite3.connect(str(db.url.database)), sqlite3.connect(copy)
        try:
            source.backup(target)  # in one step: a single instant, in which writers wait for nothing
            target.execute("PRAGMA journal_mode=DELETE")
            if target.execute("PRAGMA quick_check").fetchall() != [("ok",)]:
                raise BackupError("the database is damaged (PRAGMA integrity_check says more); bring back a backup")
        finally:
            source.close()
            target.close()
        with copy.open("rb") as file:
            parts[SQLITE] = sink.add(SQLITE, file)
        twin = Database(f"sqlite:///{copy}")
        try:
            with twin.read() as tx:
                yield tx
        finally:
            twin.close()


@contextmanager
def _postgres_dumped(db: Database, sink: Sink, parts: dict[str, Part]) -> Iterator[Tx]:
    with db.read() as tx:
        driver: Any = tx.session.connection().connection.driver_connection
        with driver.cursor() as cursor:
            for table, columns in cursor.execute(_TABLES).fetchall():
                if table == _VERSION:
                    continue
                head = json.dumps({"table": table, "columns": columns}).encode() + b"\n"
                with tempfile.TemporaryFile() as file:
                    file.write(head)
                    with cursor.copy(f"COPY {_quoted(table)} ({', '.join(map(_quoted, columns))}) TO STDOUT") as rows:
                        for piece in rows:
                            file.write(piece)
                    file.seek(0)
                    parts[_TABLE.format(table)] = sink.add(_TABLE.format(table), file)
            counters = dict(cursor.execute(_SEQUENCES).fetchall())
        with tempfile.TemporaryFile() as file:
            file.write(json.dumps(counters).encode())
            file.seek(0)
            parts[_COUNTERS] = sink.add(_COUNTERS, file)
        yield tx


def embedded(config: Config) -> Path | None:
    """The file of the embedded database; None when it is PostgreSQL."""
    url = sa.make_url(config.sql_url)
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


def is_empty(config: Config) -> bool:
    """Whether the database has no tables yet."""
    if (place := embedded(config)) is not None and not place.exists():
        return True
    db = Database(config.sql_url)
    try:
        with db.engine.connect() as connection:
            return not sa.inspect(connection).get_table_names()
    finally:
        db.close()


def refuse_other_kind(config: Config, source: Source) -> None:
    """BackupError when the settings name another kind of database than the backup is of."""
    kind, saved = sa.make_url(config.sql_url).get_backend_name(), source.manifest.database
    if saved != kind:
        raise BackupError(f"the backup is of {saved}, the settings name {kind}: see LIENTHONG_DATABASE_URL")


def load(config: Config, source: Source) -> None:
    """Put the database of a backup in the place of the one of the settings, whose rows are gone then."""
    place = embedded(config)
    if place is not None:
        _load_sqlite(place, source)
    else:
        _load_postgres(config, source)


def _load_sqlite(place: Path, source: Source) -> None:
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with source.open(SQLITE) as file, tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as fresh:
        while piece := file.read(PIECE):
            fresh.write(piece)
        fresh.flush()
        os.fsync(fresh.fileno())
    for ending in ("-wal", "-shm"):  # of the one before: they would be played into this one
        place.with_name(place.name + ending).unlink(missing_ok=True)
    Path(fresh.name).replace(place)


def _load_postgres(config: Config, source: Source) -> None:
    db = Database(config.sql_url)
    try:
        with db.engine.begin() as connection:
            for table in sa.inspect(connection).get_table_names():
                connection.exec_driver_sql(f"DROP TABLE {_quoted(table)} CASCADE")
        with db.engine.connect() as connection:
            schema.run(connection, "upgrade", source.manifest.schema)
        with db.engine.begin() as connection:
            driver: Any = connection.connection.driver_connection
            with driver.cursor() as cursor:
                _fill(cursor, source)
    finally:
        db.close()


def _fill(cursor: Any, source: Source) -> None:
    """All rows in one transaction. References between tables are taken away first and proved at the end."""
    foreign = cursor.execute(_FOREIGN).fetchall()
    for table, name, _ in foreign:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {_quoted(name)}")
    for table, _ in cursor.execute(_TABLES).fetchall():
        if table != _VERSION:
            cursor.execute(f"DELETE FROM {_quoted(table)}")  # noqa: S608 - what migrations put in
    for part in source.manifest.parts:
        if part.startswith(_TABLE.format("")):
            with source.open(part) as file:
                _copy_in(cursor, file)
    with source.open(_COUNTERS) as file:
        for name, last in json.load(file).items():
            cursor.execute("SELECT setval(%s::regclass, %s)", (_quoted(name), last))
    for table, name, text in foreign:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {_quoted(name)} {text}")


def _copy_in(cursor: Any, file: IO[bytes]) -> None:
    head = json.loads(file.readline())
    columns = ", ".join(map(_quoted, head["columns"]))
    with cursor.copy(f"COPY {_quoted(head['table'])} ({columns}) FROM STDIN") as rows:
        while piece := file.read(PIECE):
            rows.write(piece)


def begun(db: Database, made_at: str) -> Manifest:
    """The manifest of a backup of this database; BackupError when it was not migrated."""
    with db.engine.connect() as connection:
        found, kind = schema.current(connection), connection.dialect.name
    if found is None:
        raise BackupError("the database has no tables yet; run: lienthong migrate")
    return Manifest(made_at, kind, found)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
