"""One document system for an agency and all below it, and routes that would go round in circles."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from directory.models import Agency
from docex.edxml.codes import StatusCode
from docex.edxml.model import Organ, Trace
from docex.edxml.progress import Progress
from docex.edxml.relay import has_passed, with_trace
from docex.exchange.vxp import systems, upstream
from docex.exchange.vxp.client import VxpClient
from docex.exchange.vxp.models import VxpSystem
from kernel.outbox import SendError
from tests.docex.edxml import letters as invented
from tests.docex.office import Office
from tests.docex.vxp.letters import AT, KEY, a_letter, a_status, organ
from tests.docex.vxp.test_exchange import progress
from tests.web.people import sign_in

CITY = Organ("H95", "UBND tỉnh Chung")
BOARD = Organ("H95.02", "Sở Nội vụ tỉnh Chung")
WARD = Organ("H95.02.7", "Phòng Cải cách tỉnh Chung")
OTHER = Organ("H94.01", "Sở Nội vụ tỉnh Khác")


@pytest.fixture
def tree(office: Office) -> dict[str, int]:
    """A province elsewhere with a department and a division below it, and somebody else's department."""
    found: dict[str, int] = {}
    with office.db.write() as tx:
        for one, above in ((CITY, None), (BOARD, CITY), (WARD, BOARD), (OTHER, None)):
            parent_id = found[above.code] if above else None
            row = Agency(code=one.code, name=one.name, is_local=False, parent_id=parent_id)
            tx.session.add(row)
            tx.session.flush()
            found[one.code] = row.id
    return found


@pytest.fixture
def shared(office: Office, url: str, tree: dict[str, int]) -> VxpClient:
    """The province's system, for all its agencies."""
    safe = systems.safe_of(office.config)
    with office.db.write(office.cast.admin.by) as tx:
        given = systems.register(tx, office.cast.admin, safe, tree[CITY.code], "QLVB tỉnh", "", covers_below=True)
    return VxpClient(url, given.system_id, given.secret, timeout_s=30)


def listed(client: VxpClient, kind: str = "edoc") -> list[dict[str, Any]]:
    return client._list("getReceivedEdocList", {"servicetype": "eDoc", "messagetype": kind})


def test_it_receives_and_answers_for_every_agency_below(office: Office, shared: VxpClient) -> None:
    city = office.cast.city
    sender = Organ(city.code, city.name)
    own = VxpClient(shared.url, *_registered(office, city.id), timeout_s=30)
    own.send(a_letter(sender, BOARD, WARD), city.code)
    office.work()
    assert [(line["from"], line["to"]) for line in listed(shared)] == [(city.code, BOARD.code), (city.code, WARD.code)]
    assert shared.count("edoc") == 2
    for line in shared.received("edoc"):
        assert shared.download(line.doc_id, max_bytes=10**7) == a_letter(sender, BOARD, WARD)
        shared.update_status(line.doc_id, "done")
    shared.send(a_status(WARD, city.code, StatusCode.REGISTERED, "Số đến 9"), WARD.code, "status")
    assert progress(office) == {BOARD.code: Progress.RETRIEVED, WARD.code: Progress.REGISTERED}
    (told,) = listed(own, "status")
    assert (told["from"], told["to"]) == (WARD.code, city.code)


def _registered(office: Office, agency_id: int) -> tuple[str, str]:
    with office.db.write(office.cast.admin.by) as tx:
        given = systems.register(tx, office.cast.admin, systems.safe_of(office.config), agency_id, "QLVB", "")
    return given.system_id, given.secret


def test_it_sends_in_the_name_of_each_and_of_nobody_else(office: Office, shared: VxpClient) -> None:
    receiver = organ(office.cast.city)
    for sender in (CITY, BOARD, WARD):
        sent = shared.send(a_letter(sender, receiver, document_id=f"{sender.code},2026/03/02,1/X"), sender.code)
        (line,) = shared.sent(sent)
        assert line["fromCode"] == sender.code
    office.work()
    assert {one.sender_name for one in office.incoming(office.cast.ha)} == {CITY.name, BOARD.name, WARD.name}
    assert {line["fromCode"] for line in shared.sent("")} == {CITY.code, BOARD.code, WARD.code}
    for header in (OTHER.code, CITY.code):
        with pytest.raises(SendError, match="19"):
            shared.send(a_letter(OTHER, receiver), header)
    shared.register_agency({"code": WARD.code, "mail": "phong@chung.example"})
    with pytest.raises(SendError, match="19"):
        shared.register_agency({"code": OTHER.code, "mail": "x@y.example"})


