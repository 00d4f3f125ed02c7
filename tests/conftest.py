"""Fixtures of the whole suite: both databases, settings in a temporary folder, and no way to the outer network."""

import gc
import os
import shutil
import socket
import threading
from collections.abc import Generator, Iterator
from datetime import datetime, time, timedelta
from pathlib import Path
from time import sleep
from typing import Any
from zlib import crc32

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, settings
from jinja2 import FileSystemBytecodeCache

from directory import demo
from kernel import clock, words
from kernel.config import Config
from kernel.db import Database
from kernel.schema import Base
from kernel.storage.blobs import BlobStore, store_for
from signing.log import receipts
from tests import founded, kept_keys
from tests.cast import cast, city  # noqa: F401 - fixtures of the whole suite
from tests.forks import instance as forks
from tests.postgres import TestServer

os.environ.setdefault("TZ", "UTC")
# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=20)
settings.register_profile("full", settings.get_profile("house"), max_examples=100)

SELDOM = 50_000
"""New objects before Python looks for garbage, instead of 700: there is memory enough, and each look is also told to
Hypothesis."""
LAST_MOMENTS = timedelta(seconds=60)


def _import_models() -> None:
    from web import rooms

    rooms.load_models()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="long tests and all examples; SQLite for half of the tests")
    parser.addoption("--database", choices=["both", "sqlite", "postgresql"], help="instead of what the lane takes")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("full" if config.getoption("--full") else "house")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" in metafunc.fixturenames:
        metafunc.parametrize("database_kind", _databases_for(metafunc), scope="session")


def _databases_for(metafunc: pytest.Metafunc) -> list[str]:
    """PostgreSQL, as in production, and SQLite besides where the databases differ. The full lane takes the others in
    turns, so that about half of what the default lane tries on PostgreSQL is tried on SQLite, too."""
    definition, config = metafunc.definition, metafunc.config
    asked = config.getoption("--database")
    only = definition.get_closest_marker("one_database")
    if only and asked in (None, "both", only.args[0]):
        return [only.args[0]]
    if asked == "both" or (asked is None and definition.get_closest_marker("both_databases")):
        return ["sqlite", "postgresql"]
    if asked is None and config.getoption("--full"):
        return [("sqlite", "postgresql")[crc32(definition.nodeid.encode()) % 2]]
    return [asked or "postgresql"]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Thousands of tests and everything they import stay to the end: who looks through them for garbage, while they are
    made or later, looks in vain."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(SELDOM)
        gc.enable()


