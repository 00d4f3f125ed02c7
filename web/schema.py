"""Bringing a database to the newest schema."""

import io
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from kernel import streams
from kernel.config import Config
from kernel.db import Database, Tx

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
_LOCK = 741_203_551  # any number, the same for all who migrate


def upgrade(config: Config, *, restored: bool = False) -> str:
    """Apply what is missing; several processes may call it at once. Answers what was done, in one line.

    `restored` says that the database is a backup: what browsers and screens counted before is worth nothing, and they
    take a fresh snapshot.
    """
    if not config.database_url:
        config.own_data_dir()
    db = Database(config.sql_url)
    try:
        with db.engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_lock(_LOCK)))
                connection.commit()
            before = current(connection)
            if before != newest():
                run(connection, "upgrade", "head")
        if before is None or restored:
            with db.write() as tx:
                streams.renew_epoch(tx)
        if before == newest():
            return f"database schema is up to date ({before})"
        return f"database schema: {before or 'empty'} → {newest()}"
    finally:
        db.close()


def run(connection: sa.Connection, direction: str, revision: str) -> None:
    """Run Alembic's `upgrade` or `downgrade` to `revision` on an open connection, and commit."""
    settings = AlembicConfig(stdout=io.StringIO())
    settings.set_main_option("script_location", str(MIGRATIONS))
    settings.attributes["connection"] = connection
    getattr(command, direction)(settings, revision)
    connection.commit()


def current(connection: sa.Connection) -> str | None:
    """The revision that the database is at; None when it is empty."""
    found = MigrationContext.configure(connection).get_current_revision()
    connection.commit()
    return found


def trouble(config: Config) -> str | None:
    """In one line what is wrong with the database and what to do; None when it answers and has the newest schema."""
    db = Database(config.sql_url)
    try:
        with db.engine.connect() as connection:
            found = current(connection)
    except sa.exc.SQLAlchemyError as error:
        why = str(getattr(error, "orig", error)).strip().splitlines()[0]
        return f"the database does not answer ({why}); see LIENTHONG_DATABASE_URL, or run: lienthong migrate"
    finally:
        db.close()
    if found == newest():
        return None
    what = f"schema {found}, this release needs {newest()}" if found else "no tables yet"
    return f"the database has {what}; run: lienthong migrate"


def current_of(tx: Tx) -> str | None:
    """The revision that the database is at, as a transaction sees it; None when it is empty."""
    return MigrationContext.configure(tx.session.connection()).get_current_revision()


@cache
def newest() -> str:
    """The newest revision that this code has."""
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(MIGRATIONS))
    head = ScriptDirectory.from_config(settings).get_current_head()
    assert head is not None
    return head
