"""A document that nobody fetches: who is told when, and what its sender gets in the end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from directory import clients
from directory.models import Agency, Person
from docex.documents.delivery.statuses import report_status
from docex.documents.models import Delivery
from docex.edxml import write
from docex.edxml.codes import BusinessKind, StatusCode
from docex.edxml.model import Business, Organ
from docex.edxml.progress import Recall
from docex.exchange.hub import dashboard, terms
from docex.exchange.hub.models import Parcel, Receipt, Term
from docex.exchange.hub.operators import interventions
from kernel import clock
from kernel.streams import StreamEvent
from notify.models import Message
from tests.docex.hub.systems import System, a_file, a_letter, a_status, an_agency
from tests.docex.hub.test_mailbox import fetched, waiting
from tests.docex.hub.test_receipts import read_receipt
from tests.docex.office import Office

pytestmark = pytest.mark.long_proof

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # 08:00 in Vietnam


def state_of(near: System, number: int) -> dict[str, Any]:
    (told,) = near.get(f"/api/v1/documents/{number}").get_json()["deliveries"]
    found: dict[str, Any] = told
    return found


def receipts(hub: Office, kind: str) -> list[Receipt]:
    with hub.db.read() as tx:
        return list(tx.session.scalars(sa.select(Receipt).where(Receipt.kind == kind)))


@pytest.fixture
def monday(hub: Office) -> Any:
    with clock.frozen(MONDAY):
        yield


def test_after_24_office_hours_the_sender_gets_a_signed_expiry(
    monday: None, app: Flask, hub: Office, near: System, far: System
) -> None:
    number = near.hand_in(a_file(hub)).get_json()["id"]
    hub.work()
    (item,) = waiting(far)["items"]
    assert item["expires_at"] == "2026-03-05T01:00:00+00:00"  # three working days later
    clock.advance(timedelta(days=2, hours=23))
    hub.work()
    assert state_of(near, number)["state"] == "available"
    clock.advance(timedelta(hours=2))
    hub.work()
    assert state_of(near, number)["state"] == "expired"
    (row,) = receipts(hub, "expired")
    claims = read_receipt(app, row.jws)
    assert claims["reason"]
    assert claims["previous"]
    assert waiting(far)["items"] == []
    assert far.post(f"/api/v1/inbox/{item['id']}/lease").status_code == 409
    # What the receiver says later counts all the same.
    far.hand_in(a_status(hub, a_letter(hub), StatusCode.ARRIVED))
    assert state_of(near, number)["state"] == "01"


def test_what_was_fetched_does_not_expire(monday: None, hub: Office, near: System, far: System) -> None:
    number = near.hand_in(a_file(hub)).get_json()["id"]
    hub.work()
    fetched(far, waiting(far)["items"][0])
    clock.advance(timedelta(days=30))
    hub.work()
    assert state_of(near, number)["state"] == "01"
    assert receipts(hub, "expired") == []
    with hub.db.read() as tx:
        assert tx.session.scalars(sa.select(Message)).all() == []


@pytest.mark.parametrize("finishes", [True, False])
def test_who_is_fetching_when_the_term_ends_may_finish(
    monday: None, hub: Office, near: System, far: System, finishes: bool
) -> None:
    number = near.hand_in(a_file(hub), Delivery_TTL="600").get_json()["id"]
    hub.work()
    (item,) = waiting(far)["items"]
    clock.advance(timedelta(minutes=9))
    leased = far.post(f"/api/v1/inbox/{item['id']}/lease").get_json()
    clock.advance(timedelta(minutes=2))
    hub.work()
    assert state_of(near, number)["state"] == "available"
    assert far.get(f"/api/v1/inbox/{item['id']}/envelope").status_code == 200
    if finishes:
        assert far.post(f"/api/v1/inbox/{item['id']}/ack", {"token": leased["token"]}).status_code == 200
    clock.advance(timedelta(minutes=4))
    hub.work()
    assert state_of(near, number)["state"] == ("01" if finishes else "expired")
    assert len(receipts(hub, "expired")) == (not finishes)


def test_who_never_finishes_is_not_waited_for(monday: None, hub: Office, near: System, far: System) -> None:
    number = near.hand_in(a_file(hub), Delivery_TTL="60").get_json()["id"]
    hub.work()
    (item,) = waiting(far)["items"]
    for minute in range(62):
        assert far.post(f"/api/v1/inbox/{item['id']}/lease").status_code == (200 if minute < 61 else 409)
        clock.advance(timedelta(minutes=1))
        hub.work()
    assert state_of(near, number)["state"] == "expired"


def test_nobody_there_to_fetch_it_makes_it_undeliverable(monday: None, app: Flask, hub: Office, near: System) -> None:
    an_agency(hub, "H98.07", "Sở Giao thông tỉnh Bạn")
    number = near.hand_in(a_file(hub)).get_json()["id"]
    hub.work()
    assert state_of(near, number)["state"] == "submitted"
    clock.advance(timedelta(days=4))
    hub.work()
    assert state_of(near, number)["state"] == "undeliverable"
    (row,) = receipts(hub, "undeliverable")
    assert read_receipt(app, row.jws)["receivers"] == ["H98.07"]


def test_a_sender_may_ask_for_another_term(monday: None, hub: Office, near: System, far: System) -> None:
    def hand_in(ttl: str) -> Any:
        return near.hand_in(a_file(hub), Delivery_TTL=ttl)

    for wrong in ("59", "2592001", "soon", "-5", "9" * 12):
        assert hand_in(wrong).status_code == 422, wrong
    first, again = hand_in("3600"), hand_in("600")
    assert first.get_data() == again.get_data()  # what was handed in once keeps its term
    hub.work()
    with hub.db.read() as tx:
        assert tx.session.scalars(sa.select(Term)).one().expires_at == MONDAY + timedelta(hours=1)
    clock.advance(timedelta(hours=1))
    hub.work()
    assert state_of(near, first.get_json()["id"])["state"] == "expired"


def test_the_usual_term_does_not_end_a_longer_one(monday: None, hub: Office, near: System, far: System) -> None:
    number = near.hand_in(a_file(hub), Delivery_TTL="2592000").get_json()["id"]
    hub.work()
    clock.advance(timedelta(days=29))
    hub.work()
    assert state_of(near, number)["state"] == "available"
    clock.advance(timedelta(days=1))
    hub.work()
    assert state_of(near, number)["state"] == "expired"


def told(hub: Office) -> list[tuple[str, str, str]]:
    """Kind, channel and address of everything that people were told."""
    hub.work()
    with hub.db.read() as tx:
        rows = tx.session.execute(sa.select(Message.kind, Message.channel, Message.address).order_by(Message.id))
        return [(kind, channel, address) for kind, channel, address in rows]


def step(hub: Office) -> int:
    hub.work()
    with hub.db.read() as tx:
        return tx.session.scalars(sa.select(Parcel.alarm)).one()


CLERKS, TECHNICIAN = ("van-thu@mau.example", "+84900000001"), ("ky-thuat@mau.example", "+84900000002")


def with_addresses(hub: Office, far: System) -> None:
    with hub.db.write(hub.cast.admin.by) as tx:
        agency = tx.session.get_one(Agency, far.agency_id)
        agency.email, agency.phone = CLERKS
        clients.set_contact(tx, hub.cast.admin, far.client_id, clients.Contact(*TECHNICIAN))


def test_the_alarms_come_in_working_time_each_to_the_next_who_should_know(
    monday: None, app: Flask, hub: Office
) -> None:
    far = System(app, hub, an_agency(hub, "H98.07", "Sở Giao thông tỉnh Bạn"))
    with_addresses(hub, far)
    number = hub.on_its_way(recipients=(far.agency_id,))
    waiting(far)

    clock.advance(timedelta(hours=3, minutes=59))
    assert (step(hub), told(hub)) == (0, [])
    clock.advance(timedelta(hours=1, minutes=31))  # a pause at noon does not count
    assert (step(hub), told(hub)) == (1, [])
    with hub.db.read() as tx:
        (line,) = dashboard.unfetched(tx, hub.cast.admin) or []
        assert (line.title, line.url) == ("Sở Giao thông tỉnh Bạn", f"/admin/exchange/{far.agency_id}")
        assert dashboard.unfetched(tx, hub.cast.ha) is None
        (own,) = dashboard.not_fetched(tx, hub.cast.ha) or []
        assert own.url == f"/documents/out/{number}"
        assert dashboard.not_fetched(tx, hub.cast.lan) is None
        kinds = set(tx.session.scalars(sa.select(StreamEvent.stream).where(StreamEvent.kind == "document.unfetched")))
    assert kinds == {f"agency:{hub.cast.city.id}/clerks", f"person:{hub.cast.admin.person_id}"}
    clock.advance(timedelta(hours=24))
    clerks = [("document.unfetched", "email", CLERKS[0]), ("document.unfetched", "sms", CLERKS[1])]
    assert (step(hub), told(hub)) == (2, clerks)
    clock.advance(timedelta(hours=24))
    both = [("document.unfetched", "email", TECHNICIAN[0]), ("document.unfetched", "sms", TECHNICIAN[1])]
    assert (step(hub), told(hub)) == (3, clerks + both)
    with hub.db.read() as tx:
        mail = tx.session.scalars(sa.select(Message.text).where(Message.address == TECHNICIAN[0])).one()
    assert "Sở Giao thông tỉnh Bạn" in mail
    assert "08:00 Thứ Năm, 05/03/2026" in mail  # the term's end
    with hub.db.write() as tx:
        parcel = tx.session.scalars(sa.select(Parcel)).one()
        terms.alarm(tx, parcel.id, 2, parcel.seq)
    assert told(hub) == clerks + both


def test_with_a_long_term_the_technical_contact_hears_after_three_working_days(
    monday: None, hub: Office, near: System, far: System
) -> None:
    with_addresses(hub, far)
    near.hand_in(a_file(hub), Delivery_TTL="2592000")
    hub.work()
    clock.advance(timedelta(days=2, hours=23))
    assert step(hub) == 2
    clock.advance(timedelta(hours=1))
    assert step(hub) == 3


def test_who_is_told_when_nobody_is_named(monday: None, app: Flask, hub: Office, near: System) -> None:
    """The agency's own people with the role, here of an agency that has people but is served by its own system."""
    with hub.db.write() as tx:
        tx.session.get_one(Agency, hub.cast.finance.id).is_local = False
    System(app, hub, hub.cast.finance.id)
    near.hand_in(write(a_letter(hub, receivers=(Organ(hub.cast.finance.code, hub.cast.finance.name),))))
    hub.work()
    clock.advance(timedelta(days=1, hours=1))
    hub.work()
    with hub.db.read() as tx:
        lan = tx.session.get_one(Person, hub.cast.lan.person_id)
    assert set(told(hub)) >= {("document.unfetched", "email", lan.email)}


