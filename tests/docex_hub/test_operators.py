"""The operator's page: how the systems are doing, and what can be done about it."""

from datetime import timedelta

import pytest
from flask import Flask

from directory.access import is_instance_admin
from docex.hub import operators
from kernel import clock
from kernel.errors import Forbidden, Invalid, NotFound
from tests.docex.office import Office
from tests.docex_hub.systems import System, a_file
from tests.docex_hub.test_mailbox import fetched, waiting


def test_the_page_says_who_asked_and_what_waits(app: Flask, hub: Office, near: System, far: System) -> None:
    near.hand_in(a_file(hub))
    hub.work()
    far.get("/api/v1/inbox", User_Agent="QLVB/4.2")
    with hub.db.read() as tx:
        assert is_instance_admin(tx, hub.cast.admin)
        (one,) = operators.endpoints(tx, hub.cast.admin)
    assert (one.code, one.backlog, one.polled_by, one.expired) == ("H98.07", 1, "QLVB/4.2", 0)
    assert one.oldest_at is not None
    with hub.db.read() as tx, pytest.raises(Forbidden):
        operators.endpoints(tx, hub.cast.ha)


def test_a_mailbox_is_held_with_a_reason_and_released(hub: Office, near: System, far: System) -> None:
    near.hand_in(a_file(hub))
    hub.work()
    admin = hub.cast.admin
    with pytest.raises(Invalid), hub.db.write(admin.by) as tx:
        operators.hold(tx, admin, far.agency_id, " ")
    with hub.db.write(admin.by) as tx:
        operators.hold(tx, admin, far.agency_id, "Hệ thống đang nâng cấp")
    assert waiting(far)["held"] is True
    with hub.db.write(admin.by) as tx:
        operators.release(tx, admin, far.agency_id)
    assert len(waiting(far)["items"]) == 1
    with pytest.raises(NotFound), hub.db.write(admin.by) as tx:
        operators.hold(tx, admin, near.agency_id, "không có hộp nhận")
    with pytest.raises(Forbidden), hub.db.write(hub.cast.ha.by) as tx:
        operators.release(tx, hub.cast.ha, far.agency_id)


def test_what_expired_can_be_laid_out_anew_and_fetched(hub: Office, near: System, far: System) -> None:
    admin = hub.cast.admin
    with clock.frozen(clock.now()):
        near.hand_in(a_file(hub), Delivery_TTL="60")
        hub.work()
        seen = waiting(far)["next"]
        clock.advance(timedelta(minutes=2))
        hub.work()
        assert waiting(far)["items"] == []
        with hub.db.write(admin.by) as tx:
            assert operators.send_again(tx, admin, far.agency_id) == 1
        with hub.db.write(admin.by) as tx:
            assert operators.send_again(tx, admin, far.agency_id) == 0
        hub.work()
        (item,) = waiting(far, after=seen)["items"]  # also for a reader that had passed it
        assert fetched(far, item).status_code == 200


def test_the_page_opens_for_administrators(app: Flask, hub: Office, near: System, far: System) -> None:
    near.hand_in(a_file(hub))
    hub.work()
    with app.test_request_context():
        from flask import render_template

        with hub.db.read() as tx:
            page = render_template("hub/exchange.html", endpoints=operators.endpoints(tx, hub.cast.admin))
    assert "Sở Giao thông tỉnh Bạn" in page
