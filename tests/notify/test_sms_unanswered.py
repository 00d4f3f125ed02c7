"""A provider that may have accepted an SMS is only asked: nobody but a person sends it a second time."""

import itertools
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from kernel import clock, outbox
from kernel.config import Config
from kernel.db import Database
from kernel.outbox import OutboxAttempt, OutboxRow, SendError, State
from kernel.queue.worker import drain
from kernel.storage.blobs import BlobStore
from notify import jobs, messages, queries
from notify.models import Message
from notify.sinks.twilio import TwilioSink
from notify.sms.twilio_api import Account, TwilioSender
from tests.notify.samples import START
from tests.notify.test_mail import again_now, state_of
from tests.notify.test_sms import BINH, REF, told

FAULTS = ("500-accepted", "lose", "unlisted", "503")


@pytest.fixture
def frozen() -> Iterator[None]:
    with clock.frozen(START - timedelta(days=1)):
        yield


def ask_for(db: Database, span: timedelta) -> None:
    """Let the time pass, with each question when it is due."""
    end = clock.now() + span
    while (due := _next(db)) is not None and due <= end:
        clock.advance(max(timedelta(), due - clock.now()))
        drain(db)
    clock.advance(max(timedelta(), end - clock.now()))


def _next(db: Database) -> datetime | None:
    with db.read() as tx:
        return tx.session.scalar(sa.select(sa.func.min(OutboxRow.due_at)).where(OutboxRow.state == State.WAITING))


def sent(sink: TwilioSink) -> int:
    return len(sink.journal.entries())


@pytest.mark.parametrize("fault", ["lose", "unlisted"])
@pytest.mark.parametrize("minutes", [0, 3, 50])
def test_a_provider_that_accepts_or_lists_late_gets_it_once(
    db: Database, sending: Config, sms_sink: TwilioSink, frozen: None, fault: str, minutes: int
) -> None:
    sms_sink.journal.next_faults(fault)
    message_id = told(db)
    drain(db)
    ask_for(db, timedelta(minutes=minutes))
    assert state_of(db, message_id) == "waiting"
    sms_sink.catch_up()
    ask_for(db, timedelta(minutes=10))
    assert (state_of(db, message_id), sent(sms_sink)) == ("handed", 1)


def test_a_provider_that_answers_nothing_in_time_gets_it_once(
    db: Database, sending: Config, blobs: BlobStore, sms_sink: TwilioSink
) -> None:
    jobs.register_jobs(replace(sending, lease_s=1), blobs)  # a call may take half of a lease
    sms_sink.journal.next_faults("hold")
    message_id = told(db)
    drain(db)
    again_now(db)
    drain(db)
    assert (state_of(db, message_id), sent(sms_sink)) == ("waiting", 0)
    sms_sink.catch_up()
    again_now(db)
    drain(db)
    assert (state_of(db, message_id), sent(sms_sink)) == ("handed", 1)


def test_after_an_hour_without_a_trace_it_is_unknown_until_somebody_has_it_sent_again(
    db: Database, sending: Config, sms_sink: TwilioSink, frozen: None
) -> None:
    sms_sink.journal.next_faults("lose")
    message_id = told(db)
    drain(db)
    ask_for(db, timedelta(minutes=59))
    assert state_of(db, message_id) == "waiting"
    ask_for(db, timedelta(minutes=2))
    assert (state_of(db, message_id), sent(sms_sink)) == ("unknown", 0)
    with db.write() as tx:
        row = tx.session.query(OutboxRow).one()
        assert row.state == State.UNKNOWN
        assert outbox.requeue(tx, row.id)
        (line,) = queries.messages_about(tx, REF)
        assert "Không rõ" in str(line.label.vi)
        assert "không tự gửi lại" in str(line.reason)
    drain(db)
    assert (state_of(db, message_id), sent(sms_sink)) == ("handed", 1)


def test_a_provider_without_a_list_gets_it_once_and_it_is_unknown_at_once(
    db: Database, sending: Config, sms_sink: TwilioSink
) -> None:
    sms_sink.journal.next_faults("lose", "405")
    message_id = told(db)
    drain(db)
    assert state_of(db, message_id) == "unknown"
    sms_sink.catch_up()
    assert sent(sms_sink) == 1


