"""A letter that the mail server took and that nobody confirms: who is told, and how it ends."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from joserfc import jws

from directory.models import Agency
from docex.documents.delivery import transport
from docex.edxml.codes import BusinessKind
from docex.edxml.model import Business
from docex.edxml.progress import Progress, Recall
from docex.exchange import dispatch
from docex.exchange.hub.models import Receipt, Term
from docex.exchange.mail import dashboard
from docex.exchange.mail.models import LetterState
from docex.exchange.mail.outbound import confirmations
from docex.exchange.recalls import withdrawal
from kernel import clock
from notify.models import Message
from tests.docex.mail.partner import Abroad
from tests.docex.mail.test_out import receipt
from web.app import create_app
from web.services import Services

pytestmark = pytest.mark.long_proof

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # 08:00 in Vietnam


@pytest.fixture
def monday(abroad: Abroad) -> Iterator[None]:
    with clock.frozen(MONDAY):
        abroad.document()
        assert abroad.letters()[0].state == LetterState.HANDED
        yield


def later(abroad: Abroad, **time: float) -> None:
    clock.advance(timedelta(**time))
    abroad.work()


def told(abroad: Abroad) -> list[tuple[str, str]]:
    with abroad.db.read() as tx:
        rows = tx.session.execute(sa.select(Message.kind, Message.address).order_by(Message.id))
        return [(kind, address) for kind, address in rows if kind == "document.unconfirmed"]


def receipts(abroad: Abroad) -> list[dict[str, Any]]:
    """The receipts about the delivery since it was handed in."""
    with abroad.db.read() as tx:
        rows = tx.session.scalars(sa.select(Receipt).where(Receipt.kind != "submitted").order_by(Receipt.made_at))
        return [json.loads(jws.extract_compact(row.jws.encode()).payload) for row in rows]


def test_the_clock_rings_in_working_time_and_the_end_is_an_honest_signed_expiry(abroad: Abroad, monday: None) -> None:
    with abroad.db.write() as tx:
        agency = tx.session.get_one(Agency, abroad.agency_id)
        agency.email, agency.phone = "van-thu@ban.example", ""
    later(abroad, hours=5, minutes=30)  # with a pause at noon
    with abroad.db.read() as tx:
        (line,) = dashboard.unconfirmed(tx, abroad.cast.admin) or []
        assert line.meta == ("Sở Giao thông tỉnh Bạn",)
        assert dashboard.unconfirmed(tx, abroad.cast.ha) is None
        assert dashboard.not_confirmed(tx, abroad.cast.ha) is None  # it came by a system, and has no page here
    assert told(abroad) == []
    later(abroad, hours=24)
    assert told(abroad) == [("document.unconfirmed", "van-thu@ban.example")]
    later(abroad, hours=24)
    assert len(told(abroad)) > 1
    assert receipts(abroad) == []
    later(abroad, days=1)
    (delivery,) = abroad.deliveries()
    assert delivery.progress == Progress.EXPIRED
    (said,) = receipts(abroad)
    assert said["kind"] == "expired"
    assert "Thư đã được giao cho máy chủ thư, nhưng nơi nhận không xác nhận" in said["reason"]
    assert "handed to the mail server" in delivery.reason
    with abroad.db.read() as tx:
        assert dashboard.unconfirmed(tx, abroad.cast.admin) is None
    abroad.post(receipt(abroad, "delivery"))  # late, and it counts all the same
    abroad.work()
    assert abroad.deliveries()[0].progress == Progress.ARRIVED


def test_what_only_the_partners_server_took_expires_with_these_words(abroad: Abroad, monday: None) -> None:
    abroad.post(receipt(abroad, "acceptance"))
    abroad.work()
    assert abroad.deliveries()[0].progress == Progress.AVAILABLE
    later(abroad, days=4)
    assert "Hệ thống thư của nơi nhận đã nhận thư" in receipts(abroad)[-1]["reason"]


@pytest.mark.repeats("mail.alarm")
def test_nobody_is_told_of_what_was_confirmed_and_nobody_twice(abroad: Abroad, monday: None) -> None:
    later(abroad, days=1, hours=1)
    before = told(abroad)
    assert before
    (letter,) = abroad.letters()
    for step in (1, 2):
        with abroad.db.write() as tx:
            confirmations.alarm(tx, letter.id, step)
    assert told(abroad) == before
    abroad.post(receipt(abroad, "delivery"))
    later(abroad, days=4)
    assert told(abroad) == before
    assert [said["kind"] for said in receipts(abroad)] == []


def test_a_letter_that_leaves_after_the_term_has_ended_ends_too(abroad: Abroad) -> None:
    abroad.document()
    with abroad.db.write() as tx:
        tx.session.execute(sa.update(Term).values(expires_at=clock.now()))
        confirmations.watch(tx, abroad.letters()[0])
    abroad.work()
    assert abroad.deliveries()[0].progress == Progress.EXPIRED


# ---- recalls ----


def test_a_letter_that_has_left_is_asked_back(abroad: Abroad, monday: None) -> None:
    with abroad.db.write() as tx:
        withdrawal.ask_back(tx, [one.id for one in abroad.deliveries()], "Gửi nhầm", withdraw=True)
    abroad.work()
    assert abroad.deliveries()[0].recall == Recall.ASKED
    assert [letter.kind for letter in abroad.letters()] == ["document", "status"]
    later(abroad, days=4)
    (delivery,) = abroad.deliveries()
    assert (delivery.progress, delivery.recall) == (Progress.EXPIRED, Recall.ASKED)


def test_a_letter_that_no_try_has_left_is_not_sent(abroad: Abroad) -> None:
    abroad.handed_in()
    with abroad.db.write() as tx:
        dispatch.deliver(tx, *(one.id for one in abroad.deliveries()))
    with abroad.db.write() as tx:
        withdrawal.ask_back(tx, [one.id for one in abroad.deliveries()], "Gửi nhầm", withdraw=True)
    abroad.work()
    assert abroad.deliveries()[0].recall == Recall.AGREED
    assert abroad.letters()[0].state == LetterState.FAILED
    assert abroad.inbox() == []


def test_a_recall_by_mail_rings_at_the_clerks(abroad: Abroad) -> None:
    abroad.post(abroad.edxml_mail())
    abroad.work()
    letter = abroad.envelope()
    recall = replace(letter, business=Business(BusinessKind.RECALL, "Gửi nhầm", letter.document_id), attachments=())
    abroad.post(abroad.edxml_mail(recall, message_id="<2@ban.example>"))
    abroad.work()
    with abroad.db.read() as tx:
        query = sa.select(Message.kind).where(Message.person_id == abroad.cast.lan.person_id)
        assert set(tx.session.scalars(query)) == {"document.waits"}


def test_the_pages_process_knows_the_way_too(abroad: Abroad, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does no jobs; what a clerk says on a page, or a system by the API, has to reach the partner all the same."""
    monkeypatch.setattr(transport, "_transports", {})
    create_app(replace(abroad.config, vxp_upstream_url="https://truc.example/vxp"), Services.from_config(abroad.config))
    assert set(transport._transports) == {"mail", "vxp_upstream"}
