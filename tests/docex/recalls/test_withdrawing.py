"""An operator takes a document back while its receiver is at it: what was acknowledged stays, and receipts are true."""

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from docex.documents.models import Delivery
from docex.edxml.progress import Progress, Recall
from docex.exchange.hub import mailbox
from docex.exchange.hub.models import Parcel, Receipt
from docex.exchange.hub.operators import interventions
from docex.exchange.hub.states import ParcelState
from kernel import clock
from kernel.db import Tx
from kernel.errors import Conflict, DomainError, WrongState
from tests.docex.hub.systems import System, a_file
from tests.docex.hub.test_mailbox import fetched, waiting
from tests.docex.office import Office
from tests.web.people import sign_in

Act = Callable[[Tx], Any]


@pytest.fixture
def item(hub: Office, near: System, far: System) -> dict[str, Any]:
    """A document in the mailbox."""
    near.hand_in(a_file(hub))
    hub.work()
    found: dict[str, Any] = waiting(far)["items"][0]
    return found


def withdrawing(hub: Office, far: System, parcel_id: int) -> Act:
    return lambda tx: interventions.withdraw(tx, hub.cast.admin, far.agency_id, parcel_id, "Gửi nhầm")


def leasing(hub: Office, far: System, parcel_id: int) -> Act:
    return lambda tx: mailbox.lease(tx, far.actor, parcel_id)


def acknowledging(hub: Office, far: System, parcel_id: int) -> Act:
    token = far.post(f"/api/v1/inbox/{parcel_id}/lease").get_json()["token"]
    return lambda tx: mailbox.acknowledge(tx, far.actor, parcel_id, token)


def at_once(hub: Office, first: Act, second: Act) -> tuple[Any, Any]:
    """Two real transactions: the second begins while the first has done its work and is not yet committed."""
    done, answers = Event(), dict[str, Any]()

    def do(name: str, act: Act, *, pause: bool = False) -> None:
        try:
            with hub.db.write(name) as tx:
                act(tx)
                if pause:
                    done.set()
                    time.sleep(
                        0.2
                    )  # the second one runs into the locks meanwhile; without it, it would only come later
            answers[name] = None
        except DomainError as error:
            answers[name] = type(error)
        finally:
            done.set()

    one = Thread(target=do, args=("first", first), kwargs={"pause": True})
    two = Thread(target=do, args=("second", second))
    one.start()
    done.wait()
    two.start()
    for thread in (one, two):
        thread.join()
    return answers["first"], answers["second"]


def kinds(hub: Office) -> set[str]:
    """The kinds of the receipts."""
    with hub.db.read() as tx:
        return set(tx.session.scalars(sa.select(Receipt.kind)))


def became(hub: Office) -> tuple[str, str, str]:
    with hub.db.read() as tx:
        delivery, parcel = tx.session.scalars(sa.select(Delivery)).one(), tx.session.scalars(sa.select(Parcel)).one()
        return delivery.progress, delivery.recall, parcel.state


WITH_THEM = {"submitted", "available", "retrieved"}
TAKEN_BACK = {"submitted", "available", "withdrawn"}


def test_an_acknowledgement_that_is_being_written_wins(hub: Office, far: System, item: dict[str, Any]) -> None:
    answers = at_once(hub, acknowledging(hub, far, item["id"]), withdrawing(hub, far, item["id"]))
    assert answers == (None, WrongState)
    assert became(hub) == (Progress.ARRIVED, Recall.NONE, ParcelState.FETCHED)
    assert kinds(hub) == WITH_THEM


def test_while_a_system_is_at_it_it_is_not_taken_back_and_its_acknowledgement_counts(
    hub: Office, far: System, item: dict[str, Any]
) -> None:
    answers = at_once(hub, withdrawing(hub, far, item["id"]), acknowledging(hub, far, item["id"]))
    assert answers == (WrongState, None)
    assert became(hub) == (Progress.ARRIVED, Recall.NONE, ParcelState.FETCHED)
    assert kinds(hub) == WITH_THEM


def test_a_lease_that_is_being_given_wins(hub: Office, far: System, item: dict[str, Any]) -> None:
    answers = at_once(hub, leasing(hub, far, item["id"]), withdrawing(hub, far, item["id"]))
    assert answers == (None, WrongState)
    assert became(hub) == (Progress.AVAILABLE, Recall.NONE, ParcelState.WAITING)


def test_a_withdrawal_that_is_being_written_wins_over_the_lease(hub: Office, far: System, item: dict[str, Any]) -> None:
    answers = at_once(hub, withdrawing(hub, far, item["id"]), leasing(hub, far, item["id"]))
    assert answers == (None, WrongState)
    assert became(hub) == (Progress.AVAILABLE, Recall.AGREED, ParcelState.WITHDRAWN)
    assert kinds(hub) == TAKEN_BACK
    assert far.get(f"/api/v1/inbox/{item['id']}/envelope").status_code == 409


