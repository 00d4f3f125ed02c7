"""An agency's system fetches its documents: nothing lost, nothing twice, nobody else's."""

import hashlib
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from directory import clients
from docex.documents.models import Delivery
from docex.exchange.hub import mailbox
from docex.exchange.hub.mailbox_notifier import MailboxNotifier, notifier_of
from docex.exchange.hub.models import Mailbox, Parcel
from kernel import clock, outbox
from kernel.queue import claiming
from tests.docex.hub.systems import FAR, System, a_file, an_agency
from tests.docex.hub.test_receipts import read_receipt
from tests.docex.office import Office

pytestmark = pytest.mark.both_databases


def fetched(system: System, item: dict[str, Any]) -> Any:
    """Fetch one item as a careful system does: lease, download, acknowledge."""
    leased = system.post(f"/api/v1/inbox/{item['id']}/lease").get_json()
    data = system.get(f"/api/v1/inbox/{item['id']}/envelope").get_data()
    assert hashlib.sha256(data).hexdigest() == leased["sha256"]
    return system.post(f"/api/v1/inbox/{item['id']}/ack", {"token": leased["token"]})


def waiting(system: System, **asked: Any) -> dict[str, Any]:
    answer = system.get("/api/v1/inbox?" + "&".join(f"{k}={v}" for k, v in asked.items()))
    assert answer.status_code == 200, answer.get_json()
    body: dict[str, Any] = answer.get_json()
    return body


def offered(hub: Office, near: System, far: System) -> str:
    """Where a letter waits that `near` has handed in for `far`."""
    near.hand_in(a_file(hub))
    hub.work()
    (item,) = waiting(far)["items"]
    return f"/api/v1/inbox/{item['id']}"


def until(true: Callable[[], bool]) -> None:
    """Wait for what other threads do."""
    give_up_at = time.monotonic() + 60
    while not true():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def test_a_document_is_fetched_acknowledged_and_worked_on(app: Flask, hub: Office, near: System, far: System) -> None:
    data = a_file(hub)
    number = near.hand_in(data).get_json()["id"]
    hub.work()
    (item,) = waiting(far)["items"]
    assert (item["code"], item["sender"]["code"]) == ("1/VP", hub.cast.city.code)
    assert near.get(f"/api/v1/documents/{number}").get_json()["deliveries"][0]["state"] == "available"
    answer = fetched(far, item)
    claims = read_receipt(app, answer.get_json()["receipt"]["jws"])
    assert (claims["kind"], claims["sha256"]) == ("retrieved", hashlib.sha256(data).hexdigest())
    assert claims["previous"]
    assert waiting(far)["items"] == []
    assert near.get(f"/api/v1/documents/{number}").get_json()["deliveries"][0]["state"] == "01"
    assert near.get(f"/api/v1/receipts/{claims['jti']}").status_code == 200
    for code in ("03", "05", "04"):
        told = far.post(f"/api/v1/inbox/{item['id']}/status", {"code": code}).get_json()
    assert told["state"] == "noted"  # 04 came after 05
    assert near.get(f"/api/v1/documents/{number}").get_json()["deliveries"][0]["state"] == "05"


def test_an_acknowledgement_said_again_gets_the_same_receipt(hub: Office, near: System, far: System) -> None:
    near.hand_in(a_file(hub))
    hub.work()
    (item,) = waiting(far)["items"]
    first = fetched(far, item)
    again = far.post(f"/api/v1/inbox/{item['id']}/ack", {"token": 1})
    assert first.get_data() == again.get_data()
    assert far.post(f"/api/v1/inbox/{item['id']}/lease").status_code == 409


def test_an_overtaken_token_acknowledges_nothing(app: Flask, hub: Office, near: System, far: System) -> None:
    path = offered(hub, near, far)
    other = System(app, hub, far.agency_id)
    with clock.frozen(clock.now()):
        old = far.post(f"{path}/lease").get_json()["token"]
        assert other.post(f"{path}/lease").status_code == 409
        clock.advance(mailbox.LEASE + timedelta(seconds=1))
        new = other.post(f"{path}/lease").get_json()["token"]
        assert far.post(f"{path}/ack", {"token": old}).status_code == 409
        assert far.post(f"{path}/ack", {"token": 0}).status_code == 422
        assert other.post(f"{path}/ack", {"token": new}).status_code == 200


