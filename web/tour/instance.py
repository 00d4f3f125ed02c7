"""A fresh temporary Liên Thông: own folder, own ports, own SMTP sink and Twilio-shaped server, real processes."""

import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import requests

from kernel.config import Config, process_environment
from kernel.db import Database
from notify.sinks.smtp import SmtpSink
from notify.sinks.twilio import TwilioSink
from web import demo, schema

START_S = 90.0
GIVEN_BY_ITSELF = Path("/proc/sys/net/ipv4/ip_local_port_range")
FIRST_PORT = 20_000


class Part(Protocol):
    """A process of an instance."""

    pid: int

    def poll(self) -> int | None:
        """None as long as it lives."""

    def wait(self, timeout: float | None = None) -> int:
        """Return when it has ended."""

    def terminate(self) -> None:
        """Tell it to end."""

    def kill(self) -> None:
        """End it at once."""


class Instance:
    """Everything that a city would run, on loopback. Leaving the block stops it and removes the folder."""

    def __init__(
        self, *, keep: bool = False, database_url: str = "", parts: tuple[str, ...] = ("worker", "web"), **settings: str
    ) -> None:
        self.keep = keep
        self._wanted = parts
        self.folder = Path(tempfile.mkdtemp(prefix="lienthong-tour-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.smtp = SmtpSink(self.folder / "mail.jsonl")
        self.twilio = TwilioSink(self.folder / "sms.jsonl")
        self._database_url = database_url
        self._settings = settings
        self._parts: dict[str, Part] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._set_up()
        except BaseException:
            self.__exit__(None, None, None)  # what is half up must not stay behind
            raise
        return self

    def _set_up(self) -> None:
        self._stack.enter_context(self.smtp)
        self._stack.enter_context(self.twilio)
        self.environment = self._environment()
        self._found(Config.from_env(self.environment))
        for name in self._wanted:
            self.start(name)
        if "web" in self._wanted:
            self.wait_for_web()

    def _found(self, config: Config) -> None:
        schema.upgrade(config)
        demo.seed(config)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in list(self._parts):
            self.stop(name)
        self._stack.close()
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, name: str, **settings: str) -> Part:
        """Start `web` or `worker`; what it says goes to a file in the folder."""
        self._parts[name] = self._launch(name, {**self.environment, **settings}, self.folder / f"{name}.log")
        return self._parts[name]

    def _launch(self, name: str, environment: dict[str, str], log: Path) -> Part:
        with log.open("ab") as file:
            return subprocess.Popen([sys.executable, "-m", "web", name], env=environment, stdout=file, stderr=file)

    def stop(self, name: str) -> None:
        """Tell `web` or `worker` to end, and wait for it."""
        part = self._parts.pop(name)
        part.terminate()
        try:
            part.wait(30)
        except subprocess.TimeoutExpired:
            part.kill()
            part.wait()

    def kill(self, name: str) -> None:
        """End `web` or `worker` as a power failure would."""
        part = self._parts.pop(name)
        part.kill()
        part.wait()

    def revive(self) -> None:
        """Start what has ended by itself."""
        for name, part in list(self._parts.items()):
            if part.poll() is not None:
                self.start(name)

    def process_id(self, name: str) -> int:
        """The process of `web` or `worker`, for whoever looks at what it takes."""
        return self._parts[name].pid

    @contextmanager
    def database(self) -> Iterator[Database]:
        """A look into the database, beside the processes that use it."""
        db = Database(self._database_url or f"sqlite:///{self.folder / 'lienthong.db'}")
        try:
            yield db
        finally:
            db.close()

    def log(self, name: str) -> str:
        """What `web` or `worker` said so far."""
        path = self.folder / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def _environment(self) -> dict[str, str]:
        return process_environment(
            LIENTHONG_MODE="demo",
            LIENTHONG_DATA_DIR=str(self.folder),
            LIENTHONG_DATABASE_URL=self._database_url,
            LIENTHONG_PORT=str(self.port),
            LIENTHONG_BASE_URL=self.url,
            LIENTHONG_SMTP_URL=self.smtp.url,
            LIENTHONG_TWILIO_BASE_URL=self.twilio.url,
            LIENTHONG_TWILIO_ACCOUNT_SID=self.twilio.sid,
            LIENTHONG_TWILIO_AUTH_TOKEN=self.twilio.token,
            LIENTHONG_LEASE_S="5",
            **self._settings,
        )

    def wait_for_web(self) -> None:
        """Return when it answers; RuntimeError with its log when it does not."""
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if self._parts["web"].poll() is not None:
                break
            try:
                requests.get(f"{self.url}/health", timeout=30).raise_for_status()
                return
            except requests.RequestException:
                time.sleep(0.1)
        raise RuntimeError(f"web did not start:\n{self.log('web')[-3000:]}")


def free_port() -> int:
    """A port of this machine that nobody listens on, and that it gives to nobody who asks for any: before the server
    binds it, or while it starts anew, no other server and no outgoing connection can come by it. (Who knocks at a port
    of that kind again and again, while nobody listens, may even be put through to himself.)"""
    for port in _ports_to_try():
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise RuntimeError("no port is free")


def _ports_to_try() -> list[int]:
    """Below those that the machine gives by itself; any, where these begin so low that none is left."""
    first = int(GIVEN_BY_ITSELF.read_text().split()[0]) if GIVEN_BY_ITSELF.exists() else 0
    own = range(FIRST_PORT, first)
    return [*random.SystemRandom().sample(own, min(100, len(own))), 0]
