"""The worker dies by SIGKILL at every marked point around a send. The receivers' own logs are the judge: nothing is
lost without a word, no SMS is doubled, and a mail comes again only under the same Message-ID and with the declaration.

An SMS whose worker died between the trace of its try and the call may have left for all that anybody can know: it is
asked about for an hour, not sent again, and then shown as unknown."""

import re
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from directory import demo
from kernel import clock
from kernel.config import Config
from kernel.db import Database
from kernel.outbox import OPEN_STATES, OutboxAttempt, OutboxRow
from kernel.schema import Base
from notify.models import Message
from notify.sinks.smtp import SmtpSink
from notify.sinks.twilio import TwilioSink
from tasks import giving
from tasks.giving import GiveTask, Lead
from tasks.models import Priority, ReminderState, TaskEntry, TaskReminder
from tests.cast import meet
from tests.faults.workers import KILLED, armed, run_until, shorten_leases
from tests.postgres import TestServer
from web import rooms

ROOT = Path(__file__).resolve().parents[2]
POINTS = (
    "worker.claimed",
    "worker.attempt_committed",
    "notify.preparing",
    "sms.sending",
    "sms.accepted",
    "sms.answered",
    "mail.connected",
    "mail.sent",
    "worker.performed",
    "notify.concluding",
    "worker.concluded",
    "tasks.reminding",
    "tx.before_commit",
    "tx.after_commit",
)
BEFORE_THE_CALL = ("worker.attempt_committed", "sms.sending")
KILLS = 2
"""At each point; in the default lane the worker dies once, so that no second try is killed."""
DIED = (KILLED, 255)  # 255: multiprocessing lost the status of a process that did not end by itself
STOPPED = (0, -signal.SIGTERM)  # told to stop before it had said how it wants to be told
REMINDER = "unreceived-1"


def test_every_marked_point_of_these_rooms_is_tried() -> None:
    marked = set()
    for room in ("kernel", "notify", "tasks"):
        for path in (ROOT / room).rglob("*.py"):
            marked |= set(re.findall(r'faults\.point\("([a-z_.]+)"\)', path.read_text()))
    assert marked == set(POINTS)


@dataclass(frozen=True)
class Run:
    """One database with its own receivers."""

    config: Config
    db: Database
    mail: SmtpSink
    sms: TwilioSink

    def all_done(self) -> bool:
        """Whether every message has left or is unknown, and no reminder that is due is left. A message that waits for
        its next try has not left."""
        still = sa.or_(
            OutboxRow.topic.in_(["notify.email", "notify.sms"]),
            sa.and_(OutboxRow.topic == "tasks.remind", OutboxRow.due_at <= clock.now()),
        )
        open_rows = sa.select(OutboxRow.id).where(OutboxRow.state.in_(OPEN_STATES), still)
        with self.db.read() as tx:
            return tx.session.execute(open_rows.limit(1)).first() is None


