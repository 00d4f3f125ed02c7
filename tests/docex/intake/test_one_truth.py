"""An agency with pages and a system of its own: what the system reports moves the copy that the pages show."""

from uuid import uuid4

import pytest
from flask import Flask

from directory.models import Agency
from docex.documents.incoming import submission_sheets
from docex.documents.models import Incoming
from docex.documents.states import IncomingState
from docex.edxml import StatusMessage, write
from docex.edxml.codes import StatusCode
from docex.edxml.model import Organ, ResponseFor
from docex.exchange import dispatch
from docex.exchange.hub.models import Parcel
from kernel import clock
from tests.docex.hub.systems import FAR, System, a_letter
from tests.docex.office import Office

pytestmark = pytest.mark.long_proof

FRIEND = Organ(FAR, "Sở Giao thông tỉnh Bạn")


class Letter:
    """A letter of the far agency that lies on the pages of the city office."""

    def __init__(self, hub: Office, near: System, far: System, number: int = 1) -> None:
        self.hub, self.near = hub, near
        city = Organ(hub.cast.city.code, hub.cast.city.name)
        self.envelope = a_letter(hub, number, sender=FRIEND, receivers=(city,), document_id=f"{FAR},2026,{number}")
        self.number = far.hand_in(write(self.envelope)).get_json()["id"]
        hub.work()

    def reported(self, code: StatusCode, description: str = "") -> str:
        """The city's own system says it. Answers whether it counted."""
        about = ResponseFor(FAR, "1/VP", self.envelope.document_id, clock.today())
        city = Organ(self.hub.cast.city.code, self.hub.cast.city.name)
        status = write(StatusMessage(city, about, code, description, clock.now()))
        answer = self.near.hand_in(status, Idempotency_Key=uuid4().hex)
        assert answer.status_code == 202, answer.get_json()
        self.hub.work()
        return str(answer.get_json()["state"])

    @property
    def copy(self) -> Incoming:
        """The copy on the pages."""
        return self.hub.incoming(self.hub.cast.ha)[0]

    def told(self) -> list[tuple[str, str]]:
        """The acts in the page's timeline, oldest first."""
        moments = self.hub.incoming_sheet(self.hub.cast.ha, self.copy.id).timeline
        return [(m.title.vi, m.by if isinstance(m.by, str) else m.by.vi) for m in reversed(moments)]


@pytest.fixture
def letter(hub: Office, near: System, far: System) -> Letter:
    return Letter(hub, near, far)


def test_what_the_system_says_is_what_the_pages_show_and_they_say_who_said_it(letter: Letter, far: System) -> None:
    steps = [
        (StatusCode.REGISTERED, IncomingState.REGISTERED),
        (StatusCode.ASSIGNED, IncomingState.ASSIGNED),
        (StatusCode.WORKING, IncomingState.WORKING),
        (StatusCode.DONE, IncomingState.DONE),
    ]
    for code, state in steps:
        assert letter.reported(code) == "counted"
        assert letter.copy.state == state
    assert letter.reported(StatusCode.WORKING) == "noted"
    assert letter.copy.state == IncomingState.DONE
    assert letter.copy.registered_at is not None
    assert letter.copy.number is None  # it has its number in the book of that system
    who = "Phần mềm QLVB (phần mềm của cơ quan)"
    assert [by for _, by in letter.told()[-4:]] == [who] * 4
    (delivery,) = far.get(f"/api/v1/documents/{letter.number}").get_json()["deliveries"]
    assert delivery["state"] == "06"


def test_steps_that_the_system_left_out_are_gone_too(letter: Letter) -> None:
    assert letter.reported(StatusCode.WORKING) == "counted"
    assert letter.copy.state == IncomingState.WORKING


def test_a_refusal_by_the_system_closes_the_copy_with_its_reason(letter: Letter) -> None:
    letter.reported(StatusCode.REFUSED, "Gửi nhầm nơi nhận")
    assert (letter.copy.state, letter.copy.reason) == (IncomingState.REFUSED, "Gửi nhầm nơi nhận")
    sheet = letter.hub.incoming_sheet(letter.hub.cast.ha, letter.copy.id)
    assert not sheet.acts


def test_people_and_system_work_on_the_same_copy(letter: Letter) -> None:
    hub, clerk, leader = letter.hub, letter.hub.cast.ha, letter.hub.cast.binh
    hub.register(clerk, letter.copy.id)
    number = letter.copy.number
    with hub.db.write(clerk.by) as tx:
        submission_sheets.submit(tx, clerk, letter.copy.id, leader.person_id, "Kính trình")
    assert letter.reported(StatusCode.REGISTERED) == "noted"
    assert letter.copy.state == IncomingState.SUBMITTED
    assert letter.reported(StatusCode.DONE) == "counted"
    assert (letter.copy.state, letter.copy.number) == (IncomingState.DONE, number)
    with hub.db.read() as tx:
        assert submission_sheets.waiting_referral(tx, letter.copy.id) is None


def test_the_system_agrees_to_a_recall_and_the_copy_is_cancelled(letter: Letter, far: System) -> None:
    ask = StatusMessage(
        FRIEND,
        ResponseFor(letter.hub.cast.city.code, "1/VP", letter.envelope.document_id, clock.today()),
        StatusCode.RECALL_ASKED,
        "Gửi nhầm",
        clock.now(),
    )
    assert far.hand_in(write(ask)).status_code == 202
    letter.reported(StatusCode.RECALL_AGREED)
    assert letter.copy.state == IncomingState.CANCELLED
    assert letter.told()[-2][1] == FRIEND.name
    assert letter.told()[-1][1].startswith("Phần mềm QLVB")


def test_what_lies_in_a_mailbox_and_on_pages_is_one_document(
    app: Flask, hub: Office, near: System, far: System
) -> None:
    """The far agency gets pages here while a letter waits for its system."""
    near.hand_in(write(a_letter(hub)))
    hub.work()
    (item,) = far.get("/api/v1/inbox").get_json()["items"]
    with hub.db.write() as tx:
        tx.session.get_one(Agency, far.agency_id).is_local = True
        delivery_id = tx.session.get_one(Parcel, item["id"]).delivery_id
        dispatch.deliver(tx, delivery_id)
    assert far.post(f"/api/v1/inbox/{item['id']}/status", {"code": "03"}).get_json()["state"] == "counted"
    with hub.db.read() as tx:
        copy = tx.session.query(Incoming).filter(Incoming.delivery_id == delivery_id).one()
        assert copy.state == IncomingState.REGISTERED