def test_what_is_laid_out_anew_has_alarms_of_its_own(monday: None, hub: Office, near: System, far: System) -> None:
    with_addresses(hub, far)
    near.hand_in(a_file(hub))
    hub.work()
    clock.advance(timedelta(days=4))
    hub.work()
    before = len(told(hub))
    with hub.db.write(hub.cast.admin.by) as tx:
        interventions.requeue_expired(tx, hub.cast.admin, far.agency_id, "Hệ thống đã chạy lại")
    assert step(hub) == 0
    clock.advance(timedelta(days=3, hours=1))  # over the weekend
    assert step(hub) == 2
    assert len(told(hub)) == before + 2


def test_a_recall_with_a_term_is_taken_in(monday: None, hub: Office, near: System, far: System) -> None:
    letter = a_letter(hub)
    near.hand_in(write(letter))
    hub.work()
    recall = replace(letter, business=Business(BusinessKind.RECALL, "Gửi nhầm", letter.document_id), attachments=())
    answer = near.hand_in(write(recall), Delivery_TTL="3600", Idempotency_Key="lấy lại".encode().hex())
    assert answer.status_code == 202, answer.get_json()


def test_what_its_sender_took_back_does_not_become_undeliverable(monday: None, hub: Office, near: System) -> None:
    an_agency(hub, "H98.07", "Sở Giao thông tỉnh Bạn")
    number = near.hand_in(a_file(hub)).get_json()["id"]
    hub.work()
    with hub.db.write() as tx:
        delivery = tx.session.scalars(sa.select(Delivery)).one()
        report_status(tx, delivery, Recall.ASKED)
        report_status(tx, delivery, Recall.AGREED)
    clock.advance(timedelta(days=5))
    hub.work()
    assert state_of(near, number)["state"] == "submitted"
    assert receipts(hub, "undeliverable") == []


