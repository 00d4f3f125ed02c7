"""An update has the id of what it updates: what a status says by that id is said of the delivery that it can mean."""

from dataclasses import replace
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from docex.documents.delivery.statuses import report_status
from docex.documents.models import Delivery, Dispatch
from docex.documents.states import DocumentState
from docex.edxml import Envelope, StatusMessage, write
from docex.edxml.codes import BusinessKind, StatusCode
from docex.edxml.model import Business, Organ, ResponseFor, UpdateInfo
from docex.edxml.progress import Progress, Recall
from docex.exchange.recalls import withdrawal
from kernel import clock
from tests.docex.hub.systems import FAR, System, a_letter, an_agency
from tests.docex.hub.test_mailbox import fetched, waiting
from tests.docex.office import Office
from tests.docex.recalls.test_recalls import recall_of

pytestmark = pytest.mark.long_proof


def stand(hub: Office, agency_id: int) -> list[tuple[str, str]]:
    """Progress and recall of what an agency was sent, oldest first."""
    with hub.db.read() as tx:
        rows = tx.session.execute(
            sa.select(Delivery.progress, Delivery.recall).where(Delivery.agency_id == agency_id).order_by(Delivery.id)
        )
        return [(progress, recall) for progress, recall in rows]


def says(hub: Office, system: System, key: str, code: StatusCode, reason: str = "", speaker: str = FAR) -> str:
    """The receiver's system hands in a status that names the document only. Answers whether it counted."""
    about = ResponseFor(hub.cast.city.code, "1/VP", key, clock.today())
    status = write(StatusMessage(Organ(speaker, "Sở Giao thông tỉnh Bạn"), about, code, reason, clock.now()))
    answer = system.hand_in(status, Idempotency_Key=uuid4().hex)
    assert answer.status_code == 202, answer.get_json()
    hub.work()
    return str(answer.get_json()["state"])


def update_of(letter: Envelope, reason: str = "Bổ sung phụ lục") -> bytes:
    """The same document again, under the same id, as the official sample does."""
    business = Business(BusinessKind.UPDATE, reason, letter.document_id, updates=(UpdateInfo(True, False),))
    return write(replace(letter, business=business))


@pytest.fixture
def own(hub: Office, far: System) -> tuple[int, str]:
    """A document from the pages that the far agency registered, and then its update, which lies unfetched. Answers the
    document and its id in envelopes."""
    number = hub.sent(recipients=(far.agency_id,))
    with hub.db.read() as tx:
        key = tx.session.scalars(sa.select(Dispatch.document_key)).one()
    fetched(far, waiting(far)["items"][0])
    says(hub, far, key, StatusCode.REGISTERED)
    update(hub, number, far)
    assert stand(hub, far.agency_id) == [("03", "13"), ("available", "")]
    return number, key


def update(hub: Office, number: int, system: System) -> None:
    with hub.db.write(hub.cast.ha.by) as tx:
        withdrawal.resend(tx, hub.cast.ha, number, (system.agency_id,), "Bổ sung phụ lục")
    hub.work()


def recall(hub: Office, number: int) -> None:
    with hub.db.write(hub.cast.ha.by) as tx:
        withdrawal.recall(tx, hub.cast.ha, number, "Sai nội dung")
    hub.work()


@pytest.mark.both_databases
def test_an_answer_closes_the_question_and_a_later_recall_ends(hub: Office, far: System, own: tuple[int, str]) -> None:
    number, key = own
    assert says(hub, far, key, StatusCode.RECALL_AGREED) == "counted"
    assert stand(hub, far.agency_id) == [("03", "15"), ("available", "")]
    fetched(far, waiting(far)["items"][0])
    recall(hub, number)
    assert stand(hub, far.agency_id)[1] == ("01", "13")
    assert says(hub, far, key, StatusCode.RECALL_AGREED) == "counted"
    assert hub.document(number).state == DocumentState.RECALLED


