"""The operator's pages: how the systems are doing, and what can be done about it, with a reason and on record."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, render_template

from directory import clients
from directory.access import is_instance_admin
from directory.actor import Actor
from directory.models import ApiClient
from docex.documents.models import Delivery, StatusLog
from docex.edxml import write
from docex.edxml.model import Organ
from docex.exchange.hub.access import may_watch_mailbox
from docex.exchange.hub.models import Mailbox, Parcel, Receipt, Webhook
from docex.exchange.hub.operators import connection_test, connections, dead_letters, interventions
from docex.exchange.hub.operators.connections import Connection
from docex.exchange.hub.states import ParcelState
from kernel import clock
from kernel.audit import AuditEntry
from kernel.errors import Forbidden, Invalid, NotFound, WrongState
from kernel.outbox import OutboxRow, State
from tests.docex.hub.systems import System, a_file, a_letter, an_agency
from tests.docex.hub.test_mailbox import fetched, until, waiting
from tests.docex.hub.test_receipts import read_receipt
from tests.docex.office import Office

pytestmark = pytest.mark.long_proof

_WAITERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@pytest.fixture
def monday(hub: Office) -> Any:
    with clock.frozen(MONDAY):
        yield


def seen(hub: Office, agency_id: int, actor: Actor | None = None) -> Connection:
    with hub.db.read() as tx:
        return connections.connection(tx, actor or hub.cast.admin, agency_id)


def said(hub: Office, agency_id: int) -> dict[str, str]:
    """Tone by sentence."""
    with hub.db.read() as tx:
        one = connections.connection(tx, hub.cast.admin, agency_id)
        return {f.message.vi: f.tone for f in connection_test.findings(one, connections.systems(tx, agency_id))}


def act(hub: Office, verb: Any, *given: Any, actor: Actor | None = None) -> Any:
    who = actor or hub.cast.admin
    with hub.db.write(who.by) as tx:
        return verb(tx, who, *given)


def on_record(hub: Office, action: str) -> list[dict[str, Any]]:
    with hub.db.read() as tx:
        return list(
            tx.session.scalars(sa.select(AuditEntry.detail).where(AuditEntry.action == action).order_by(AuditEntry.seq))
        )


def parcels(hub: Office, far: System) -> list[connections.Shown]:
    with hub.db.read() as tx:
        return connections.parcels(tx, far.agency_id, None).items


def test_the_page_says_who_asked_and_what_waits(app: Flask, hub: Office, near: System, far: System) -> None:
    near.hand_in(a_file(hub))
    hub.work()
    far.get("/api/v1/inbox", User_Agent="QLVB/4.2")
    with hub.db.read() as tx:
        assert is_instance_admin(tx, hub.cast.admin)
        found = {one.code: one for one in connections.connections(tx, hub.cast.admin)}
    one = found["H98.07"]
    assert (one.backlog, one.polled_by, one.expired, one.is_sick) == (1, "QLVB/4.2", 0, False)
    assert one.oldest_at is not None
    assert found[hub.cast.city.code].polled_at is None  # a system that never asked stands there too
    with hub.db.read() as tx, pytest.raises(Forbidden):
        connections.connections(tx, hub.cast.ha)


def test_what_is_wrong_comes_first(monday: None, app: Flask, hub: Office, near: System, far: System) -> None:
    System(app, hub, an_agency(hub, "H70.01", "A, ở đầu bảng chữ cái"))
    near.hand_in(a_file(hub))
    hub.work()
    clock.advance(timedelta(hours=9))
    hub.work()
    with hub.db.read() as tx:
        first = connections.connections(tx, hub.cast.admin)[0]
    assert (first.code, first.late, first.is_sick) == ("H98.07", 1, True)


def test_other_agencies_administrators_do_not_see_it(hub: Office, far: System) -> None:
    """`local_admin` of another agency: not found, as for every stranger."""
    other = Actor(
        kind="person",
        person_id=hub.cast.lan.person_id,
        agency_id=hub.cast.finance.id,
        name="Lan",
        roles=hub.cast.admin.roles,
    )
    with pytest.raises(NotFound):
        seen(hub, far.agency_id, other)
    with pytest.raises(NotFound):
        act(hub, interventions.test_connection, far.agency_id, actor=other)
    with pytest.raises(Forbidden):
        act(hub, interventions.hold, far.agency_id, "vì", actor=other)
    with hub.db.read() as tx:
        assert may_watch_mailbox(tx, hub.cast.admin, f"mailbox:{far.agency_id}")
        assert not may_watch_mailbox(tx, other, f"mailbox:{far.agency_id}")
        assert not may_watch_mailbox(tx, hub.cast.ha, f"mailbox:{far.agency_id}")
        assert not may_watch_mailbox(tx, hub.cast.admin, "mailbox:x")


def test_a_mailbox_is_held_with_a_reason_and_released(hub: Office, near: System, far: System) -> None:
    near.hand_in(a_file(hub))
    hub.work()
    with pytest.raises(Invalid):
        act(hub, interventions.hold, far.agency_id, " ")
    act(hub, interventions.hold, far.agency_id, "Hệ thống đang nâng cấp")
    assert waiting(far)["held"] is True
    assert said(hub, far.agency_id)["Hộp nhận đang tạm giữ: Hệ thống đang nâng cấp"] == "waiting"
    act(hub, interventions.release, far.agency_id)
    assert len(waiting(far)["items"]) == 1
    with pytest.raises(NotFound):
        act(hub, interventions.hold, near.agency_id, "không có hộp nhận")
    with pytest.raises(Forbidden):
        act(hub, interventions.release, far.agency_id, actor=hub.cast.ha)
    assert on_record(hub, "hub.held") == [{"reason": "Hệ thống đang nâng cấp"}]
    assert len(on_record(hub, "hub.released")) == 1


def test_what_expired_can_be_laid_out_anew_and_fetched(hub: Office, near: System, far: System) -> None:
    with clock.frozen(clock.now()):
        near.hand_in(a_file(hub), Delivery_TTL="60")
        hub.work()
        seen_up_to = waiting(far)["next"]
        clock.advance(timedelta(minutes=2))
        hub.work()
        assert waiting(far)["items"] == []
        with pytest.raises(Invalid):
            act(hub, interventions.requeue_expired, far.agency_id, "")
        assert act(hub, interventions.requeue_expired, far.agency_id, "Đã chạy lại") == 1
        assert act(hub, interventions.requeue_expired, far.agency_id, "Đã chạy lại") == 0
        hub.work()
        (item,) = waiting(far, after=seen_up_to)["items"]  # also for a reader that had passed it
        assert fetched(far, item).status_code == 200
    assert [entry["parcels"] for entry in on_record(hub, "hub.sent_again")] == [1, 0]
    with hub.db.read() as tx:
        logged = tx.session.query(StatusLog).order_by(StatusLog.id)
        steps = [(log.code, log.description, log.by) for log in logged]
    before = [code for code, _, _ in steps].index("expired")
    assert steps[before + 1] == ("available", "Đã chạy lại", hub.cast.admin.by)


def test_two_operators_at_one_mailbox_do_not_wait_for_each_other_in_a_circle(
    hub: Office, near: System, far: System
) -> None:
    """One has begun to lay out the second document when the other lays out all; each is laid out once."""
    if hub.db.is_sqlite:
        pytest.skip("the embedded database has one writer")
    with clock.frozen(clock.now()):
        for number in (1, 2):
            near.hand_in(a_file(hub, number), Delivery_TTL="60")
        hub.work()
        first, second = [item["id"] for item in waiting(far)["items"]]
        clock.advance(timedelta(minutes=2))
        hub.work()
        admin = hub.cast.admin
        with ThreadPoolExecutor(1) as other:
            with hub.db.write(admin.by) as tx:
                delivery_id = tx.session.get_one(Parcel, second).delivery_id
                tx.session.get_one(Delivery, delivery_id, with_for_update=True)
                all_of_them = other.submit(act, hub, interventions.requeue_expired, far.agency_id, "Đã chạy lại")
                until(lambda: somebody_waits(hub))
                interventions.resend(tx, admin, far.agency_id, second, "Đã chạy lại")
            assert all_of_them.result() == 1
        assert [item["id"] for item in waiting(far)["items"]] == [second, first]


def somebody_waits(hub: Office) -> bool:
    """Whether a transaction waits for a lock of another one."""
    with hub.db.read() as tx:
        return bool(tx.session.scalar(sa.text(_WAITERS)))


def test_what_was_fetched_and_lost_can_be_fetched_again(hub: Office, near: System, far: System) -> None:
    number = near.hand_in(a_file(hub)).get_json()["id"]
    hub.work()
    first = fetched(far, waiting(far)["items"][0]).get_json()["receipt"]
    (parcel,) = parcels(hub, far)
    act(hub, interventions.resend, far.agency_id, parcel.id, "Máy chủ của Sở hỏng đĩa")
    (item,) = waiting(far)["items"]
    assert fetched(far, item).get_json()["receipt"] == first
    assert near.get(f"/api/v1/documents/{number}").get_json()["deliveries"][0]["state"] == "01"
    assert on_record(hub, "hub.resent") == [{"reason": "Máy chủ của Sở hỏng đĩa"}]


def test_a_parcel_that_is_stuck_with_one_system_is_freed_for_another(
    app: Flask, hub: Office, near: System, far: System
) -> None:
    near.hand_in(a_file(hub))
    hub.work()
    (item,) = waiting(far)["items"]
    path = f"/api/v1/inbox/{item['id']}"
    stuck = far.post(f"{path}/lease").get_json()["token"]
    other = System(app, hub, far.agency_id)
    assert other.post(f"{path}/lease").status_code == 409
    act(hub, interventions.resend, far.agency_id, item["id"], "Hệ thống treo")
    token = other.post(f"{path}/lease").get_json()["token"]
    assert far.post(f"{path}/ack", {"token": stuck}).status_code == 409
    assert other.post(f"{path}/ack", {"token": token}).status_code == 200


def test_what_nobody_fetched_is_taken_back_for_its_sender_with_a_receipt(
    app: Flask, hub: Office, near: System, far: System
) -> None:
    number = near.hand_in(a_file(hub)).get_json()["id"]
    hub.work()
    (item,) = waiting(far)["items"]
    with pytest.raises(Invalid):
        act(hub, interventions.withdraw, far.agency_id, item["id"], "")
    act(hub, interventions.withdraw, far.agency_id, item["id"], "Gửi nhầm, công văn 12/VP xin rút")
    act(hub, interventions.withdraw, far.agency_id, item["id"], "lần nữa")  # again: nothing
    assert waiting(far)["items"] == []
    assert far.post(f"/api/v1/inbox/{item['id']}/lease").status_code == 409
    (told,) = near.get(f"/api/v1/documents/{number}").get_json()["deliveries"]
    assert (told["recall"], told["reason"]) == ("15", "Gửi nhầm, công văn 12/VP xin rút")
    with hub.db.read() as tx:
        (receipt,) = tx.session.scalars(sa.select(Receipt).where(Receipt.kind == "withdrawn"))
    claims = read_receipt(app, receipt.jws)
    assert (claims["reason"], claims["receivers"]) == ("Gửi nhầm, công văn 12/VP xin rút", ["H98.07"])
    with pytest.raises(WrongState):
        act(hub, interventions.resend, far.agency_id, item["id"], "thử")
    with clock.frozen(clock.now() + timedelta(days=9)):
        hub.work()
        assert near.get(f"/api/v1/documents/{number}").get_json()["deliveries"][0]["state"] == "available"


def test_what_was_fetched_only_its_receiver_can_give_back(hub: Office, near: System, far: System) -> None:
    near.hand_in(a_file(hub))
    hub.work()
    (item,) = waiting(far)["items"]
    fetched(far, item)
    with pytest.raises(WrongState):
        act(hub, interventions.withdraw, far.agency_id, item["id"], "Gửi nhầm")
    for verb in (interventions.withdraw, interventions.resend):
        with pytest.raises(NotFound):
            act(hub, verb, near.agency_id, item["id"], "của hộp khác")
        with pytest.raises(Forbidden):
            act(hub, verb, far.agency_id, item["id"], "x", actor=hub.cast.ha)


def test_refusals_are_counted_and_named_for_a_week(monday: None, hub: Office, near: System, far: System) -> None:
    for _ in range(2):
        near.hand_in(b"hello")
    near.hand_in(write(a_letter(hub, receivers=(Organ("H97.404", "Không có"),))))
    assert near.hand_in(a_file(hub)).status_code == 202
    with hub.db.read() as tx:
        found = {
            refused.code: (name, refused.count, refused.said)
            for name, refused in connections.troubles(tx, near.agency_id)
        }
    assert {code: count for code, (_, count, _) in found.items()} == {"edxml_refused": 2, "unknown_receiver": 1}
    assert "H97.404" in found["unknown_receiver"][2]["vi"]
    assert found["unknown_receiver"][2]["en"]
    assert seen(hub, near.agency_id).refused == 3
    clock.advance(timedelta(days=8))
    assert seen(hub, near.agency_id).refused == 0
    near.hand_in(b"hello")
    assert seen(hub, near.agency_id).refused == 1


def test_the_test_of_a_connection_speaks_plainly(monday: None, hub: Office, near: System, far: System) -> None:
    assert said(hub, far.agency_id)["Hệ thống chưa kết nối lần nào."] == "bad"
    far.headers  # noqa: B018 - asks for a token
    with hub.db.write() as tx:
        tx.session.get_one(ApiClient, far.client_id).used_at = clock.now()
    assert "Hệ thống xin được mã truy cập nhưng chưa hỏi hộp nhận lần nào." in said(hub, far.agency_id)
    far.get("/api/v1/inbox", Date="Mon, 02 Mar 2026 01:00:10 GMT")
    good = said(hub, far.agency_id)
    assert good["Hệ thống đang hỏi hộp nhận đều đặn."] == "good"
    assert good["Đồng hồ của hệ thống đúng."] == "good"
    assert good["Không có văn bản nào chờ trong hộp nhận."] == "good"
    near.hand_in(a_file(hub))
    hub.work()
    clock.advance(timedelta(hours=6))
    hub.work()
    far.get("/api/v1/inbox", Date="Mon, 02 Mar 2026 06:00:00 GMT")
    bad = said(hub, far.agency_id)
    assert bad["1 văn bản chờ quá 4 giờ làm việc."] == "bad"
    assert bad["Đồng hồ của hệ thống chậm 60 phút."] == "bad"
    clock.advance(timedelta(days=2))
    assert said(hub, far.agency_id)["Hệ thống không hỏi hộp nhận từ 2 ngày nay."] == "bad"


def test_a_certificate_that_ends_soon_is_seen(monday: None, hub: Office, far: System) -> None:
    for days, tone in ((200, "good"), (10, "waiting"), (-3, "bad")):
        with hub.db.write() as tx:
            row = tx.session.get_one(ApiClient, far.client_id)
            row.certificate_until = clock.now() + timedelta(days=days)
        found = {words: how for words, how in said(hub, far.agency_id).items() if "Chứng thư" in words}
        assert list(found.values()) == [tone]
        assert seen(hub, far.agency_id).is_sick is (tone != "good")


def test_the_pages_show_every_state(app: Flask, hub: Office, near: System, far: System) -> None:
    """Rendered as the endpoint does it; the pages themselves are walked through in tests/browser."""
    near.hand_in(a_file(hub))
    hub.work()
    with hub.db.write() as tx:
        hook = {"client_id": far.client_id, "agency_id": far.agency_id, "url": "https://x.example/", "secret": "s"}
        tx.session.add(Webhook(**hook, made_at=clock.now(), failures=6, problem="http_500"))
        tx.session.get_one(Mailbox, far.agency_id).held_at = clock.now()
    with app.test_request_context(), hub.db.read() as tx:
        listed = render_template("hub/exchange.html", endpoints=connections.connections(tx, hub.cast.admin))
        one, systems = connections.connection(tx, hub.cast.admin, far.agency_id), connections.systems(tx, far.agency_id)
        context = {
            "one": one,
            "systems": systems,
            "findings": connection_test.findings(one, systems),
            "troubles": [],
            "place": {},
        }
        part = render_template("hub/_endpoint.html", **context)
    assert "Sở Giao thông tỉnh Bạn" in listed
    assert "Đang tạm giữ" in listed
    assert "Máy chủ trả lời mã HTTP 500 thay vì 2xx." in part


def test_a_contact_of_a_system_stands_on_its_page(hub: Office, far: System) -> None:
    with hub.db.write(hub.cast.admin.by) as tx:
        clients.set_contact(tx, hub.cast.admin, far.client_id, clients.Contact("a@b.example", "0912345678"))
    with hub.db.read() as tx:
        (one,) = connections.systems(tx, far.agency_id)
    assert one.contact == "a@b.example · +84912345678"


def test_work_of_the_hub_itself_that_was_given_up_is_named_and_done_at_a_press(
    hub: Office, near: System, far: System
) -> None:
    near.hand_in(a_file(hub))
    with hub.db.write() as tx:
        stuck = sa.update(OutboxRow).where(OutboxRow.topic == "docex.deliver")
        tx.session.execute(stuck.values(state=State.FAILED, finished_at=clock.now(), reason="KeyError: 'x'"))
    hub.work()
    assert waiting(far)["items"] == []
    with hub.db.read() as tx:
        (group,) = dead_letters.groups(tx, hub.cast.admin)
    (one,) = group.items
    assert (one.what, one.detail) == ("1/VP Phối hợp phân luồng giao thông", "Sở Giao thông tỉnh Bạn")
    assert act(hub, dead_letters.all_again, group.partner, "Đã cài bản vá").count == 1
    hub.work()
    assert [item["code"] for item in waiting(far)["items"]] == ["1/VP"]


def test_a_long_mailbox_is_turned_page_by_page(hub: Office, near: System, far: System, monkeypatch: Any) -> None:
    monkeypatch.setattr(connections, "PAGE", 2)
    for number in range(1, 6):
        near.hand_in(a_file(hub, number))
    hub.work()
    codes, below = [], 0
    for _ in range(3):
        with hub.db.read() as tx:
            leaf = connections.parcels(tx, far.agency_id, ParcelState.WAITING, below)
        codes += [p.code for p in leaf.items]
        below = leaf.older
    assert codes == [f"{n}/VP" for n in range(5, 0, -1)]
    assert (below, leaf.counts) == (0, {ParcelState.WAITING: 5})
