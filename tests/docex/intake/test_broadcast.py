"""One envelope for many agencies: brought in stretches, and what is wrong with one recipient is wrong with it alone."""

from collections import Counter
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask

from docex.documents.delivery import transport
from docex.documents.models import Delivery, Dispatch
from docex.edxml.model import Organ
from docex.edxml.progress import Progress
from docex.exchange import dispatch
from docex.exchange.hub.mailbox_notifier import notifier_of
from docex.exchange.hub.models import Parcel, Receipt
from kernel.db import Tx
from kernel.outbox import OutboxRow, State, Topic
from tests.docex.hub.systems import System, a_file, an_agency
from tests.docex.hub.test_mailbox import until
from tests.docex.office import Office

CODES = [f"H97.{number:03}" for number in range(dispatch.BATCH_SIZE * 2 + 5)]


class Refusing(transport.Transport):
    """A way that breaks over one agency."""

    name = "refusing"

    def __init__(self, agency_id: int) -> None:
        self.agency_id = agency_id

    def carry(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> bool:
        if delivery.agency_id == self.agency_id:
            raise RuntimeError("no way to this one")
        return False


@pytest.fixture
def systems(app: Flask, hub: Office) -> dict[str, System]:
    return {code: System(app, hub, an_agency(hub, code, f"Cơ quan {code}")) for code in CODES}


@pytest.fixture
def broken(systems: dict[str, System]) -> Iterator[int]:
    """The id of an agency over which a way breaks."""
    agency_id = systems[CODES[3]].agency_id
    transport._transports = {"refusing": Refusing(agency_id), **transport._transports}  # asked before the mailboxes
    yield agency_id
    del transport._transports["refusing"]


def hand_in(hub: Office, near: System) -> int:
    answer = near.hand_in(a_file(hub, receivers=tuple(Organ(code, code) for code in CODES)))
    assert answer.status_code == 202, answer.get_json()
    number: int = answer.get_json()["id"]
    return number


def progress(hub: Office, number: int) -> Counter[str]:
    with hub.db.read() as tx:
        return Counter(tx.session.scalars(sa.select(Delivery.progress).where(Delivery.dispatch_id == number)))


@pytest.mark.usefixtures("systems")
def test_every_agency_has_it_with_a_receipt_that_follows_the_first(hub: Office, near: System) -> None:
    number = hand_in(hub, near)
    with hub.db.read() as tx:
        jobs = tx.session.scalars(sa.select(OutboxRow.id).where(OutboxRow.topic == "docex.deliver")).all()
    assert len(jobs) == 3
    hub.work()
    assert progress(hub, number) == {Progress.AVAILABLE: len(CODES)}
    with hub.db.read() as tx:
        parcels = Counter(tx.session.scalars(sa.select(Parcel.agency_id)))
        about = Counter(tx.session.scalars(sa.select(Receipt.receiver_id).where(Receipt.kind == "available")))
    assert len(parcels) == len(about) == len(CODES)
    assert set(parcels.values()) == set(about.values()) == {1}


@pytest.mark.repeats("docex.deliver")
def test_bringing_a_stretch_again_changes_nothing(hub: Office, near: System, systems: dict[str, System]) -> None:
    number = hand_in(hub, near)
    hub.work()
    before = [system.get("/api/v1/inbox").get_json()["items"] for system in systems.values()]
    with hub.db.write() as tx:
        dispatch.deliver(tx, *tx.session.scalars(sa.select(Delivery.id).where(Delivery.dispatch_id == number)))
    assert [system.get("/api/v1/inbox").get_json()["items"] for system in systems.values()] == before


def test_what_breaks_for_one_agency_keeps_it_from_no_other(hub: Office, near: System, broken: int) -> None:
    number = hand_in(hub, near)
    hub.work()
    assert progress(hub, number) == {Progress.AVAILABLE: len(CODES) - 1, Progress.SUBMITTED: 1}
    with hub.db.read() as tx:
        left = sa.select(Delivery.id).where(Delivery.dispatch_id == number, Delivery.agency_id == broken)
        waiting = sa.select(OutboxRow.key).where(OutboxRow.topic == "docex.deliver", OutboxRow.state == State.WAITING)
        assert tx.session.scalars(waiting).all() == [str(tx.session.scalar(left))]


@pytest.mark.usefixtures("systems")
def test_an_older_promise_for_one_delivery_is_kept(hub: Office, near: System) -> None:
    number = hand_in(hub, near)
    with hub.db.write() as tx:
        tx.session.execute(sa.delete(OutboxRow).where(OutboxRow.topic == "docex.deliver"))
        first = tx.session.scalars(sa.select(Delivery.id).order_by(Delivery.id).limit(1)).one()
        tx.outbox(Topic("docex.deliver"), str(first), {"delivery_id": first})
    hub.work()
    assert progress(hub, number) == {Progress.AVAILABLE: 1, Progress.SUBMITTED: len(CODES) - 1}


def test_what_came_between_a_systems_first_look_and_its_waiting_rings(hub: Office, near: System, far: System) -> None:
    notifier = notifier_of(hub.db)
    far.get("/api/v1/inbox")
    with notifier.listening(far.agency_id, since=0.0), hub.db.read() as looked:
        looked.session.execute(sa.select(Parcel.id)).all()  # from here on it sees one instant
        with notifier.listening(far.agency_id, since=looked.begun) as first:
            near.hand_in(a_file(hub))
            hub.work()
            assert first.wait(60)
        with notifier.listening(far.agency_id, since=looked.begun) as late:
            assert late.is_set()
        until(lambda: is_quiet(hub, far.agency_id))


def is_quiet(hub: Office, agency_id: int) -> bool:
    """Whether what rang before a look does not ring after it. The notifier may hear of the last commit a moment later,
    and rings once more."""
    with hub.db.read() as now, notifier_of(hub.db).listening(agency_id, since=now.begun) as ring:
        return not ring.is_set()
