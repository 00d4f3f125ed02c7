"""A message in a system's list is available like in any mailbox: it has a term, alarms, an operator, and can be taken
back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from directory import clients
from directory.models import Agency
from docex.dashboard import workflow
from docex.documents.models import Delivery, Dispatch
from docex.edxml.codes import BusinessKind, StatusCode
from docex.edxml.model import Business
from docex.edxml.progress import Progress, Recall
from docex.exchange.hub.jobs import register_jobs
from docex.exchange.hub.models import Parcel, Receipt
from docex.exchange.hub.operators import connection_test, connections, interventions
from docex.exchange.recalls import withdrawal
from docex.exchange.vxp import systems
from docex.exchange.vxp.client import VxpClient
from docex.exchange.vxp.models import VxpSystem
from docex.exchange.vxp.systems import Given
from kernel import clock
from kernel.outbox import SendError
from notify.models import Message
from tests.docex.office import Office
from tests.docex.vxp.conftest import ABROAD
from tests.docex.vxp.letters import KEY, a_letter, a_status, organ
from tests.docex.vxp.test_exchange import FRIEND

pytestmark = pytest.mark.long_proof

Made = Callable[[int], VxpClient]
MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # 08:00 in Vietnam


@pytest.fixture
def friend(office: Office, abroad: int, system: Made) -> VxpClient:
    """The system of an agency that is served elsewhere."""
    register_jobs(office.config, office.blobs)
    return system(abroad)


def later(office: Office, **time: float) -> None:
    clock.advance(timedelta(**time))
    office.work()


def step(office: Office) -> str:
    with office.db.read() as tx:
        return tx.session.scalars(sa.select(Delivery.progress)).one()


def signed(office: Office) -> set[str]:
    """The kinds of what was signed."""
    with office.db.read() as tx:
        return set(tx.session.scalars(sa.select(Receipt.kind)))


def told(office: Office) -> list[tuple[str, str]]:
    with office.db.read() as tx:
        query = sa.select(Message.channel, Message.address).where(Message.kind == UNFETCHED).order_by(Message.id)
        return [(channel, address) for channel, address in tx.session.execute(query)]


UNFETCHED = "document.unfetched"
CLERKS, TECHNICIAN = "van-thu@ban.example", "ky-thuat@ban.example"


def test_the_alarms_come_and_at_the_end_of_the_term_it_expires(office: Office, abroad: int, friend: VxpClient) -> None:
    with clock.frozen(MONDAY):
        with office.db.write(office.cast.admin.by) as tx:
            tx.session.get_one(Agency, abroad).email = CLERKS
            known = tx.session.scalars(sa.select(VxpSystem)).one()
            clients.set_contact(tx, office.cast.admin, known.client_id, clients.Contact(TECHNICIAN, ""))
        office.on_its_way(recipients=(abroad,))
        assert (step(office), len(friend.received("edoc"))) == (Progress.AVAILABLE, 1)
        later(office, hours=5, minutes=30)
        with office.db.read() as tx:
            assert tx.session.scalars(sa.select(Parcel.alarm)).all() == [1]
        later(office, days=1)
        assert told(office) == [("email", CLERKS)]
        later(office, days=1)
        assert told(office) == [("email", CLERKS), ("email", TECHNICIAN)]
        later(office, days=1)
        assert (step(office), signed(office)) == (Progress.EXPIRED, {"submitted", "available", "expired"})
        assert (friend.received("edoc"), friend.count("edoc")) == ([], 0)
        with office.db.write(office.cast.admin.by) as tx:
            assert interventions.requeue_expired(tx, office.cast.admin, abroad, "Hệ thống đã chạy lại") == 1
        (line,) = friend.received("edoc")
        friend.update_status(line.doc_id, "done")
        assert (step(office), friend.count("edoc")) == (Progress.RETRIEVED, 0)
        later(office, days=30)
        assert step(office) == Progress.RETRIEVED
        assert "retrieved" in signed(office)


def test_what_was_handed_in_before_there_was_a_system_is_available_once_it_asks(
    office: Office, abroad: int, given: Callable[[int], Given], url: str
) -> None:
    with clock.frozen(MONDAY):
        office.on_its_way(recipients=(abroad,))
        assert step(office) == Progress.SUBMITTED
        found = given(abroad)
        late = VxpClient(url, found.system_id, found.secret, timeout_s=30)
        assert len(late.received("edoc")) == 1
        office.work()
        assert step(office) == Progress.AVAILABLE
        later(office, days=4)
        assert step(office) == Progress.EXPIRED


def test_what_came_while_a_system_was_shut_out_is_brought_to_the_next_one(
    office: Office, abroad: int, friend: VxpClient, system: Made
) -> None:
    with clock.frozen(MONDAY):
        assert friend.received("edoc") == []
        office.work()
        with office.db.write(office.cast.admin.by) as tx:
            systems.revoke(tx, office.cast.admin, tx.session.scalars(sa.select(VxpSystem.client_id)).one())
        office.on_its_way(recipients=(abroad,))
        assert step(office) == Progress.SUBMITTED
        clock.advance(timedelta(hours=1))
        assert len(system(abroad).received("edoc")) == 1
        office.work()
        assert step(office) == Progress.AVAILABLE


def test_the_operator_sees_holds_and_lays_out_anew(office: Office, abroad: int, friend: VxpClient) -> None:
    cast = office.cast
    office.on_its_way(recipients=(abroad,))
    with office.db.read() as tx:
        (one,) = connections.connections(tx, cast.admin)
        assert (one.agency_id, one.polled_at, one.backlog) == (abroad, None, 1)
        assert one.oldest_at is not None
    (line,) = friend.received("edoc")
    with office.db.read() as tx:
        one, systems = connections.connection(tx, cast.admin, abroad), connections.systems(tx, abroad)
        assert one.polled_at is not None
        assert [found.fetches for found in systems] == [True]
        assert {found.tone for found in connection_test.findings(one, systems)} <= {"good", "info"}
    with office.db.write(cast.admin.by) as tx:
        interventions.hold(tx, cast.admin, abroad, "Đang điều tra")
    assert (friend.received("edoc"), friend.count("edoc")) == ([], 0)
    with pytest.raises(SendError, match="20 "):  # known from an earlier list: later, it is told
        friend.content(line.doc_id)
    with office.db.write(cast.admin.by) as tx:
        interventions.release(tx, cast.admin, abroad)
    friend.update_status(line.doc_id, "done")
    with office.db.write(cast.admin.by) as tx:
        parcel = tx.session.scalars(sa.select(Parcel)).one()
        interventions.resend(tx, cast.admin, abroad, parcel.id, "Nơi nhận làm mất tệp")
    assert [again.doc_id for again in friend.received("edoc")] == [line.doc_id]


def test_a_shared_system_stands_on_the_page_of_each_agency_below(
    office: Office, abroad: int, friend: VxpClient, app: Flask
) -> None:
    with office.db.write() as tx:
        below = Agency(code="H98.07.01", name="Phòng Vận tải", is_local=False, parent_id=abroad)
        tx.session.add(below)
        tx.session.scalars(sa.select(VxpSystem)).one().covers_below = True
        tx.session.flush()
        number = below.id
    friend.count("edoc")
    with office.db.read() as tx:
        found = {one.agency_id: one for one in connections.connections(tx, office.cast.admin)}
        assert set(found) == {abroad, number}
        assert found[number].polled_at is not None
        assert [one.name for one in connections.systems(tx, number)] == ["Phần mềm QLVB"]


def take_back(office: Office) -> None:
    with office.db.write(office.cast.ha.by) as tx:
        wanted = list(tx.session.scalars(sa.select(Delivery.id)))
        withdrawal.ask_back(tx, wanted, "Gửi nhầm", withdraw=True)
    office.work()


def recall(office: Office) -> str:
    with office.db.read() as tx:
        return tx.session.scalars(sa.select(Delivery.recall)).one()


def test_what_nobody_fetched_is_taken_back_and_offered_no_more(office: Office, abroad: int, friend: VxpClient) -> None:
    office.on_its_way(recipients=(abroad,))
    (line,) = friend.received("edoc")
    take_back(office)
    assert recall(office) == Recall.AGREED
    assert friend.received("edoc") == friend.received("status") == []
    with pytest.raises(SendError, match="21"):
        friend.content(line.doc_id)
    with pytest.raises(SendError):
        friend.download(line.doc_id, max_bytes=10**7)


@pytest.mark.parametrize("by_operator", [False, True])
def test_a_system_that_had_it_already_when_it_was_taken_back_is_asked_for_it(
    office: Office, abroad: int, friend: VxpClient, by_operator: bool
) -> None:
    """It downloaded before the recall and says `done` after it: the protocol knows no lease that would tell."""
    office.on_its_way(recipients=(abroad,))
    (line,) = friend.received("edoc")
    if by_operator:
        with office.db.write(office.cast.admin.by) as tx:
            parcel = tx.session.scalars(sa.select(Parcel)).one()
            interventions.withdraw(tx, office.cast.admin, abroad, parcel.id, "Gửi nhầm")
    else:
        take_back(office)
    friend.update_status(line.doc_id, "done")
    assert (step(office), recall(office)) == (Progress.RETRIEVED, Recall.ASKED)
    assert len(friend.received("status")) == 1
    city = office.cast.city
    with office.db.read() as tx:
        key = tx.session.scalars(sa.select(Dispatch.document_key)).one()
    friend.send(a_status(FRIEND, city.code, StatusCode.RECALL_AGREED, key=key), ABROAD, "status")
    assert recall(office) == Recall.AGREED


def test_a_recall_by_a_system_rings_at_the_clerks(office: Office, abroad: int, friend: VxpClient) -> None:
    finance = organ(office.cast.finance)
    friend.send(a_letter(FRIEND, finance), ABROAD)
    office.work()
    business = Business(BusinessKind.RECALL, "Gửi nhầm nơi nhận", document_id=KEY)
    friend.send(a_letter(FRIEND, finance, business=business, attachments=()), ABROAD)
    office.work()
    with office.db.read() as tx:
        query = sa.select(Message.kind).where(Message.person_id == office.cast.lan.person_id)
        assert set(tx.session.scalars(query)) == {"document.waits"}
        assert len(workflow.recalls_to_answer(tx, office.cast.lan) or []) == 1
