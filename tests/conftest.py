"""Fixtures of the whole suite: both databases, settings in a temporary folder, and no way to the outer network."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jinja2 import FileSystemBytecodeCache

from kernel.blobs import BlobStore, store_for
from kernel.config import Config
from kernel.db import Database
from kernel.schema import Base
from tests.cast import cast, city  # noqa: F401 - fixtures of the whole suite
from tests.postgres import TestServer

os.environ.setdefault("TZ", "UTC")


def _import_models() -> None:
    from web import rooms

    rooms.load_models()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=["both", "sqlite", "postgresql"], default="both")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--database")
        metafunc.parametrize(
            "database_kind", ["sqlite", "postgresql"] if chosen == "both" else [chosen], scope="session"
        )


# What takes longest or mostly waits begins first, so that no worker is left alone with it at the end.
LONG = (
    "conformance/",
    "browser/test_every_page",
    "docex_mail/test_repeats",
    "web/test_tour",
    "faults/",
    "docex_agent/",
    "browser/",
    "docex_mail/",
    "docex_vxp/",
    "docex_hub/",
    "docex/",
    "web/",
    "meetings/",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        name = item.path.relative_to(here).as_posix()
        return next((number for number, start in enumerate(LONG) if name.startswith(start)), len(LONG))

    items.sort(key=place)


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


@pytest.fixture(scope="session", autouse=True)
def _templates_compiled_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Hundreds of tests make an application of their own; each would compile every page again."""
    compiled = FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": compiled}


@pytest.fixture(scope="session")
def postgres() -> Iterator[TestServer]:
    """A PostgreSQL server that lives as long as the suite."""
    with TestServer() as server:
        yield server


@pytest.fixture(scope="session")
def _sqlite_template() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        _create_schema(f"sqlite:///{path}")
        yield path


@pytest.fixture(scope="session")
def _postgres_suite(postgres: TestServer) -> str:
    """One database with all tables for the whole suite: making one for each test would cost minutes."""
    url = postgres.create("suite")
    _create_schema(url)
    return url


def _create_schema(url: str) -> None:
    _import_models()
    database = Database(url)
    Base.metadata.create_all(database.engine)
    if database.is_sqlite:
        with database.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
    database.close()


@pytest.fixture
def database_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a fresh, empty database with all tables."""
    if database_kind == "sqlite":
        target = tmp_path / "lienthong.db"
        shutil.copy(request.getfixturevalue("_sqlite_template"), target)
        yield f"sqlite:///{target}"
        return
    server: TestServer = request.getfixturevalue("postgres")
    url: str = request.getfixturevalue("_postgres_suite")
    server.empty("suite")
    yield url


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """A fresh database of each kind."""
    database = Database(database_url, pool_size=5)
    yield database
    database.close()


@pytest.fixture
def config(tmp_path: Path, database_url: str) -> Config:
    """Demo settings in a folder of this test."""
    return Config(data_dir=tmp_path, database_url=database_url)


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    """Files of this test on disk."""
    return store_for(Config(data_dir=tmp_path))