@pytest.mark.long_proof
def test_only_the_system_that_is_fetching_acknowledges(app: Flask, hub: Office, near: System, far: System) -> None:
    path = offered(hub, near, far)
    other = System(app, hub, far.agency_id)
    token = far.post(f"{path}/lease").get_json()["token"]
    assert other.post(f"{path}/ack", {"token": token}).status_code == 409
    assert len(waiting(far)["items"]) == 1
    assert far.post(f"{path}/ack", {"token": token}).status_code == 200
    assert other.post(f"{path}/ack", {"token": token}).status_code == 409


@pytest.mark.long_proof
@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1999-12-31T00:00:00Z"])
def test_a_status_of_an_impossible_time_is_refused(hub: Office, near: System, far: System, at: str) -> None:
    answer = far.post(f"{offered(hub, near, far)}/status", {"code": "03", "at": at})
    assert answer.status_code == 422
    assert set(answer.get_json()["fields"]) == {"at"}


@pytest.mark.long_proof
def test_a_mailbox_is_read_on_from_where_one_was(hub: Office, near: System, far: System) -> None:
    for number in range(1, 6):
        near.hand_in(a_file(hub, number))
    hub.work()
    first = waiting(far, limit=2)
    second = waiting(far, limit=2, after=first["next"])
    third = waiting(far, limit=2, after=second["next"])
    codes = [item["code"] for page in (first, second, third) for item in page["items"]]
    assert codes == [f"{n}/VP" for n in range(1, 6)]
    assert [page["more"] for page in (first, second, third)] == [True, True, False]
    last = waiting(far, after=third["next"])
    assert (last["items"], last["next"]) == ([], third["next"])
    assert far.get("/api/v1/inbox?after=made-up").status_code == 422
    assert far.get("/api/v1/inbox", Date="Mon, 01 Jan 99999999999999 00:00:00 GMT").status_code == 200
    assert far.get("/api/v1/inbox?wait=26").status_code == 422


def test_other_agencies_find_nothing(app: Flask, hub: Office, near: System, far: System) -> None:
    near.hand_in(a_file(hub))
    hub.work()
    (item,) = waiting(far)["items"]
    stranger = System(app, hub, an_agency(hub, "H97.01", "Sở khác"))
    assert waiting(stranger)["items"] == []
    path = f"/api/v1/inbox/{item['id']}"
    for answer in (
        stranger.get(f"{path}/envelope"),
        near.get(f"{path}/envelope"),
        stranger.post(f"{path}/lease"),
        stranger.post(f"{path}/ack", {"token": 1}),
        stranger.post(f"{path}/status", {"code": "03"}),
        far.post("/api/v1/inbox/999999/lease"),
    ):
        assert answer.status_code == 404
    only_sends = System(app, hub, far.agency_id, frozenset({"docex.submit"}))
    assert only_sends.get("/api/v1/inbox").status_code == 403


def test_an_envelope_is_downloaded_in_parts_and_gone_on_with_after_a_cut(
    hub: Office, near: System, far: System
) -> None:
    data = a_file(hub)
    near.hand_in(data)
    hub.work()
    path = f"/api/v1/inbox/{waiting(far)['items'][0]['id']}/envelope"
    whole = far.get(path)
    tag = whole.headers["ETag"]
    assert tag == f'"{hashlib.sha256(data).hexdigest()}"'
    assert whole.headers["Content-Length"] == str(len(data))
    half = len(data) // 2
    rest = far.get(path, Range=f"bytes={half}-", If_Range=tag)
    assert (rest.status_code, rest.get_data()) == (206, data[half:])
    assert rest.headers["Content-Range"] == f"bytes {half}-{len(data) - 1}/{len(data)}"
    assert far.get(path, Range=f"bytes={half}-", If_Range='"another"').get_data() == data
    assert far.get(path, Range=f"bytes={len(data)}-").status_code == 416
    assert far.get(path, If_None_Match=tag).status_code == 304


