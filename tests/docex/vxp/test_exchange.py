"""Existing document systems exchange documents and statuses over the running service."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from directory import agencies, queries
from directory.models import Agency
from docex.documents.delivery.statuses import report_status
from docex.documents.models import Delivery, Dispatch
from docex.documents.states import IncomingState
from docex.edxml import StatusMessage, read
from docex.edxml.codes import StatusCode
from docex.edxml.model import Organ
from docex.edxml.progress import Progress
from docex.exchange.vxp import systems, wire
from docex.exchange.vxp.client import VxpClient
from kernel import clock
from kernel.outbox import SendError
from tests.docex.office import Office
from tests.docex.vxp.conftest import ABROAD, OLD_CODE
from tests.docex.vxp.letters import KEY, a_letter, a_status, organ

Made = Callable[[int], VxpClient]
SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples" / "edxml" / "built-by-official-sdk"
FRIEND = Organ(ABROAD, "Sở Giao thông tỉnh Bạn")


def second_agency(office: Office) -> Organ:
    with office.db.write() as tx:
        tx.session.add(Agency(code="H97.01", name="Sở Tài chính tỉnh Xa", is_local=False))
    return Organ("H97.01", "Sở Tài chính tỉnh Xa")


def agency_id(office: Office, code: str) -> int:
    with office.db.read() as tx:
        row = queries.agency_by_code(tx, code)
        assert row is not None
        return row.id


def progress(office: Office) -> dict[str, str]:
    with office.db.read() as tx:
        rows = tx.session.execute(
            sa.select(Agency.code, Delivery.progress).join(Delivery, Delivery.agency_id == Agency.id)
        )
        return {code: step for code, step in rows}


@pytest.mark.both_databases
def test_two_systems_exchange_a_document_and_a_status_byte_for_byte(office: Office, abroad: int, system: Made) -> None:
    far = second_agency(office)
    here, there = system(abroad), system(agency_id(office, far.code))
    letter = a_letter(FRIEND, far)
    sent = here.send(letter, ABROAD)
    office.work()

    assert (here.count("edoc"), there.count("edoc")) == (0, 1)
    assert progress(office) == {far.code: Progress.AVAILABLE}
    (line,) = there.received("edoc")
    assert there.download(line.doc_id, max_bytes=10**8) == there.content(line.doc_id) == letter
    there.update_status(line.doc_id, "processing")
    there.update_status(line.doc_id, "fail")
    assert there.received("edoc") == [line]
    there.update_status(line.doc_id, "done")
    there.update_status(line.doc_id, "processing")
    assert (there.received("edoc"), there.count("edoc")) == ([], 0)
    assert progress(office) == {far.code: Progress.RETRIEVED}

    registered = a_status(far, ABROAD, StatusCode.REGISTERED, "Số đến 12")
    there.send(registered, far.code, "status")
    office.work()
    assert progress(office) == {far.code: Progress.REGISTERED}
    assert (here.count("status"), there.count("status")) == (1, 0)
    (said,) = here.received("status")
    assert here.download(said.doc_id, max_bytes=10**8) == registered
    here.update_status(said.doc_id, "done")
    assert here.received("status") == []
    (told,) = here.sent(sent)
    assert (told["receiverDocId"], told["toCode"]) == (line.doc_id, far.code)
    assert (told["sendStatus"], told["receiveStatus"]) == ("done", "done")
    assert all(isinstance(value, str) and value for value in told.values())


def test_after_a_merger_the_successors_system_reports_on_what_its_predecessor_has(
    office: Office, abroad: int, system: Made
) -> None:
    far = second_agency(office)
    here, there = system(abroad), system(office.cast.science.id)
    here.send(a_letter(FRIEND, far), ABROAD)
    office.work()
    gone, last_on = agency_id(office, far.code), clock.today() - timedelta(days=1)
    with office.db.write() as tx:
        agencies.merge(tx, office.cast.admin, gone, office.cast.science.id, last_on)
    there.send(a_status(organ(office.cast.science), ABROAD, StatusCode.REGISTERED), office.cast.science.code, "status")
    office.work()
    assert progress(office) == {far.code: Progress.REGISTERED}
    assert here.count("status") == 1


def test_after_a_merger_the_old_system_reports_on_what_it_has_and_sends_nothing_new(
    office: Office, abroad: int, system: Made
) -> None:
    far = second_agency(office)
    here, old = system(abroad), system(agency_id(office, far.code))
    here.send(a_letter(FRIEND, far), ABROAD)
    office.work()
    gone, last_on = agency_id(office, far.code), clock.today() - timedelta(days=1)
    with office.db.write() as tx:
        agencies.merge(tx, office.cast.admin, gone, office.cast.science.id, last_on)
    old.send(a_status(far, ABROAD, StatusCode.REGISTERED), far.code, "status")
    assert progress(office) == {far.code: Progress.REGISTERED}
    with pytest.raises(SendError, match="đã sáp nhập"):
        old.send(a_letter(far, FRIEND), far.code)


def test_a_local_inbox_and_a_foreign_system_see_the_same_delivery(office: Office, abroad: int, system: Made) -> None:
    friend = system(abroad)
    city = office.cast.city
    friend.send(a_letter(FRIEND, organ(city)), ABROAD)
    office.work()
    (incoming,) = office.incoming(office.cast.ha)
    office.register(office.cast.ha, incoming.id)
    office.work()
    statuses = [read(friend.download(m.doc_id, max_bytes=10**7)) for m in friend.received("status")]
    assert all(isinstance(m, StatusMessage) for m in statuses)
    assert [(m.status, m.sender.code, m.about.document_id) for m in statuses if isinstance(m, StatusMessage)] == [
        (StatusCode.ARRIVED, city.code, KEY),
        (StatusCode.REGISTERED, city.code, KEY),
    ]
    first = friend.received("status")[0]
    assert friend.download(first.doc_id, max_bytes=10**7) == friend.content(first.doc_id)


def test_what_a_system_says_moves_the_copy_on_the_pages_of_its_agency(
    office: Office, abroad: int, system: Made
) -> None:
    city = office.cast.city
    friend, own = system(abroad), system(city.id)
    friend.send(a_letter(FRIEND, organ(city)), ABROAD)
    office.work()
    own.send(a_status(organ(city), ABROAD, StatusCode.WORKING), city.code, "status")
    (incoming,) = office.incoming(office.cast.ha)
    assert incoming.state == IncomingState.WORKING
    last = office.incoming_sheet(office.cast.ha, incoming.id).timeline[0]
    assert str(last.by) == "Phần mềm QLVB (phần mềm của cơ quan)"


def test_a_status_that_is_longer_than_the_standard_allows_reaches_the_sender(
    office: Office, abroad: int, system: Made
) -> None:
    """The API takes longer reasons than edXML, agencies have longer names, and old systems write longer numbers."""
    friend = system(abroad)
    friend.send(a_letter(FRIEND, organ(office.cast.city)), ABROAD)
    with office.db.write() as tx:
        tx.session.get_one(Agency, office.cast.city.id).name = "Văn phòng " * 40
        dispatch = tx.session.scalars(sa.select(Dispatch)).one()
        dispatch.facts = {**dispatch.facts, "code": "125/" + "SGT-VP" * 10}
        report_status(
            tx, tx.session.scalars(sa.select(Delivery)).one(), StatusCode.REFUSED, description="Sai nơi nhận. " * 50
        )
    (line,) = friend.received("status")
    told = read(friend.content(line.doc_id))
    assert isinstance(told, StatusMessage)
    assert (told.status, told.about.document_id) == (StatusCode.REFUSED, KEY)
    assert told.description.startswith("Sai nơi nhận. Sai nơi")
    assert told.description.endswith("Sai nơi…")
    assert len(told.description) <= 500
    assert friend.download(line.doc_id, max_bytes=10**7) == friend.content(line.doc_id)


def test_our_own_letter_reaches_a_foreign_system(office: Office, abroad: int, system: Made) -> None:
    friend = system(abroad)
    office.sent(recipients=(abroad,))
    (line,) = friend.received("edoc")
    with office.db.read() as tx:
        dispatch = tx.session.scalars(sa.select(Dispatch)).one()
    data = friend.download(line.doc_id, max_bytes=10**8)
    assert hashlib.sha256(data).hexdigest() == dispatch.sha256
    friend.update_status(line.doc_id, "done")
    city = office.cast.city
    friend.send(a_status(FRIEND, city.code, StatusCode.DONE, key=dispatch.document_key), ABROAD, "status")
    assert progress(office) == {ABROAD: Progress.DONE}


def test_the_same_file_again_gets_the_same_id_and_happens_once(office: Office, abroad: int, system: Made) -> None:
    friend = system(abroad)
    letter = a_letter(FRIEND, organ(office.cast.city))
    assert friend.send(letter, ABROAD) == friend.send(letter, OLD_CODE)
    office.work()
    assert len(office.incoming(office.cast.ha)) == 1


def test_the_files_of_the_official_builder_are_taken_in_as_they_are(office: Office, system: Made) -> None:
    if not SAMPLES.is_dir():
        pytest.skip("the shared samples are not here")
    with office.db.write() as tx:
        for path in SAMPLES.glob("new-*.edxml"):
            message = read(path.read_bytes())
            assert not isinstance(message, StatusMessage)
            for found in (message.sender, *message.receivers):
                if queries.agency_by_code(tx, found.code) is None:
                    tx.session.add(Agency(code=found.code, name=found.name or "Cơ quan", is_local=False))
                    tx.session.flush()
    for path in sorted(SAMPLES.glob("new-*.edxml"))[:3]:
        data = path.read_bytes()
        message = read(data)
        assert not isinstance(message, StatusMessage)
        number = system(agency_id(office, message.sender.code)).send(data, message.sender.code)
        receiver = system(agency_id(office, message.receivers[0].code))
        office.work()
        line = receiver.received("edoc")[-1]
        assert receiver.download(line.doc_id, max_bytes=10**8) == data, (path.name, number)


def test_nobody_reads_or_acknowledges_what_is_not_theirs(office: Office, abroad: int, system: Made) -> None:
    far = second_agency(office)
    friend, other = system(abroad), system(agency_id(office, far.code))
    sent = friend.send(a_letter(FRIEND, organ(office.cast.city)), ABROAD)
    office.work()
    with office.db.read() as tx:
        delivery = tx.session.scalars(sa.select(Delivery.id)).one()
    for name in (sent, str(2 * 10**12 + delivery), str(4 * 10**12 + 1), "1", "../../x", "9" * 13, "", "²" * 13):
        for act in (other.content, lambda name: other.update_status(name, "done")):
            with pytest.raises(SendError, match="21"):
                act(name)
        with pytest.raises(SendError, match="nothing came"):
            other.download(name, max_bytes=10)
    assert other.count("edoc") == 0


@pytest.mark.parametrize(
    ("sender", "receiver", "code"),
    [(Organ("H29.01.01", "Người khác"), None, "19"), (FRIEND, Organ("H11.99", "Không có"), "18")],
)
def test_a_refusal_has_its_code(
    office: Office, abroad: int, system: Made, sender: Organ, receiver: Organ | None, code: str
) -> None:
    friend = system(abroad)
    with pytest.raises(SendError, match=f"sendEdoc: {code} ") as refused:
        friend.send(a_letter(sender, receiver or organ(office.cast.city)), "")
    assert refused.value.permanent


def test_another_agency_in_the_header_is_refused(office: Office, abroad: int, system: Made) -> None:
    with pytest.raises(SendError, match="19"):
        system(abroad).send(a_letter(FRIEND, organ(office.cast.city)), office.cast.city.code)


def test_what_is_no_envelope_is_refused_as_malformed(abroad: int, system: Made) -> None:
    for data in (b"", b"oops", b"<edXML/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"):
        with pytest.raises(SendError, match="22"):
            system(abroad).send(data, ABROAD)


def test_a_wrong_secret_gets_code_15_in_a_shape_that_the_sdk_reads(url: str, abroad: int, system: Made) -> None:
    friend = system(abroad)
    with pytest.raises(SendError, match="15"):
        VxpClient(url, friend.system_id, "another secret").received("edoc")
    with pytest.raises(SendError, match="nothing came"):
        VxpClient(url, friend.system_id, "another secret").download("1", max_bytes=10)
    bare = requests.post(f"{url}/sendEdoc", data=b"x", timeout=30)
    answer = json.loads(bare.content.decode("ascii"))
    assert (answer["status"], answer["ErrorCode"], answer["DocId"]) == ("FAIL", "15", "")
    assert answer["ErrorDesc"]


def test_a_revoked_system_is_a_stranger(office: Office, url: str, abroad: int, given: Callable[[int], Any]) -> None:
    found = given(abroad)
    friend = VxpClient(url, found.system_id, found.secret)
    assert friend.received("edoc") == []
    with office.db.write(office.cast.admin.by) as tx:
        systems.revoke(tx, office.cast.admin, found.client_id)
    with pytest.raises(SendError, match="15"):
        friend.received("edoc")


def test_headers_of_earlier_calls_and_an_old_time_stamp_do_no_harm(url: str, abroad: int, system: Made) -> None:
    friend = system(abroad)
    values = {
        "systemid": friend.system_id,
        "hash-file": "stale",
        "from": "stale",
        "messagetype": "edoc",
        "docId": "stale",
        "timestamp": "01012569T000000+0000",
        "Content-Type": "application/json",
    }
    headers = wire.signed_headers(friend.secret, values) | {"Content-Type": "application/json"}
    answer = requests.post(f"{url}//countReceiveEdoc", data=b"{}", headers=headers, timeout=30)
    assert answer.json() == {"status": "OK", "ErrorCode": "0", "ErrorDesc": "", "count": 0}


def test_every_operation_answers_with_what_the_sdk_reads(office: Office, url: str, abroad: int, system: Made) -> None:
    friend = system(abroad)
    friend.send(a_letter(FRIEND, organ(office.cast.city)), ABROAD)
    office.work()
    codes = {line["code"]: line for line in friend.agencies()}
    assert codes[ABROAD]["oldCode"] == OLD_CODE
    assert {line["code"]: line["code102"] for line in friend.agencies_qd20()}[ABROAD] == OLD_CODE
    units = {line["code"]: line for line in friend.synchronised_units()}
    assert (units[ABROAD]["version"], units[ABROAD]["isAgency"], units[ABROAD]["deleted"]) == (1, True, False)
    everything = [*friend.agencies(), *friend.agencies_qd20(), *units.values(), *friend.sent("")]
    assert all(value is not None for line in everything for value in line.values())
    friend.register_agency({"code": OLD_CODE, "mail": "qlvb@ban.example", "mobile": "02839990000"})
    with office.db.read() as tx:
        assert queries.agency(tx, abroad).email == "qlvb@ban.example"
    with pytest.raises(SendError, match="19"):
        friend.register_agency({"code": office.cast.city.code, "mail": "x@y.example"})
    with pytest.raises(SendError, match="19"):
        friend.delete_agency(ABROAD)
    assert requests.get(f"{url}/downloadEdoc2", timeout=30).content == b""


def test_a_system_that_joins_late_gets_what_waits_and_not_the_past(
    office: Office, abroad: int, system: Made, given: Callable[[int], Any]
) -> None:
    sender = system(office.cast.home_affairs.id)
    sender.send(
        a_letter(organ(office.cast.home_affairs), organ(office.cast.city), FRIEND), office.cast.home_affairs.code
    )
    office.work()
    with clock.frozen(clock.now() + timedelta(minutes=1)):
        there, here = system(abroad), system(office.cast.city.id)
    assert len(there.received("edoc")) == 1
    assert here.received("edoc") == []