@pytest.mark.parametrize(
    ("code", "state"),
    [(StatusCode.RECALL_AGREED, DocumentState.RECALLED), (StatusCode.RECALL_REFUSED, DocumentState.SENT)],
)
def test_one_answer_closes_every_question_about_the_document(
    hub: Office, far: System, own: tuple[int, str], code: StatusCode, state: DocumentState
) -> None:
    """The receiver never answered what the update asked, and sees one document when its sender wants it back."""
    number, key = own
    fetched(far, waiting(far)["items"][0])
    recall(hub, number)
    assert says(hub, far, key, code, "Đã xử lý") == "counted"
    assert [asked for _, asked in stand(hub, far.agency_id)] == [code, code]
    assert hub.document(number).state == state
    assert says(hub, far, key, code, "Đã xử lý") == "noted"


def test_what_is_said_of_what_was_fetched_does_not_stop_the_clock_of_what_was_not(
    hub: Office, far: System, own: tuple[int, str]
) -> None:
    _, key = own
    assert says(hub, far, key, StatusCode.WORKING) == "counted"
    assert says(hub, far, key, StatusCode.WORKING) == "noted"
    assert stand(hub, far.agency_id) == [("05", "13"), ("available", "")]
    fetched(far, waiting(far)["items"][0])
    assert says(hub, far, key, StatusCode.REGISTERED) == "counted"
    assert stand(hub, far.agency_id) == [("05", "13"), ("03", "")]


def test_what_went_by_another_way_is_there_when_its_receiver_says_so(app: Flask, hub: Office, near: System) -> None:
    """Nobody here sees it fetched: by mail or from an upper axis."""
    unserved = System(app, hub, an_agency(hub, FAR, "Sở Giao thông tỉnh Bạn"), frozenset({"docex.submit"}))
    letter = a_letter(hub)
    for data in (write(letter), update_of(letter)):
        assert near.hand_in(data, Idempotency_Key=uuid4().hex).status_code == 202
        hub.work()
        with hub.db.write() as tx:
            newest = sa.select(Delivery).order_by(Delivery.id.desc()).limit(1)
            report_status(tx, tx.session.scalars(newest).one(), Progress.AVAILABLE)
        if data == write(letter):
            says(hub, unserved, letter.document_id, StatusCode.REGISTERED)
    assert stand(hub, unserved.agency_id) == [("03", "13"), ("available", "")]
    says(hub, unserved, letter.document_id, StatusCode.WORKING)
    assert stand(hub, unserved.agency_id) == [("05", "13"), ("available", "")]
    says(hub, unserved, letter.document_id, StatusCode.ARRIVED)
    assert stand(hub, unserved.agency_id) == [("05", "13"), ("01", "")]
    says(hub, unserved, letter.document_id, StatusCode.REGISTERED)
    assert stand(hub, unserved.agency_id) == [("05", "13"), ("03", "")]


def test_who_says_nothing_but_that_it_registered_has_the_newest(app: Flask, hub: Office, near: System) -> None:
    unserved = System(app, hub, an_agency(hub, FAR, "Sở Giao thông tỉnh Bạn"), frozenset({"docex.submit"}))
    letter = a_letter(hub)
    near.hand_in(write(letter), Idempotency_Key="1")
    hub.work()
    says(hub, unserved, letter.document_id, StatusCode.REGISTERED)
    near.hand_in(update_of(letter), Idempotency_Key="2")
    hub.work()
    says(hub, unserved, letter.document_id, StatusCode.REGISTERED)
    assert [progress for progress, _ in stand(hub, unserved.agency_id)] == ["03", "03"]


def test_a_recall_by_a_system_asks_for_all_that_was_sent_under_the_id(hub: Office, near: System, far: System) -> None:
    letter = a_letter(hub)
    near.hand_in(write(letter), Idempotency_Key="1")
    hub.work()
    fetched(far, waiting(far)["items"][0])
    near.hand_in(update_of(letter), Idempotency_Key="2")
    hub.work()
    says(hub, far, letter.document_id, StatusCode.RECALL_REFUSED, "Đã thực hiện bản trước")
    assert near.hand_in(recall_of(letter, "Gửi nhầm"), Idempotency_Key="3").status_code == 202
    hub.work()
    assert stand(hub, far.agency_id) == [("01", Recall.ASKED), ("available", Recall.AGREED)]
