"""Doing the jobs of this part again, or being killed in the middle, loses nothing and doubles nothing."""

import signal
import smtplib
import socket
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from directory.demo import FINANCE
from docex.exchange.mail.inbound.smtp_listener import SmtpListener
from docex.exchange.mail.models import LetterState, Outcome
from kernel import clock
from kernel.config import Config
from kernel.db import Database
from kernel.outbox import OPEN_STATES, OutboxRow, State
from kernel.queue import attempts
from tests.docex.mail.partner import ADDRESS, Abroad
from tests.docex.mail.test_in import incoming, receipts
from tests.docex.mail.test_out import again_now
from tests.faults.workers import CLEAN_S, armed, context, run_until, shorten_leases
from tests.sampling import sampled
from web import smtp_listener
from web.tour.instance import free_port

KILLED = (-signal.SIGKILL, 255)
OURS = ("mail.envelope", "mail.receipt", "mail.arrival", "docex.deliver")


@pytest.mark.repeats("mail.envelope", "mail.receipt", "mail.arrival")
def test_every_job_of_a_letter_done_again_changes_nothing(abroad: Abroad) -> None:
    abroad.document()
    abroad.post(abroad.edxml_mail())
    abroad.work()
    before = [state_of(abroad), len(abroad.inbox())]
    with abroad.db.write() as tx:
        done = OutboxRow.state == State.DONE
        topics = set(tx.session.scalars(sa.select(OutboxRow.topic).where(done)))
        again = {"state": State.WAITING, "due_at": clock.now(), "finished_at": None}
        tx.session.execute(sa.update(OutboxRow).where(done).values(again))
    abroad.work()
    assert set(OURS) <= topics
    assert [state_of(abroad), len(abroad.inbox())] == before


def state_of(abroad: Abroad) -> object:
    return (
        [(x.message_id, x.kind, x.state) for x in abroad.letters()],
        [(a.outcome, a.dispatch_id) for a in abroad.arrivals()],
        [(d.id, d.message_id) for d in abroad.dispatches()],
        [(d.id, d.progress, d.rev) for d in abroad.deliveries()],
        [i.id for i in incoming(abroad)],
    )


@pytest.mark.long_proof
@pytest.mark.parametrize(
    "point",
    sampled(
        ["worker.attempt_committed", "mail.sent", "worker.performed", "docex_mail.concluding", "docex_mail.taking"],
        one_in=4,
    ),
)
def test_a_worker_that_dies_anywhere_loses_and_doubles_nothing(abroad: Abroad, point: str) -> None:
    with abroad.db.write() as tx:  # the worker process does the work from here on
        tx.session.execute(sa.update(OutboxRow).values(state=State.CANCELLED))
    abroad.post(abroad.edxml_mail())
    config = replace(abroad.config, worker_threads=1)

    def done() -> bool:
        with abroad.db.read() as tx:
            still = sa.select(OutboxRow.id).where(OutboxRow.state.in_(OPEN_STATES), OutboxRow.topic.in_(OURS))
            return tx.session.execute(still.limit(1)).first() is None

    code = run_until(armed(config, point), done)
    shorten_leases(abroad.db, 2)
    assert code in KILLED
    run_until(config, done)
    assert [a.outcome for a in abroad.arrivals()] == [Outcome.ACCEPTED]
    assert len(incoming(abroad)) == len(abroad.dispatches()) == 1
    ids = Counter(str(mail["Message-ID"]) for mail in abroad.inbox())
    assert set(ids) == {letter.message_id for letter in abroad.letters()}
    assert {letter.state for letter in abroad.letters()} == {LetterState.HANDED}
    assert {r["receipt"] for r in receipts(abroad)} == {"acceptance", "delivery"}
    for name in ids:  # a repetition says so
        attempts = [str(m.get("X-Lien-Thong-Attempt", "1")) for m in abroad.inbox() if m["Message-ID"] == name]
        assert len(set(attempts)) == len(attempts)