def test_what_surely_did_not_leave_is_sent_again(
    db: Database, sending: Config, blobs: BlobStore, sms_sink: TwilioSink
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        jobs.register_jobs(replace(sending, twilio_base_url=f"http://127.0.0.1:{nobody.getsockname()[1]}"), blobs)
        message_id = told(db)
        drain(db)
    jobs.register_jobs(sending, blobs)
    again_now(db)
    drain(db)
    assert (state_of(db, message_id), sent(sms_sink)) == ("handed", 1)


@pytest.mark.parametrize("where", ["http://127.0.0.1:1", "http://no-such-host.invalid", "https://127.0.0.1:1"])
def test_no_connection_is_no_doubt(where: str) -> None:
    with pytest.raises(SendError) as refused:
        TwilioSender(Account("AC1", "x", "LienThong", where, timeout_s=5)).send("+84900000001", "xin chao", "")
    assert not refused.value.unknown
    assert not refused.value.permanent


def test_too_late_to_send_is_not_too_late_to_ask(
    db: Database, sending: Config, sms_sink: TwilioSink, frozen: None
) -> None:
    message_id = told(db)
    with db.write() as tx:
        tx.session.execute(sa.update(OutboxRow).values(expires_at=clock.now() + timedelta(minutes=5)))
    sms_sink.journal.next_faults("lose")
    drain(db)
    ask_for(db, timedelta(minutes=10))
    assert state_of(db, message_id) == "waiting"
    sms_sink.catch_up()
    ask_for(db, timedelta(minutes=10))
    assert (state_of(db, message_id), sent(sms_sink)) == ("handed", 1)


@pytest.mark.parametrize(("caught_up", "becomes"), [(True, "handed"), (False, "unknown")])
def test_what_was_taken_back_while_nobody_knew_is_still_asked_about(
    db: Database, sending: Config, sms_sink: TwilioSink, frozen: None, caught_up: bool, becomes: str
) -> None:
    sms_sink.journal.next_faults("lose")
    message_id = told(db)
    drain(db)
    with db.write() as tx:
        assert messages.cancel(tx, REF) == 1
    assert state_of(db, message_id) == "cancelled"
    if caught_up:
        sms_sink.catch_up()
    ask_for(db, timedelta(hours=2))
    assert (state_of(db, message_id), sent(sms_sink)) == (becomes, int(caught_up))


def test_an_outcome_that_could_not_be_stored_is_asked_for(
    db: Database, sending: Config, sms_sink: TwilioSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = told(db)
    handler = outbox.handlers["notify.sms"]
    with monkeypatch.context() as patch:

        def fails(*_: object) -> None:
            raise OSError("the disk is full")

        patch.setattr(handler, "conclude", fails)
        sms_sink.journal.next_faults("unlisted")
        drain(db)
    again_now(db)
    drain(db)
    assert (state_of(db, message_id), sent(sms_sink)) == ("waiting", 1)
    sms_sink.catch_up()
    again_now(db)
    drain(db)
    assert (state_of(db, message_id), sent(sms_sink)) == ("handed", 1)


@pytest.mark.one_database("sqlite")
def test_no_sequence_of_faults_sends_it_twice(
    db: Database, sending: Config, sms_sink: TwilioSink, frozen: None
) -> None:
    for number, (catches_up, *faults) in enumerate(itertools.product((True, False), FAULTS, FAULTS)):
        before = sent(sms_sink)
        sms_sink.journal.next_faults(
            *(f for fault in faults for f in (fault, ""))
        )  # one for the call, one for the list
        message_id = told(db, replace(BINH, phone=f"+8490{number:07}"), version=number + 1)
        drain(db)
        ask_for(db, timedelta(minutes=20))
        if catches_up:
            sms_sink.catch_up()
        ask_for(db, timedelta(hours=2))
        sms_sink.catch_up()
        state, count = state_of(db, message_id), sent(sms_sink) - before
        assert count <= 1, faults
        assert state in {"handed", "unknown"}, (faults, state)
        assert count == 1 or state == "unknown", (faults, state)
        with db.read() as tx:
            assert not tx.session.scalar(sa.select(sa.func.count()).where(OutboxAttempt.ended_at.is_(None)))
            assert tx.session.get_one(Message, message_id).state == state
        while sms_sink.journal.fault():
            pass