@pytest.fixture
def seeded(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """A database with the demo city for each point."""
    if database_kind == "sqlite":
        source = tmp_path / "seeded.db"
        _seed(f"sqlite:///{source}")
        copies = [tmp_path / f"{number}.db" for number in range(len(POINTS))]
        for copy in copies:
            shutil.copy(source, copy)
        yield [f"sqlite:///{copy}" for copy in copies]
        return
    server: TestServer = request.getfixturevalue("postgres")
    source_name = server.fresh_name()
    _seed(server.create(source_name))
    names = [server.fresh_name() for _ in POINTS]
    yield [server.create(name, template=source_name) for name in names]
    for name in (*names, source_name):
        server.drop(name)


def _seed(url: str) -> None:
    rooms.load_models()
    database = Database(url)
    Base.metadata.create_all(database.engine)
    with database.write() as tx:
        demo.seed(tx)
    if database.is_sqlite:
        connection = database.engine.raw_connection()
        connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
        connection.close()
    database.close()


@pytest.mark.long_proof  # the tour kills three workers around a send
@pytest.mark.timeout(600)  # forty workers in turn, each with a lease to wait for: long on a busy machine
@pytest.mark.repeats("notify.email", "notify.sms", "tasks.remind")
def test_nothing_is_lost_and_nothing_is_doubled(seeded: list[str], tmp_path: Path, full: bool) -> None:
    kills = KILLS if full else 1
    homes = [tmp_path / point for point in POINTS]
    with ThreadPoolExecutor(len(POINTS)) as pool:
        found = dict(zip(POINTS, pool.map(partial(_check, kills), POINTS, seeded, homes), strict=True))
    assert {point: wrong for point, wrong in found.items() if wrong} == {}


def _check(kills: int, point: str, url: str, home: Path) -> list[str]:
    """What went wrong when the worker died at `point`; nothing when all is well."""
    home.mkdir()
    with SmtpSink(home / "mail.jsonl") as mail, TwilioSink(home / "sms.jsonl", callbacks=False) as sms:
        config = replace(
            Config(data_dir=home, database_url=url, worker_threads=1),  # one is killed, and no other with it
            smtp_url=mail.url,
            twilio_account_sid=sms.sid,
            twilio_auth_token=sms.token,
            twilio_base_url=sms.url,
        )
        run = Run(config, Database(url, pool_size=4), mail, sms)
        _give_with_a_due_reminder(run.db)
        codes = []
        for settings in (*[armed(config, point)] * kills, config):
            codes.append(run_until(settings, run.all_done))
            shorten_leases(run.db, 6)
            _let_an_hour_pass(run.db)
        wrong = _faults_of(run, point, codes)
        run.db.close()
    return wrong


def _let_an_hour_pass(db: Database) -> None:
    """For the questions whether an SMS has left: the tries of which nobody knows are that much older."""
    with db.write() as tx:
        for attempt in tx.session.scalars(sa.select(OutboxAttempt).where(OutboxAttempt.ended_at.is_(None))):
            attempt.started_at -= timedelta(hours=1)


def _give_with_a_due_reminder(db: Database) -> None:
    """Bình gives Nam a task and its first reminder is due at once: two SMS and two mails must arrive, at night too."""
    with db.write() as tx:
        cast = meet(tx)
        lead = Lead(person_id=cast.nam.person_id)
        giving.give(tx, cast.binh, GiveTask("Báo cáo giải ngân", lead, priority=Priority.FLASH))
    with db.write() as tx:
        now = clock.now()
        tx.session.execute(sa.update(TaskReminder).where(TaskReminder.slot == REMINDER).values(due_at=now))
        due = OutboxRow.key.contains(f":{REMINDER}:")
        tx.session.execute(sa.update(OutboxRow).where(OutboxRow.topic == "tasks.remind", due).values(due_at=now))


def _faults_of(run: Run, point: str, codes: list[int | None]) -> list[str]:
    wrong = []
    if codes[0] not in DIED or codes[-1] not in STOPPED:
        wrong.append(f"exit codes {codes}: the point was not reached, or the clean worker did not finish")
    with run.db.read() as tx:
        unknown = len(list(tx.session.scalars(sa.select(Message.id).where(Message.state == "unknown"))))
    texts = Counter((entry["to"], entry["body"]) for entry in run.sms.journal.entries())
    if len(texts) != 2 - unknown or any(count != 1 for count in texts.values()):
        wrong.append(f"SMS: {list(texts.values())}, of {unknown} nobody knows")
    if (unknown > 0 and point not in BEFORE_THE_CALL) or (unknown == 0 and point == "sms.sending"):
        wrong.append(f"{unknown} SMS are unknown")
    attempts: dict[str, list[int]] = {}
    for entry in run.mail.journal.entries():
        attempts.setdefault(entry["message_id"], []).append(entry["attempt"])
    if len(attempts) != 2:
        wrong.append(f"mails: {attempts}")
    if any(len(set(numbers)) != len(numbers) or numbers != sorted(numbers) for numbers in attempts.values()):
        wrong.append(f"a mail came again without saying so: {attempts}")
    with run.db.read() as tx:
        states = Counter(tx.session.scalars(sa.select(Message.state)))
        reminded = list(tx.session.scalars(sa.select(TaskEntry.id).where(TaskEntry.kind == "reminded")))
        sent = list(tx.session.scalars(sa.select(TaskReminder.id).where(TaskReminder.state == ReminderState.SENT)))
    if states["handed"] != 4 - unknown or sum(states.values()) != 4 or len(reminded) != 1 or len(sent) != 1:
        wrong.append(f"ledger: {states}, reminded {len(reminded)} times")
    return wrong
