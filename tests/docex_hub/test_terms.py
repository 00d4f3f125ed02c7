"""A document that nobody fetches: who is told when, and what its sender gets in the end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from directory.models import Agency
from docex.edxml.codes import StatusCode
from docex.hub import terms, today
from docex.hub.models import Parcel, Receipt, Term
from kernel import clock
from notify.models import Message
from tests.docex.office import Office
from tests.docex_hub.systems import System, a_file, a_letter, a_status, an_agency
from tests.docex_hub.test_mailbox import fetched, waiting
from tests.docex_hub.test_receipts import read_receipt

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
    first, again = hand_in("3600"), hand_in("3600")
    assert first.get_data() == again.get_data()
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


def test_the_alarms_come_in_working_time_each_once(monday: None, hub: Office, near: System, far: System) -> None:
    with hub.db.write() as tx:
        agency = tx.session.get_one(Agency, far.agency_id)
        agency.email, agency.phone = "van-thu@mau.example", "+84900000001"
    near.hand_in(a_file(hub))
    hub.work()

    def told() -> tuple[int, list[str]]:
        hub.work()
        with hub.db.read() as tx:
            step = tx.session.scalars(sa.select(Parcel.alarm)).one()
            return step, sorted(tx.session.scalars(sa.select(Message.channel)))

    clock.advance(timedelta(hours=3, minutes=59))
    assert told() == (0, [])
    clock.advance(timedelta(hours=1, minutes=31))  # a pause at noon does not count
    assert told() == (1, [])
    with hub.db.read() as tx:
        (line,) = today.unfetched(tx, hub.cast.admin) or []
        assert line.title == "Sở Giao thông tỉnh Bạn"
        assert today.unfetched(tx, hub.cast.ha) is None
    clock.advance(timedelta(hours=24))
    step, channels = told()
    assert step == 2
    assert "email" in channels
    clock.advance(timedelta(hours=36))
    assert told()[0] == 3
    before = told()
    with hub.db.write() as tx:
        parcel = tx.session.scalars(sa.select(Parcel)).one()
        terms.alarm(tx, parcel.id, 2)
    assert told() == before


@pytest.mark.repeats("hub.expire", "hub.alarm")
def test_ending_a_term_again_says_nothing_new(
    monday: None, hub: Office, near: System, far: System, monkeypatch: Any
) -> None:
    monkeypatch.setattr(terms, "STRETCH", 1)
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