def test_what_such_a_system_asks_back_and_what_it_is_told_stays_with_the_right_agency(
    office: Office, shared: VxpClient, tree: dict[str, int]
) -> None:
    shared.send(a_letter(BOARD, organ(office.cast.city)), BOARD.code)
    office.work()
    (incoming,) = office.incoming(office.cast.ha)
    office.register(office.cast.ha, incoming.id)
    assert {line["to"] for line in listed(shared, "status")} == {BOARD.code}
    asked = a_status(BOARD, office.cast.city.code, StatusCode.RECALL_ASKED, "Gửi nhầm", key=KEY)
    sent = shared.send(asked, BOARD.code, "status")
    (line,) = shared.sent(sent, "status")
    assert (line["fromCode"], line["toCode"]) == (BOARD.code, office.cast.city.code)
    with pytest.raises(SendError, match="21"):  # the division never sent it
        shared.send(a_status(WARD, office.cast.city.code, StatusCode.RECALL_ASKED, "Thử", key=KEY), WARD.code, "status")
    lonely = VxpClient(shared.url, *_registered(office, tree[WARD.code]), timeout_s=30)
    assert (lonely.received("status"), lonely.sent("")) == ([], [])


def test_administrators_say_on_the_page_that_a_system_is_shared(app: Flask, office: Office) -> None:
    browser = sign_in(app, "quantri")
    form = {"agency_id": str(office.cast.city.id), "name": "QLVB dùng chung", "system_id": "", "covers_below": "y"}
    assert browser.post("/admin/clients/vxp/new", data=form).status_code == 200
    with office.db.read() as tx:
        assert tx.session.scalars(sa.select(VxpSystem.covers_below)).all() == [True]
    assert "và các cơ quan cấp dưới" in browser.get("/admin/clients/vxp").text


def test_what_this_hub_has_passed_on_is_not_taken_in_again(office: Office, shared: VxpClient) -> None:
    with office.db.read() as tx:
        node = upstream.node_code(tx, "")
    letter = a_letter(BOARD, organ(office.cast.city))
    for data in (with_trace(letter, Trace(node, AT)), with_trace(with_trace(letter, Trace(node, AT)), Trace("H1", AT))):
        with pytest.raises(SendError, match="21 Văn bản đã được chuyển tiếp qua trục này") as refused:
            shared.send(data, BOARD.code)
        assert refused.value.permanent
    assert office.incoming(office.cast.ha) == []
    shared.send(with_trace(letter, Trace("H1", AT)), BOARD.code)  # passed on by another hub


def test_a_document_that_passed_too_many_hubs_goes_no_further(office: Office, shared: VxpClient) -> None:
    far = tuple(Trace(f"H{n}", AT) for n in range(upstream.MAX_HOPS + 1))
    with pytest.raises(SendError, match="21 Văn bản đã qua quá nhiều trục"):
        shared.send(a_letter(BOARD, organ(office.cast.city), traces=far), BOARD.code)
    shared.send(a_letter(BOARD, organ(office.cast.city), traces=far[1:]), BOARD.code)


@pytest.mark.parametrize(
    ("codes", "passed"),
    [(["S"], False), (["S", "S"], True), (["S", "N"], False), (["N"], False), ([], False)],
)
def test_the_first_line_is_the_senders_own_and_every_other_a_relays(codes: list[str], passed: bool) -> None:
    message = invented.letter()
    sender = message.sender.code
    traces = tuple(Trace(sender if code == "S" else "N", AT) for code in codes)
    message = replace(message, traces=traces)
    assert has_passed(message, sender) is passed
    assert has_passed(message, "N") is ("N" in codes)  # also when the sender wrote no line of its own