def test_a_long_poll_is_answered_when_something_comes_and_holds_no_connection(
    hub: Office, near: System, far: System
) -> None:
    assert waiting(far)["items"] == []
    answers: list[dict[str, Any]] = []
    asking = threading.Thread(target=lambda: answers.append(waiting(far, wait=25)))
    asking.start()
    notifier = notifier_of(hub.db)
    until(lambda: far.agency_id in notifier._waiting)
    pool: Any = hub.db.engine.pool
    near.hand_in(a_file(hub))
    assert pool.checkedout() <= 2  # the notifier's own look at most, and none for who waits
    hub.work()
    asking.join()
    assert [item["code"] for item in answers[0]["items"]] == ["1/VP"]


@pytest.mark.long_proof
def test_who_is_away_between_two_polls_is_not_rung_for_that(app: Flask, hub: Office, near: System, far: System) -> None:
    notifier = MailboxNotifier(hub.db)
    notifier._running = True  # nobody looks but this test
    near.hand_in(a_file(hub))
    waiting(far)
    hub.work()
    with notifier.listening(far.agency_id, time.monotonic()):
        assert notifier._changed() == {far.agency_id}
    assert notifier._changed() == set()
    with notifier.listening(far.agency_id, time.monotonic()):
        assert notifier._changed() == set()
        near.hand_in(a_file(hub, 2))
        hub.work()
        assert notifier._changed() == {far.agency_id}


@pytest.mark.long_proof
def test_what_was_sent_before_the_system_existed_comes_too(app: Flask, hub: Office, near: System) -> None:
    agency_id = an_agency(hub, FAR, "Sở Giao thông tỉnh Bạn")
    for number in (1, 2):
        near.hand_in(a_file(hub, number))
    hub.work()
    late = System(app, hub, agency_id)
    assert waiting(late)["items"] == []  # asking is what opens the mailbox
    hub.work()
    assert len(waiting(late)["items"]) == 2


@pytest.mark.long_proof
@pytest.mark.repeats("hub.collect")
def test_collecting_again_brings_nothing_twice(app: Flask, hub: Office, near: System, monkeypatch: Any) -> None:
    monkeypatch.setattr(mailbox, "COLLECTED", 2)
    agency_id = an_agency(hub, FAR, "Sở Giao thông tỉnh Bạn")
    for number in range(1, 6):
        near.hand_in(a_file(hub, number))
    hub.work()
    waiting(System(app, hub, agency_id))
    hub.work()
    for _ in range(2):
        with hub.db.write() as tx:
            mailbox.collect(tx, agency_id, 0)
    with hub.db.read() as tx:
        seqs = tx.session.scalars(sa.select(Parcel.seq).order_by(Parcel.id)).all()
    assert list(seqs) == [1, 2, 3, 4, 5]


def test_a_refusal_needs_a_reason_and_reaches_the_sender(hub: Office, near: System, far: System) -> None:
    number = near.hand_in(a_file(hub)).get_json()["id"]
    hub.work()
    (item,) = waiting(far)["items"]
    fetched(far, item)
    path = f"/api/v1/inbox/{item['id']}/status"
    assert far.post(path, {"code": "02"}).status_code == 422
    assert far.post(path, {"code": "01"}).status_code == 422
    assert far.post(path, {"code": "03", "extra": 1}).status_code == 422
    assert far.post(path, {"code": "02", "description": "Sai nơi nhận"}).get_json()["state"] == "counted"
    (told,) = near.get(f"/api/v1/documents/{number}").get_json()["deliveries"]
    assert (told["state"], told["reason"]) == ("02", "Sai nơi nhận")


def test_a_held_mailbox_gives_nothing_out_and_loses_nothing(hub: Office, near: System, far: System) -> None:
    near.hand_in(a_file(hub))
    hub.work()
    with hub.db.write() as tx:
        tx.session.get_one(Mailbox, far.agency_id).held_at = clock.now()
    held = {"items": [], "next": "", "more": False, "held": True}
    assert waiting(far) | {"next": "", "head": None} == {**held, "head": None}
    with hub.db.write() as tx:
        tx.session.get_one(Mailbox, far.agency_id).held_at = None
    assert len(waiting(far)["items"]) == 1


def test_the_hub_remembers_who_asked_when_and_how_wrong_the_clock_is(hub: Office, far: System) -> None:
    far.get("/api/v1/inbox", User_Agent="QLVB/4.2", Date="Mon, 01 Jan 2024 00:00:00 GMT")
    with hub.db.read() as tx:
        row = tx.session.get_one(Mailbox, far.agency_id)
        assert (row.polled_by, row.polled_at is not None) == ("QLVB/4.2", True)
        assert row.skew_s is not None
        assert row.skew_s < -86_400


