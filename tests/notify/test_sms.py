"""SMS over real HTTP to a server of Twilio's shape: sent once, whatever happens to the answer."""

from dataclasses import replace
from datetime import timedelta

import pytest

from kernel import clock
from kernel.config import Config
from kernel.db import Database
from kernel.outbox import OutboxRow, SendError
from kernel.queue import attempts
from kernel.queue.worker import drain
from kernel.refs import Ref
from kernel.storage.blobs import BlobStore
from notify import jobs
from notify.kinds import MeetingCancelled
from notify.messages import Channel, Recipient, tell
from notify.models import Message
from notify.sinks.twilio import TwilioSink
from notify.sms.codes import is_permanent
from notify.sms.twilio_api import Account, TwilioSender
from tests.notify.samples import HOST, PLACE, START
from tests.notify.test_mail import again_now, state_of

BINH = Recipient("Nguyễn Thị Bình", phone="+84900000001")
REF = Ref("meeting", 42)


def told(db: Database, to: Recipient = BINH, *, title: str = "Họp giao ban tại phòng ấy", version: int = 1) -> int:
    with db.write() as tx:
        kind = MeetingCancelled(title, START, PLACE, HOST, "")
        [message_id] = tell(tx, kind, to, ref=REF, version=version, channels=[Channel.SMS])
    return message_id


def test_an_sms_arrives_folded_with_its_segments_and_price(db: Database, sending: Config, sms_sink: TwilioSink) -> None:
    message_id = told(db)
    drain(db)
    [entry] = sms_sink.journal.entries()
    assert entry["to"] == "+84900000001"
    assert entry["from"] == "LienThong"
    assert "Hop giao ban tai phong ay" in entry["body"]
    assert entry["body"].isascii()
    with db.read() as tx:
        message = tx.session.get_one(Message, message_id)
        assert (message.state, message.provider, message.provider_id) == ("handed", "twilio", entry["sid"])
        assert message.segments == 2 or message.segments == 1
        assert message.price_vnd == message.segments * sending.sms_price_vnd


def test_accents_are_kept_when_the_settings_say_so(
    db: Database, sending: Config, blobs: BlobStore, sms_sink: TwilioSink
) -> None:
    jobs.register_jobs(replace(sending, sms_keep_accents=True), blobs)
    told(db)
    drain(db)
    assert "Họp giao ban tại phòng ấy" in sms_sink.journal.entries()[0]["body"]


@pytest.mark.parametrize("fault", ["drop", "500-accepted", "201-garbled"])
def test_an_sms_whose_answer_was_lost_is_found_and_not_sent_again(
    db: Database, sending: Config, sms_sink: TwilioSink, fault: str
) -> None:
    sms_sink.journal.next_faults(fault)
    message_id = told(db)
    drain(db)
    assert state_of(db, message_id) == "handed"
    assert len(sms_sink.journal.entries()) == 1


@pytest.mark.parametrize("fault", ["429", "503"])
def test_a_provider_that_is_busy_gets_it_later(db: Database, sending: Config, sms_sink: TwilioSink, fault: str) -> None:
    sms_sink.journal.next_faults(fault)
    message_id = told(db)
    drain(db)
    assert sms_sink.journal.entries() == []
    again_now(db)
    drain(db)
    assert state_of(db, message_id) == "handed"
    assert len(sms_sink.journal.entries()) == 1


def test_a_provider_that_cannot_be_asked_is_asked_later_and_nothing_is_sent_blindly(
    db: Database, sending: Config, sms_sink: TwilioSink
) -> None:
    sms_sink.journal.next_faults("drop", "500")
    message_id = told(db)
    drain(db)
    assert state_of(db, message_id) == "waiting"
    again_now(db)
    drain(db)
    assert state_of(db, message_id) == "handed"
    assert len(sms_sink.journal.entries()) == 1


def test_when_nobody_can_say_the_message_is_shown_as_unknown(
    db: Database, sending: Config, sms_sink: TwilioSink
) -> None:
    sms_sink.journal.next_faults("drop", "500", "500")
    message_id = told(db)
    drain(db)
    with db.write() as tx:
        row = tx.session.query(OutboxRow).one()
        row.attempts = attempts.MAX_ATTEMPTS
        row.due_at = clock.now()
    drain(db)
    assert state_of(db, message_id) == "unknown"
    assert len(sms_sink.journal.entries()) == 1


def test_two_people_with_one_phone_and_one_text_each_get_theirs(
    db: Database, sending: Config, sms_sink: TwilioSink
) -> None:
    first = told(db, version=1)
    drain(db)
    sms_sink.journal.next_faults("429")
    second = told(db, version=2)
    drain(db)
    again_now(db)
    drain(db)
    assert (state_of(db, first), state_of(db, second)) == ("handed", "handed")
    assert len({e["sid"] for e in sms_sink.journal.entries()}) == 2


def test_a_number_that_does_not_exist_is_final(db: Database, sending: Config, sms_sink: TwilioSink) -> None:
    message_id = told(db, Recipient("A", phone="+84900000404"))
    drain(db)
    with db.read() as tx:
        message = tx.session.get_one(Message, message_id)
        assert message.state == "failed"
        assert "21211" in message.reason


def test_without_a_provider_the_mailbox_shows_it(db: Database, showing: Config) -> None:
    message_id = told(db)
    drain(db)
    assert state_of(db, message_id) == "shown"


def test_a_message_is_found_by_recipient_text_and_time(sms_sink: TwilioSink) -> None:
    sender = TwilioSender(Account(sms_sink.sid, sms_sink.token, "LienThong", sms_sink.url))
    sent = sender.send("+84900000001", "xin chao", "")
    for number in range(70):  # more than a page
        sender.send("+84900000001", f"tin khac {number}", "")
    now = clock.now()
    assert sender.find("+84900000001", "xin chao", now, frozenset()) is not None
    assert sender.find("+84900000002", "xin chao", now, frozenset()) is None
    assert sender.find("+84900000001", "xin", now, frozenset()) is None
    assert sender.find("+84900000001", "xin chao", now, frozenset({sent.provider_id})) is None
    assert sender.find("+84900000001", "xin chao", now + timedelta(hours=1), frozenset()) is None


def test_a_wrong_secret_is_no_last_word(sms_sink: TwilioSink) -> None:
    sender = TwilioSender(Account(sms_sink.sid, "wrong", "LienThong", sms_sink.url))
    with pytest.raises(SendError) as refused:
        sender.send("+84900000001", "xin chao", "")
    assert not refused.value.permanent
    with pytest.raises(SendError):
        sender.check()


@pytest.mark.parametrize(
    ("status", "code", "permanent"),
    [
        (400, 21211, True),
        (400, 21610, True),
        (400, 21614, True),
        (400, 30003, True),
        (404, 20404, True),
        (429, 20429, False),
        (401, 20003, False),
        (500, 20500, False),
        (503, None, False),
    ],
)
def test_the_table_of_codes(status: int, code: int | None, permanent: bool) -> None:
    assert is_permanent(status, code) is permanent