def test_when_the_lease_has_run_out_it_is_taken_back_and_whoever_has_it_all_the_same_is_asked_for_it(
    hub: Office, far: System, item: dict[str, Any]
) -> None:
    with clock.frozen(clock.now()):
        late = acknowledging(hub, far, item["id"])
        clock.advance(mailbox.LEASE)
        assert at_once(hub, withdrawing(hub, far, item["id"]), late) == (None, None)
        assert kinds(hub) == TAKEN_BACK | WITH_THEM
        hub.work()
        assert became(hub) == (Progress.ARRIVED, Recall.ASKED, ParcelState.FETCHED)
        assert [one["id"] for one in far.get("/api/v1/recalls").get_json()["items"]] == [item["id"]]
        with hub.db.write() as tx:
            late(tx)  # again: the first receipt, and no second question
        hub.work()
        far.post(f"/api/v1/inbox/{item['id']}/status", {"code": "15"})
        assert became(hub)[1] == Recall.AGREED


def test_an_acknowledgement_after_the_lease_that_comes_first_wins(
    hub: Office, far: System, item: dict[str, Any]
) -> None:
    with clock.frozen(clock.now()):
        late = acknowledging(hub, far, item["id"])
        clock.advance(mailbox.LEASE)
        assert at_once(hub, late, withdrawing(hub, far, item["id"])) == (None, WrongState)
        assert kinds(hub) == WITH_THEM


def test_what_its_system_reported_on_without_fetching_is_not_taken_back(
    hub: Office, far: System, item: dict[str, Any]
) -> None:
    far.post(f"/api/v1/inbox/{item['id']}/status", {"code": "03"})
    with hub.db.write(hub.cast.admin.by) as tx, pytest.raises(WrongState):
        withdrawing(hub, far, item["id"])(tx)
    assert "withdrawn" not in kinds(hub)


def test_the_operator_is_told_why_and_keeps_what_was_typed(
    app: Flask, hub: Office, far: System, item: dict[str, Any]
) -> None:
    token = far.post(f"/api/v1/inbox/{item['id']}/lease").get_json()["token"]
    http = sign_in(app, "quantri")
    path = f"/admin/exchange/{far.agency_id}/parcels/{item['id']}/withdraw"
    answer = http.post(path, data={"reason": "Gửi nhầm, công văn 12/VP xin rút"})
    assert answer.status_code == 409
    assert "Hệ thống của nơi nhận đang lấy văn bản này." in answer.text
    assert "Gửi nhầm, công văn 12/VP xin rút</textarea>" in answer.text
    assert far.post(f"/api/v1/inbox/{item['id']}/ack", {"token": token}).status_code == 200


def test_a_held_mailbox_gives_nothing_out_but_who_had_begun_may_finish(
    app: Flask, hub: Office, near: System, far: System, item: dict[str, Any]
) -> None:
    near.hand_in(a_file(hub, 2))
    hub.work()
    first, second = waiting(far)["items"]
    token = far.post(f"/api/v1/inbox/{first['id']}/lease").get_json()["token"]
    with hub.db.write(hub.cast.admin.by) as tx:
        interventions.hold(tx, hub.cast.admin, far.agency_id, "Nghi bị lộ khoá")
    assert far.post(f"/api/v1/inbox/{second['id']}/lease").status_code == 409
    assert far.get(f"/api/v1/inbox/{second['id']}/envelope").status_code == 409
    assert far.get(f"/api/v1/inbox/{first['id']}/envelope").status_code == 200
    assert far.post(f"/api/v1/inbox/{first['id']}/ack", {"token": token}).status_code == 200
    with hub.db.write(hub.cast.admin.by) as tx:
        interventions.release(tx, hub.cast.admin, far.agency_id)
    assert fetched(far, second).status_code == 200


def test_a_token_that_the_operator_overtook_is_worth_nothing_before_and_after(
    hub: Office, far: System, item: dict[str, Any]
) -> None:
    """Laying it out anew is the operator's way past a system that hangs."""
    stuck = acknowledging(hub, far, item["id"])
    with hub.db.write(hub.cast.admin.by) as tx:
        interventions.resend(tx, hub.cast.admin, far.agency_id, item["id"], "Hệ thống treo")
        withdrawing(hub, far, item["id"])(tx)
    with hub.db.write() as tx, pytest.raises(Conflict):
        stuck(tx)
    assert kinds(hub) == TAKEN_BACK
