"""A document that nobody has fetched is taken back at once, on every way and for good; only those that have it are
asked."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from docex.dashboard import workflow
from docex.documents.delivery import transport
from docex.documents.incoming import handling
from docex.documents.models import Delivery, Dispatch, Document, Incoming
from docex.documents.states import DocumentState
from docex.edxml import Envelope, write
from docex.edxml.codes import StatusCode
from docex.edxml.model import Organ, ResponseFor, StatusMessage
from docex.edxml.progress import Progress, Recall
from docex.exchange.hub.models import Parcel, Receipt
from docex.exchange.hub.operators import interventions
from docex.exchange.recalls import withdrawal
from docex.jobs.workflow import begin_jobs
from kernel import clock
from kernel.db import Tx
from kernel.outbox import OutboxRow, State, Topic
from notify.models import Message
from tests.docex.hub.systems import System, a_letter, an_agency
from tests.docex.hub.test_mailbox import fetched, waiting
from tests.docex.office import Office
from tests.docex.recalls.test_recalls import recall_of

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # 08:00 in Vietnam
UNSERVED = "H98.09"


def recall(hub: Office, number: int) -> None:
    with hub.db.write(hub.cast.ha.by) as tx:
        withdrawal.recall(tx, hub.cast.ha, number, "Gửi nhầm")
    hub.work()


def recalled(hub: Office) -> Counter[str]:
    """The recall states of the deliveries."""
    with hub.db.read() as tx:
        return Counter(tx.session.scalars(sa.select(Delivery.recall)))


def lan_agrees(hub: Office) -> None:
    with hub.db.write(hub.cast.lan.by) as tx:
        handling.agree_recall(tx, hub.cast.lan, hub.incoming(hub.cast.lan)[0].id)
    hub.work()


@pytest.mark.parametrize(
    ("served", "days", "before"),
    [
        (True, 0, Progress.AVAILABLE),
        (True, 4, Progress.EXPIRED),
        (False, 0, Progress.SUBMITTED),
        (False, 4, Progress.UNDELIVERABLE),
    ],
)
def test_a_recall_ends_though_one_receiver_never_had_it(
    app: Flask, hub: Office, served: bool, days: int, before: str
) -> None:
    agency_id = an_agency(hub, UNSERVED, "Sở Xây dựng tỉnh Bạn")
    with clock.frozen(MONDAY):
        far = System(app, hub, agency_id) if served else None
        number = hub.on_its_way(recipients=(hub.cast.finance.id, agency_id))
        clock.advance(timedelta(days=days))
        hub.work()
        with hub.db.read() as tx:
            assert before in tx.session.scalars(sa.select(Delivery.progress)).all()
        item = waiting(far)["items"] if far and not days else []
        recall(hub, number)
        assert recalled(hub) == {Recall.AGREED: 1, Recall.ASKED: 1}
        assert hub.document(number).state == DocumentState.RECALLING
        lan_agrees(hub)
        assert hub.document(number).state == DocumentState.RECALLED
        with hub.db.read() as tx:
            assert tx.session.scalars(sa.select(Receipt.kind).where(Receipt.kind == "withdrawn")).all() == ["withdrawn"]
        late = far or System(app, hub, agency_id)
        waiting(late)
        hub.work()
        assert waiting(late)["items"] == late.get("/api/v1/recalls").get_json()["items"] == []
        for one in item:
            assert late.post(f"/api/v1/inbox/{one['id']}/lease").status_code == 409
            assert late.get(f"/api/v1/inbox/{one['id']}/envelope").status_code == 409
        clock.advance(timedelta(days=30))
        hub.work()
        assert recalled(hub) == {Recall.AGREED: 2}


def test_who_is_fetching_it_at_this_moment_is_asked_and_if_the_term_ends_first_it_is_taken_back(
    app: Flask, hub: Office
) -> None:
    with clock.frozen(MONDAY):
        far = System(app, hub, an_agency(hub, UNSERVED, "Sở Xây dựng tỉnh Bạn"))
        number = hub.on_its_way(recipients=(far.agency_id,))
        (item,) = waiting(far)["items"]
        far.post(f"/api/v1/inbox/{item['id']}/lease")
        recall(hub, number)
        assert [one["id"] for one in far.get("/api/v1/recalls").get_json()["items"]] == [item["id"]]
        clock.advance(timedelta(days=4))
        hub.work()
        assert recalled(hub) == {Recall.AGREED: 1}
        assert hub.document(number).state == DocumentState.RECALLED
        with hub.db.write(hub.cast.admin.by) as tx:
            assert interventions.requeue_expired(tx, hub.cast.admin, far.agency_id, "Đặt lại") == 0


class Gone(transport.Transport):
    """A way by which it left, and of which nobody knows whether it arrived."""

    name = "gone"

    def take_back(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> bool:
        return False


def test_who_may_have_it_and_never_says_so_is_asked_but_not_waited_for(hub: Office) -> None:
    agency_id = an_agency(hub, UNSERVED, "Sở Xây dựng tỉnh Bạn")
    transport.register(Gone())
    try:
        with clock.frozen(MONDAY):
            number = hub.on_its_way(recipients=(agency_id,))
            recall(hub, number)
            assert (recalled(hub), hub.document(number).state) == ({Recall.ASKED: 1}, DocumentState.RECALLING)
            clock.advance(timedelta(days=4))
            hub.work()
            assert (recalled(hub), hub.document(number).state) == ({Recall.ASKED: 1}, DocumentState.RECALLED)
    finally:
        del transport._transports["gone"]


def test_an_update_lets_the_earlier_one_be_fetched(hub: Office, far: System) -> None:
    """A system that knows the first one only by its update might refuse that."""
    number = hub.on_its_way(recipients=(far.agency_id,))
    with hub.db.write(hub.cast.ha.by) as tx:
        (delivery_id,) = withdrawal.asked_of(tx, number)
        withdrawal.ask_back(tx, [delivery_id], "Có bản mới", withdraw=False)
    (item,) = waiting(far)["items"]
    assert item["recall"] == Recall.ASKED


@pytest.mark.long_proof
@pytest.mark.parametrize("one_by_one", [True, False])
def test_a_broadcast_that_is_recalled_before_it_is_brought_reaches_nobody(
    app: Flask, hub: Office, near: System, one_by_one: bool
) -> None:
    served, own = an_agency(hub, "H98.10", "Sở Y tế tỉnh Bạn"), System(app, hub, an_agency(hub, "H98.11", "Sở Nội vụ"))
    codes = [f"H97.{n:03}" for n in range(25)]
    for code in codes:
        an_agency(hub, code, f"Cơ quan {code}", is_local=True)
    names = [hub.cast.finance.code, "H98.10", "H98.11", *codes]
    letter = a_letter(hub, receivers=tuple(Organ(code, code) for code in names))
    number = near.hand_in(write(letter)).get_json()["id"]
    if one_by_one:
        with hub.db.write(hub.cast.ha.by) as tx:
            rows = tx.session.scalars(sa.select(Delivery.id).where(Delivery.dispatch_id == number)).all()
            for delivery_id in rows:
                withdrawal.ask_back(tx, [delivery_id], "Gửi nhầm", withdraw=True)
    else:
        assert near.hand_in(recall_of(letter, "Gửi nhầm")).status_code == 202
    late = System(app, hub, served)
    waiting(late)
    hub.work()
    assert recalled(hub) == {Recall.AGREED: len(names)}
    assert waiting(own)["items"] == waiting(late)["items"] == []
    with hub.db.read() as tx:
        assert tx.session.scalars(sa.select(Incoming.id)).all() == []
        assert tx.session.scalars(sa.select(Parcel.id)).all() == []


def test_what_an_inbox_here_waits_for_is_not_laid_into_a_mailbox(app: Flask, hub: Office, near: System) -> None:
    finance, later = System(app, hub, hub.cast.finance.id), clock.now() + timedelta(minutes=2)
    near.hand_in(write(a_letter(hub, receivers=(Organ(hub.cast.finance.code, hub.cast.finance.name),))))
    with hub.db.write() as tx:
        tx.session.execute(sa.update(OutboxRow).where(OutboxRow.topic == "docex.deliver").values(due_at=later))
    waiting(finance)  # for the first time: what waited is brought, before the inbox has it
    hub.work()
    assert waiting(finance)["items"] == []
    with clock.frozen(later):
        hub.work()
    assert [copy.code for copy in hub.incoming(hub.cast.lan)] == ["1/VP"]


def bells(hub: Office) -> list[str]:
    """The messages that Lan was sent."""
    with hub.db.read() as tx:
        query = sa.select(Message.kind).where(Message.person_id == hub.cast.lan.person_id).order_by(Message.id)
        return list(tx.session.scalars(query))


def thirteen(hub: Office, letter: Envelope) -> bytes:
    """The sender asks by a status."""
    about = ResponseFor(hub.cast.finance.code, "1/VP", letter.document_id, clock.today())
    sender = Organ(hub.cast.city.code, hub.cast.city.name)
    return write(StatusMessage(sender, about, StatusCode.RECALL_ASKED, "Gửi nhầm", clock.now()))


@pytest.mark.long_proof
@pytest.mark.parametrize("as_status", [False, True])
def test_a_recall_by_a_system_rings_at_the_clerks_as_one_by_the_page_does(
    hub: Office, near: System, as_status: bool
) -> None:
    letter = a_letter(hub, receivers=(Organ(hub.cast.finance.code, hub.cast.finance.name),))
    near.hand_in(write(letter))
    hub.work()
    assert bells(hub) == []
    data = thirteen(hub, letter) if as_status else recall_of(letter, "Gửi nhầm")
    answer = near.hand_in(data)
    assert near.hand_in(data).get_data() == answer.get_data()
    if as_status:
        assert answer.get_json()["state"] == "counted"
    hub.work()
    assert set(bells(hub)) == {"document.waits"}
    (copy,) = hub.incoming(hub.cast.lan)
    with hub.db.read() as tx:
        assert [line.url for line in workflow.recalls_to_answer(tx, hub.cast.lan) or []] == [f"/documents/in/{copy.id}"]


def test_a_recall_of_what_was_refused_ends_at_once(hub: Office, near: System, far: System) -> None:
    letter = a_letter(hub)
    near.hand_in(write(letter))
    hub.work()
    (item,) = waiting(far)["items"]
    fetched(far, item)
    far.post(f"/api/v1/inbox/{item['id']}/status", {"code": "02", "description": "Sai nơi nhận"})
    near.hand_in(recall_of(letter, "Gửi nhầm"))
    assert recalled(hub) == {Recall.AGREED: 1}
    assert far.get("/api/v1/recalls").get_json()["items"] == []


def as_the_old_release_left_it(hub: Office, progress: Progress) -> None:
    """It asked everybody, also who had let the term pass, and looked at answers only."""
    lost = Delivery.progress == progress
    with hub.db.write() as tx:
        tx.session.execute(sa.update(Delivery).where(lost).values(recall=Recall.ASKED, reason="Gửi nhầm"))
        tx.session.execute(sa.update(Document).values(state=DocumentState.RECALLING))
        tx.session.execute(sa.update(OutboxRow).where(OutboxRow.topic == "docex.settle").values(state=State.DONE))


@pytest.mark.long_proof
@pytest.mark.repeats("docex.free_asked")
@pytest.mark.parametrize("served", [True, False])
def test_a_recall_that_an_old_release_left_hanging_is_freed_when_a_worker_starts(
    app: Flask, hub: Office, served: bool
) -> None:
    agency_id = an_agency(hub, UNSERVED, "Sở Xây dựng tỉnh Bạn")
    with clock.frozen(MONDAY):
        if served:
            System(app, hub, agency_id)
        number = hub.on_its_way(recipients=(hub.cast.finance.id, agency_id))
        clock.advance(timedelta(days=4))
        hub.work()
        as_the_old_release_left_it(hub, Progress.EXPIRED if served else Progress.UNDELIVERABLE)
        begin_jobs(hub.config, hub.db)
        hub.work()
        assert (recalled(hub), hub.document(number).state) == (
            {Recall.AGREED: 1, Recall.NONE: 1},
            DocumentState.RECALLING,  # Lan has it, and was never asked
        )
        with hub.db.write(hub.cast.ha.by) as tx:
            withdrawal.ask_back(tx, withdrawal.asked_of(tx, number), "Gửi nhầm", withdraw=True)
        lan_agrees(hub)
        assert hub.document(number).state == DocumentState.RECALLED
        with hub.db.write() as tx:
            tx.outbox(Topic("docex.free_asked"), "again", {"after": 0})
        begin_jobs(hub.config, hub.db)
        hub.work()
        with hub.db.read() as tx:
            kinds = tx.session.scalars(sa.select(Receipt.kind).where(Receipt.kind == "withdrawn"))
            assert kinds.all() == ["withdrawn"]


def test_an_old_recall_of_one_who_may_have_it_ends_too_though_nobody_says_that_it_came_back(hub: Office) -> None:
    agency_id = an_agency(hub, UNSERVED, "Sở Xây dựng tỉnh Bạn")
    with clock.frozen(MONDAY):
        number = hub.on_its_way(recipients=(agency_id,))
        clock.advance(timedelta(days=4))
        hub.work()
        as_the_old_release_left_it(hub, Progress.UNDELIVERABLE)
        transport.register(Gone())
        try:
            begin_jobs(hub.config, hub.db)
            hub.work()
        finally:
            del transport._transports["gone"]
        assert (recalled(hub), hub.document(number).state) == ({Recall.ASKED: 1}, DocumentState.RECALLED)