def test_an_envelope_for_many_is_one_blob_and_a_small_row_each(app: Flask, hub: Office, near: System) -> None:
    from docex.edxml.model import Organ

    systems = [System(app, hub, an_agency(hub, f"H77.{n:02d}", f"Sở {n}")) for n in range(1, 6)]
    near.hand_in(a_file(hub, receivers=tuple(Organ(f"H77.{n:02d}", f"Sở {n}") for n in range(1, 6))))
    hub.work()
    assert {waiting(system)["items"][0]["sha256"] for system in systems} == {waiting(systems[0])["items"][0]["sha256"]}
    hub.work()
    with hub.db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count()).select_from(Delivery)) == 5
        assert not claiming.due_topics(tx, outbox.handlers)


def test_a_system_tries_its_connection_before_it_begins(hub: Office, near: System, far: System) -> None:
    near.hand_in(a_file(hub))
    hub.work()
    now = clock.now().replace(microsecond=0) + timedelta(seconds=1)
    with clock.frozen(now):
        told = far.get("/api/v1/connection", Date=format_datetime(now + timedelta(minutes=10))).get_json()
    assert told == {
        "agency": {"code": FAR, "name": "Sở Giao thông tỉnh Bạn"},
        "system": "Phần mềm QLVB",
        "scopes": ["docex.receive", "docex.submit"],
        "now": now.isoformat(),
        "clock_off_s": 600,
        "waiting": 1,
        "held": False,
    }
    assert far.get("/api/v1/connection").get_json()["clock_off_s"] is None


@pytest.mark.long_proof
@pytest.mark.parametrize(("comes", "status"), [(True, 401), (False, 200)])
def test_who_is_shut_out_while_waiting_hears_of_nothing_that_came_since(
    app: Flask, hub: Office, near: System, far: System, comes: bool, status: int
) -> None:
    waiting(far)
    System(app, hub, far.agency_id)  # another system of the agency, for which letters still come
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(far.get(f"/api/v1/inbox?wait={20 if comes else 1}")))
    asking.start()
    until(lambda: far.agency_id in notifier_of(hub.db)._waiting)
    with hub.db.write(hub.cast.admin.by) as tx:
        clients.revoke(tx, hub.cast.admin, far.client_id)
    if comes:
        near.hand_in(a_file(hub))
        hub.work()
    asking.join()
    assert answers[0].status_code == status
    assert answers[0].get_json().get("items", []) == []
    assert far.get("/api/v1/inbox").status_code == 401


@pytest.mark.long_proof
def test_who_waited_in_vain_was_let_in_once(app: Flask, hub: Office, far: System) -> None:
    waiting(far)
    asked: list[str] = []
    listen = ("before_cursor_execute", lambda _c, _cursor, statement, *_: asked.append(statement))
    sa.event.listen(hub.db.engine, *listen)
    assert waiting(far, wait=1)["items"] == []
    sa.event.remove(hub.db.engine, *listen)
    assert sum("api_token" in statement for statement in asked) == 1


@pytest.mark.long_proof
def test_what_came_while_a_system_was_shut_out_is_brought_to_the_next_one(
    app: Flask, hub: Office, near: System, far: System
) -> None:
    with clock.frozen(clock.now()):
        waiting(far)
        hub.work()
        with hub.db.write(hub.cast.admin.by) as tx:
            clients.revoke(tx, hub.cast.admin, far.client_id)
        number = near.hand_in(a_file(hub)).get_json()["id"]
        hub.work()
        assert near.get(f"/api/v1/documents/{number}").get_json()["deliveries"][0]["state"] == "submitted"
        clock.advance(timedelta(minutes=2))
        later = System(app, hub, far.agency_id)
        waiting(later)
        hub.work()
        assert [item["code"] for item in waiting(later)["items"]] == ["1/VP"]
        clock.advance(timedelta(days=10))  # past its term
        hub.work()
        assert near.get(f"/api/v1/documents/{number}").get_json()["deliveries"][0]["state"] == "expired"