# What takes longest or mostly waits begins first, so that no worker is left alone with it at the end.
LONG = (
    "browser/pages/",
    "browser/",
    "web/test_tour",
    "docex/agent/",
    "rules/",
    "conformance/",
    "docex/mail/test_repeats",
    "faults/",
    "docex/mail/",
    "docex/vxp/",
    "docex/hub/",
    "docex/intake/",
    "docex/recalls/",
    "docex/documents/",
    "web/",
    "meetings/",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        name = item.path.relative_to(here).as_posix()
        return next((number for number, start in enumerate(LONG) if name.startswith(start)), len(LONG))

    items.sort(key=place)
    left_out = [] if config.getoption("--full") else [item for item in items if item.get_closest_marker("long_proof")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("long_proof")]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Only the process that hands tests out asks."""
    from tests.groups import Groups

    return Groups(config, log)


@pytest.fixture(scope="session")
def full(pytestconfig: pytest.Config) -> bool:
    """Whether the whole proof is asked for: a test that takes a sample in the default lane takes everything then."""
    return bool(pytestconfig.getoption("--full"))


@pytest.fixture(scope="session", autouse=True)
def _no_outer_network() -> Iterator[None]:
    """A test that reaches for another machine fails at once and says where it wanted to go."""
    connect = socket.socket.connect

    def only_here(self: socket.socket, address: Any) -> Any:
        host = address[0] if isinstance(address, tuple) else ""
        if host not in {"", "127.0.0.1", "::1", "localhost"}:
            raise OSError(f"a test wanted to reach {address}")
        return connect(self, address)

    socket.socket.connect = only_here  # type: ignore[method-assign,assignment]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def _one_day() -> None:
    """A test that writes on one day and asks for today's on the next finds nothing: who would begin in the last moments
    of a day in Vietnam begins in the first ones of the next."""
    now = datetime.now(clock.VN)
    left = datetime.combine(now.date() + timedelta(days=1), time(), clock.VN) - now
    if left < LAST_MOMENTS:
        sleep(left.total_seconds() + 0.1)


@pytest.fixture(scope="session")
def _of_all_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of one run share."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session", autouse=True)
def _templates_compiled_once(_of_all_workers: Path) -> None:
    """Hundreds of tests make an application of their own; each would compile every page again. The workers of one run
    share what one of them has compiled."""
    folder = _of_all_workers / "templates"
    folder.mkdir(exist_ok=True)
    compiled = FileSystemBytecodeCache(str(folder))
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": compiled}


@pytest.fixture(scope="session", autouse=True)
def _one_server_of_forks_and_one_city(_of_all_workers: Path) -> None:
    for variable, name in ((forks.FOLDER, "forks"), (founded.FOLDER, "founded")):
        folder = _of_all_workers / name
        folder.mkdir(exist_ok=True)
        os.environ[variable] = str(folder)


@pytest.fixture(scope="session", autouse=True)
def _keys_made_once(_of_all_workers: Path) -> Iterator[None]:
    folder = _of_all_workers / "keys"
    folder.mkdir(exist_ok=True)
    with kept_keys.kept(folder):
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[TestServer]:
    """A PostgreSQL server that lives as long as the suite."""
    with TestServer() as server:
        yield server


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "empty.db"
    _create_schema(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _sqlite_city(_sqlite_template: Path) -> Path:
    """The template with the demo city in it: copying costs a tenth of founding."""
    path = _sqlite_template.with_name("city.db")
    shutil.copy(_sqlite_template, path)
    _found_city(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _postgres_suite(postgres: TestServer) -> str:
    """One database with all tables for the whole suite, and the rows of the demo city kept in it: making a database for
    each test would cost minutes."""
    url = postgres.create("suite")
    _create_schema(url)
    _found_city(url)
    postgres.keep("suite")
    return url


def _create_schema(url: str) -> None:
    _import_models()
    database = Database(url)
    Base.metadata.create_all(database.engine)
    _settle(database)


def _found_city(url: str) -> None:
    database = Database(url)
    with database.write() as tx:
        demo.seed(tx)
    _settle(database)


def _settle(database: Database) -> None:
    """Close it, with everything in the one file that is copied."""
    if database.is_sqlite:
        with database.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
    database.close()


@pytest.fixture(scope="session")
def _sqlite_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("database")


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest) -> str:
    """The URL of a fresh database with all tables: empty, or with the demo city where the test asks for its cast."""
    peopled = "cast" in request.fixturenames
    if database_kind == "sqlite":
        target: Path = request.getfixturevalue("_sqlite_folder") / f"lienthong-{len(_deserted)}.db"
        for old in (target, *(target.with_name(f"{target.name}-{end}") for end in ("wal", "shm"))):
            old.unlink(missing_ok=True)
        shutil.copy(request.getfixturevalue("_sqlite_city" if peopled else "_sqlite_template"), target)
        return f"sqlite:///{target}"
    server: TestServer = request.getfixturevalue("postgres")
    url: str = request.getfixturevalue("_postgres_suite")
    known = _databases.get(url)
    living = server.empty("suite", bring_back=peopled, spared=_pool_name())
    if known and living != known.engine.pool.checkedin():  # type: ignore[attr-defined]
        known.close()  # the test before killed the server, or some of them
    return url


_databases: dict[str, Database] = {}
_deserted: list[Database] = []
"""With which threads still work that a test left behind: no later test is given their file."""


def _pool_name() -> str:
    """What PostgreSQL knows the pool's connections by, which the tests hand on to each other."""
    return f"pool {len(_deserted)}"


def _opened(url: str) -> Database:
    database, name = Database(url, pool_size=10), _pool_name()
    if not database.is_sqlite:

        @sa.event.listens_for(database.engine, "connect")
        def tell_name(connection: Any, _record: Any) -> None:
            connection.execute(f"SET application_name = '{name}'")
            connection.commit()

    return database


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """A fresh database of each kind, seen through the engine of the tests before: a new one would compile every
    statement again, which takes longer than most tests. Connections to PostgreSQL stay open, too: a new one costs its
    server as much as a small test."""
    for seen in (words._seen, receipts._seen):
        seen.clear()  # its rows are gone
    if database_url not in _databases:
        _databases[database_url] = _opened(database_url)
    database, threads = _databases[database_url], set(threading.enumerate())
    yield database
    deserted = not threads.issuperset(threading.enumerate()) or database.engine.pool.checkedout()  # type: ignore[attr-defined]
    if deserted:
        _deserted.append(_databases.pop(database_url))
    database.after_commit.clear()
    database.blobs = None
    if deserted or database.is_sqlite:
        database.close()


@pytest.fixture
def config(tmp_path: Path, database_url: str) -> Config:
    """Demo settings in a folder of this test."""
    return Config(data_dir=tmp_path, database_url=database_url)


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    """Files of this test on disk."""
    return store_for(Config(data_dir=tmp_path))
