"""A system that agrees to a recall (15) of a document that it never fetched is not offered it any more."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from docex.documents.models import Delivery
from docex.edxml import write
from docex.edxml.codes import StatusCode
from docex.edxml.progress import Recall
from docex.exchange.hub.models import Parcel, Receipt
from docex.exchange.hub.states import ParcelState
from kernel import clock
from tests.docex.hub.systems import System, a_letter
from tests.docex.hub.test_mailbox import fetched, waiting
from tests.docex.hub.test_receipts import read_receipt
from tests.docex.intake.test_several import says, stand, update_of
from tests.docex.office import Office

pytestmark = pytest.mark.long_proof

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # 08:00 in Vietnam


@pytest.fixture(autouse=True)
def monday(hub: Office) -> Any:
    with clock.frozen(MONDAY):
        yield


@pytest.fixture
def asked(hub: Office, near: System, far: System) -> dict[str, Any]:
    """A letter that lies unfetched and is asked for, because there is an update of it. Answers its item."""
    letter = a_letter(hub)
    near.hand_in(write(letter), Delivery_TTL="600")
    hub.work()
    near.hand_in(update_of(letter))
    hub.work()
    item: dict[str, Any] = waiting(far)["items"][0]
    assert stand(hub, far.agency_id) == [("available", "13"), ("available", "")]
    return item


def kinds(hub: Office, delivery_id: int = 1) -> Counter[str]:
    with hub.db.read() as tx:
        return Counter(tx.session.scalars(sa.select(Receipt.kind).where(Receipt.delivery_id == delivery_id)))


def agrees(hub: Office, far: System, item: dict[str, Any], as_file: bool) -> None:
    if as_file:
        assert says(hub, far, item["document_id"], StatusCode.RECALL_AGREED) == "counted"
    else:
        assert far.post(f"/api/v1/inbox/{item['id']}/status", {"code": "15"}).get_json()["state"] == "counted"


@pytest.mark.parametrize("as_file", [True, False], ids=["edXML", "JSON"])
def test_it_is_withdrawn_and_that_is_signed_with_what_its_sender_gave_as_the_reason(
    app: Flask, hub: Office, far: System, asked: dict[str, Any], as_file: bool
) -> None:
    agrees(hub, far, asked, as_file)
    assert stand(hub, far.agency_id) == [("available", "15"), ("available", "")]
    assert [one["business"] for one in waiting(far)["items"]] == [2]
    assert far.post(f"/api/v1/inbox/{asked['id']}/lease").status_code == 409
    assert kinds(hub) == {"available": 1, "withdrawn": 1}
    with hub.db.read() as tx:
        receipt = tx.session.scalars(sa.select(Receipt).where(Receipt.kind == "withdrawn")).one()
    assert read_receipt(app, receipt.jws)["reason"] == "Bổ sung phụ lục"
    clock.advance(timedelta(minutes=11))
    hub.work()
    assert kinds(hub) == {"available": 1, "withdrawn": 1}


def test_who_is_fetching_it_may_finish_and_is_not_asked_again(hub: Office, far: System, asked: dict[str, Any]) -> None:
    token = far.post(f"/api/v1/inbox/{asked['id']}/lease").get_json()["token"]
    agrees(hub, far, asked, as_file=False)
    assert far.post(f"/api/v1/inbox/{asked['id']}/ack", {"token": token}).status_code == 200
    hub.work()
    assert stand(hub, far.agency_id)[0] == ("01", "15")
    assert kinds(hub) == {"available": 1, "retrieved": 1}


def test_who_began_to_fetch_it_and_never_finished_loses_it_when_the_term_ends(
    hub: Office, far: System, asked: dict[str, Any]
) -> None:
    far.post(f"/api/v1/inbox/{asked['id']}/lease")
    agrees(hub, far, asked, as_file=False)
    clock.advance(timedelta(minutes=11))
    hub.work()
    assert stand(hub, far.agency_id)[0] == ("expired", "15")
    assert far.post(f"/api/v1/inbox/{asked['id']}/lease").status_code == 409
    assert kinds(hub) == {"available": 1, "expired": 1}


def test_what_was_fetched_stays_fetched(hub: Office, far: System, asked: dict[str, Any]) -> None:
    fetched(far, asked)
    agrees(hub, far, asked, as_file=False)
    assert stand(hub, far.agency_id)[0] == ("01", "15")
    assert "withdrawn" not in kinds(hub)


def test_what_lay_so_already_ends_with_its_term(hub: Office, far: System, asked: dict[str, Any]) -> None:
    with hub.db.write() as tx:
        tx.session.get_one(Delivery, 1).recall = Recall.AGREED
    clock.advance(timedelta(minutes=11))
    hub.work()
    with hub.db.read() as tx:
        assert tx.session.get_one(Parcel, asked["id"]).state == ParcelState.EXPIRED
