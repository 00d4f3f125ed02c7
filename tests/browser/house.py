"""A whole Liên Thông for browser tests: the real web process on a real port, the demo city in a fresh SQLite."""

import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from playwright._impl._api_structures import SetCookieParam as Cookie

from directory import signin
from directory.attempts import Limits
from directory.demo import PASSWORD, email_of
from directory.models import Person
from kernel.config import Config
from kernel.db import Database
from tests import founded
from tests.forks import instance as forks
from web.tour.instance import free_port

TIMEOUT_S = 90


@dataclass(frozen=True)
class House:
    """Where it answers, and its database for looking and publishing."""

    url: str
    config: Config
    db: Database
    process: "Process"


@dataclass
class Process:
    """The web process, which a test may kill and start again on the same port."""

    environment: dict[str, str]
    log: Path
    url: str
    child: forks.Forked | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        self.child = forks.start("web", self.environment, self.log)
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(self.url + "/health", timeout=30):
                    return
            except (urllib.error.URLError, OSError):
                if self.child.poll() is not None:
                    break
                time.sleep(0.1)
        raise AssertionError(f"the web process did not start: {self.log.read_text()[-3000:]}")

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.child is not None:
            self.child.kill()
            self.child.wait()
            self.child = None


@contextmanager
def running_house(folder: Path) -> Iterator[House]:
    """Migrate, seed, serve; everything goes with the test."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    config = Config(data_dir=folder, base_url=url, port=port)
    founded.found(config)
    settings = {"DATA_DIR": str(folder), "BASE_URL": url, "PORT": str(port), "MODE": "demo", "SIGN_IN_TRIES": "1000"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LIENTHONG_")}
    environment |= {f"LIENTHONG_{name}": value for name, value in settings.items()}
    process = Process(environment, folder / "web.log", url)
    db = Database(config.sql_url)
    try:
        process.start()
        yield House(url, config, db, process)
    finally:
        process.kill()
        db.close()


def signed_in(house: House, mailbox: str) -> tuple[int, Cookie]:
    """A session of somebody of the demo city: their id and the cookie that a browser would hold."""
    with house.db.write() as tx:
        person = tx.session.scalars(sa.select(Person).where(Person.email == email_of(mailbox))).one()
        visit = signin.Visit(address="127.0.0.1", browser="Chromium", hours=1, limits=Limits(tries=10))
        entered = signin.enter(tx, person, visit)
        return person.id, Cookie(name=signin.COOKIE, value=entered.token, url=house.url)


def credentials(mailbox: str) -> tuple[str, str]:
    """What somebody of the demo city types to sign in."""
    return email_of(mailbox), PASSWORD