@pytest.mark.repeats("hub.expire", "hub.alarm")
def test_ending_a_term_again_says_nothing_new(
    monday: None, hub: Office, near: System, far: System, monkeypatch: Any
) -> None:
    monkeypatch.setattr(terms, "BATCH_SIZE", 1)
    number = near.hand_in(a_file(hub), Delivery_TTL="60").get_json()["id"]
    hub.work()
    with hub.db.write() as tx:
        terms.expire(tx, number)  # too early: nothing
    assert receipts(hub, "expired") == []
    clock.advance(timedelta(hours=1))
    for _ in range(3):
        with hub.db.write() as tx:
            terms.expire(tx, number)
        hub.work()
    assert len(receipts(hub, "expired")) == 1


def test_the_senders_clerks_are_told_that_it_was_not_fetched(monday: None, app: Flask, hub: Office) -> None:
    far = System(app, hub, an_agency(hub, "H98.07", "Sở Giao thông tỉnh Bạn"))
    number = hub.on_its_way(recipients=(far.agency_id,))
    clock.advance(timedelta(days=4))
    hub.work()
    with hub.db.read() as tx:
        told = tx.session.scalars(sa.select(Message).where(Message.person_id == hub.cast.ha.person_id)).all()
    assert [message.kind for message in told] == ["document.waits"]
    (row,) = hub.sheet(hub.cast.ha, number).deliveries
    assert row.state.text.vi == "Hết hạn, nơi nhận chưa lấy"
