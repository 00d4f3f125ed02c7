"""Reports of the provider: states only move forward, whatever comes, twice or late."""

import itertools

import pytest
from twilio.request_validator import RequestValidator

from kernel.config import Config
from kernel.db import Database
from kernel.errors import Forbidden, NotFound
from kernel.queue.worker import drain
from notify.receipts import check_signature, take_receipt
from notify.sinks.twilio import TwilioSink
from notify.states import RANK, MessageState, moves_forward
from tests.notify.test_mail import state_of
from tests.notify.test_sms import told

pytestmark = pytest.mark.both_databases


def report(sid: str, status: str, code: str = "") -> dict[str, str]:
    return {"MessageSid": sid, "MessageStatus": status, **({"ErrorCode": code} if code else {})}


@pytest.mark.parametrize("order", list(itertools.permutations(["queued", "sent", "delivered"])))
def test_in_any_order_and_twice_the_end_is_delivered(
    db: Database, sending: Config, sms_sink: TwilioSink, order: tuple[str, ...]
) -> None:
    message_id = told(db)
    drain(db)
    sid = sms_sink.journal.entries()[0]["sid"]
    for status in order + order:
        with db.write() as tx:
            take_receipt(tx, message_id, report(sid, status))
    assert state_of(db, message_id) == "delivered"


def test_a_report_that_is_faster_than_the_answer_settles_the_message(
    db: Database, sending: Config, sms_sink: TwilioSink
) -> None:
    message_id = told(db)
    with db.write() as tx:
        assert take_receipt(tx, message_id, report("SM1", "sent"))
    drain(db)
    assert state_of(db, message_id) == "handed"
    assert sms_sink.journal.entries() == []  # the provider has it already


def test_a_report_about_another_message_is_refused(db: Database, sending: Config, sms_sink: TwilioSink) -> None:
    message_id = told(db)
    drain(db)
    for wrong in (report("SMother", "delivered"), {"MessageStatus": "delivered"}):
        with pytest.raises(NotFound), db.write() as tx:
            take_receipt(tx, message_id, wrong)
    with pytest.raises(NotFound), db.write() as tx:
        take_receipt(tx, message_id + 1, report("SM1", "delivered"))


def test_a_failed_delivery_says_why(db: Database, sending: Config, sms_sink: TwilioSink) -> None:
    message_id = told(db)
    drain(db)
    sid = sms_sink.journal.entries()[0]["sid"]
    with db.write() as tx:
        assert take_receipt(tx, message_id, report(sid, "undelivered", "30005"))
        assert not take_receipt(tx, message_id, report(sid, "sent"))
        assert not take_receipt(tx, message_id, report(sid, "a-new-word"))
    assert state_of(db, message_id) == "undelivered"


def test_only_what_twilio_signed_for_our_address_is_believed() -> None:
    config = Config(base_url="https://lienthong.mau.example/", twilio_auth_token="geheim")
    fields = report("SM1", "delivered")
    url = "https://lienthong.mau.example/notify/twilio/7"
    good = RequestValidator("geheim").compute_signature(url, fields)
    check_signature(config, 7, fields, good)
    elsewhere = RequestValidator("geheim").compute_signature(url.replace("mau", "evil"), fields)
    for message_id, sent, signature in (
        (7, fields, ""),
        (7, fields, "x" * len(good)),
        (8, fields, good),
        (7, fields | {"MessageStatus": "failed"}, good),
        (7, fields, elsewhere),
        (7, fields, RequestValidator("other").compute_signature(url, fields)),
    ):
        with pytest.raises(Forbidden):
            check_signature(config, message_id, sent, signature)
    with pytest.raises(Forbidden):
        check_signature(Config(), 7, fields, RequestValidator("").compute_signature(url, fields))


@pytest.mark.parametrize("state", list(MessageState))
def test_no_state_has_a_way_back(state: MessageState) -> None:
    assert state in RANK
    for other in MessageState:
        assert not (moves_forward(state, other) and moves_forward(other, state))