@pytest.mark.long_proof
def test_a_letter_that_we_could_not_take_is_read_when_it_comes_again(
    abroad: Abroad, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "MAX_ATTEMPTS", 1)
    raw = abroad.edxml_mail()
    abroad.post(raw)
    for tries in (1, 2):
        lose_stored_bytes(abroad)
        abroad.work()
        assert [(a.outcome, a.facts["code"]) for a in abroad.arrivals()] == [(Outcome.REFUSED, "internal")]
        again_now(abroad)
        abroad.work()
        assert [r["receipt"] for r in receipts(abroad)] == ["refusal"] * tries
        abroad.post(raw)
    abroad.work()
    again_now(abroad)
    abroad.work()
    assert [a.outcome for a in abroad.arrivals()] == [Outcome.ACCEPTED]
    assert len(incoming(abroad)) == len(abroad.dispatches()) == 1
    abroad.post(raw)  # what was taken is not taken again
    abroad.work()
    assert len(incoming(abroad)) == len(abroad.dispatches()) == 1


def lose_stored_bytes(abroad: Abroad) -> None:
    """The disk forgot the letter."""
    (arrival,) = abroad.arrivals()
    (found,) = [path for path in abroad.config.data_dir.rglob(arrival.sha256) if path.is_file()]
    found.unlink()


def test_a_door_whose_database_is_away_asks_to_come_again(abroad: Abroad, tmp_path: Path) -> None:
    away = Database(f"sqlite:///{tmp_path}/nowhere/at.db")
    listener = SmtpListener(abroad.config, away, abroad.blobs)
    listener.start()
    try:
        with smtplib.SMTP("127.0.0.1", listener.port, timeout=30) as smtp:
            smtp.ehlo()
            assert smtp.mail(ADDRESS)[0] == 451
    finally:
        listener.stop()
        away.close()


def test_the_door_and_the_sink_take_their_time_to_open_on_a_busy_machine(abroad: Abroad) -> None:
    assert abroad.listener.ready_timeout >= 30
    assert abroad.sink._controller.ready_timeout >= 30


@pytest.mark.parametrize("point", sampled(["docex_mail.stored", "tx.before_commit", "docex_mail.kept"], one_in=3))
def test_a_door_that_dies_has_the_letter_or_its_sender_still_has_it(abroad: Abroad, point: str) -> None:
    raw = abroad.edxml_mail()
    config = replace(abroad.config, mail_door_port=free_port())
    with ListenerProcess(armed(config, point)) as listener, pytest.raises((smtplib.SMTPException, OSError)):
        listener.post(raw)
    assert listener.process.exitcode in KILLED
    with ListenerProcess(config) as listener:
        listener.post(raw)  # the sender's server tries again
    abroad.work()
    again_now(abroad)
    abroad.work()
    assert [a.outcome for a in abroad.arrivals()] == [Outcome.ACCEPTED]
    assert len(incoming(abroad)) == len(abroad.dispatches()) == 1
    assert [r["receipt"] for r in receipts(abroad)] == ["acceptance", "delivery"]


class ListenerProcess:
    """The real process of the SMTP listener."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.process = context().Process(target=smtp_listener.run, args=(config,))

    def __enter__(self) -> "ListenerProcess":
        self.process.start()
        end = time.monotonic() + CLEAN_S
        while time.monotonic() < end and self.process.is_alive():
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.config.mail_door_port)) == 0:
                    return self
            time.sleep(0.05)
        raise AssertionError("the listener did not open")

    def post(self, raw: bytes) -> None:
        with smtplib.SMTP("127.0.0.1", self.config.mail_door_port, timeout=30) as smtp:
            smtp.sendmail(ADDRESS, [f"{FINANCE.lower()}@vanban.example"], raw)

    def __exit__(self, *_: object) -> None:
        if self.process.is_alive():
            self.process.terminate()
        self.process.join(60)
