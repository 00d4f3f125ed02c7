"""A system of this shape gets what it can read: a repaired copy, while the envelope itself stays as it came."""

import hashlib
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from docex.documents.models import Dispatch, Repaired
from docex.edxml import read
from docex.edxml.codes import StatusCode
from docex.exchange.vxp.client import VxpClient
from kernel.storage.blobs import read_all
from tests.docex.edxml.strict import LostError, strictly
from tests.docex.hub.systems import System
from tests.docex.office import Office
from tests.docex.vxp.conftest import ABROAD
from tests.docex.vxp.letters import KEY, a_letter, a_status
from tests.docex.vxp.test_exchange import FRIEND, agency_id, second_agency

pytestmark = pytest.mark.long_proof

Made = Callable[[int], VxpClient]
LOST: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "NULs behind": ("junk_after", lambda data: data + b"\0\0"),
    "two marks": ("marks", lambda data: b"\xef\xbb\xbf" * 2 + data),
    "UTF-16 over UTF-8": ("declared_charset", lambda data: data.replace(b'"UTF-8"', b'"UTF-16"', 1)),
    "UTF-7 over UTF-8": ("declared_charset", lambda data: data.replace(b'"UTF-8"', b'"UTF-7"', 1)),
    "UTF-16": ("charset", lambda data: data.decode().encode("utf-16")),
    "another namespace": ("namespace", lambda data: data.replace(b"QCVN_102_2016", b"QCVN_102_2026")),
}


@pytest.mark.one_database("postgresql")
@pytest.mark.parametrize(("code", "change"), LOST.values(), ids=LOST)
def test_it_is_told_to_the_sender_and_mended_for_the_receiver(
    app: Flask, office: Office, abroad: int, system: Made, code: str, change: Callable[[bytes], bytes]
) -> None:
    far = second_agency(office)
    there = system(agency_id(office, far.code))
    good = a_letter(FRIEND, far)
    data = change(good)
    with pytest.raises(LostError):
        strictly(data)
    here = System(app, office, abroad)
    answer = here.hand_in(data).json
    office.work()
    (note,) = answer["notes"]
    assert (note["code"], set(note["message"])) == (code, {"vi", "en"})
    assert note["message"]["vi"] != note["message"]["en"]
    assert here.hand_in(data).json == answer

    (line,) = there.received("edoc")
    came = there.download(line.doc_id, max_bytes=10**7)
    assert came == there.content(line.doc_id) == good
    assert hashlib.sha256(came).hexdigest() == answer["repaired"]
    with office.db.read() as tx:
        dispatch = tx.session.scalars(sa.select(Dispatch)).one()
        assert dispatch.sha256 == hashlib.sha256(data).hexdigest(), "what was signed and verified is what came"
        assert read_all(office.blobs, dispatch.sha256) == data
        assert tx.session.get_one(Repaired, dispatch.id).size == len(good)


def test_by_every_way_it_is_handed_in(office: Office, abroad: int, system: Made) -> None:
    far = second_agency(office)
    here, there = system(abroad), system(agency_id(office, far.code))
    data = b"\r\n" + a_letter(FRIEND, far)
    number = here.send(data, ABROAD)
    office.work()
    (line,) = there.received("edoc")
    assert strictly(there.download(line.doc_id, max_bytes=10**7)).document_id == KEY
    assert here.download(number, max_bytes=10**7) == data, "its sender has it as it was"


def test_what_is_right_is_handed_on_as_it_came(app: Flask, office: Office, abroad: int, system: Made) -> None:
    far = second_agency(office)
    there = system(agency_id(office, far.code))
    data = a_letter(FRIEND, far).replace(b"\r\n", b"\n").replace(b"edXML:", b"x:").replace(b":edXML=", b":x=")
    answer = System(app, office, abroad).hand_in(data).json
    assert (answer["notes"], answer["repaired"]) == ([], None)
    office.work()
    (line,) = there.received("edoc")
    assert there.download(line.doc_id, max_bytes=10**7) == data


def test_what_is_missing_is_told_and_nobody_makes_it_up(app: Flask, office: Office, abroad: int) -> None:
    far = second_agency(office)
    data = a_letter(FRIEND, far, attachments=()).replace(b"<edXML:CodeNumber>125</edXML:CodeNumber>", b"")
    answer = System(app, office, abroad).hand_in(data).json
    assert ([note["code"] for note in answer["notes"]], answer["repaired"]) == (["number", "papers"], None)


@pytest.mark.one_database("postgresql")
def test_a_status_that_strict_readers_cannot_read_is_written_for_them(
    app: Flask, office: Office, abroad: int, system: Made
) -> None:
    far = second_agency(office)
    here = system(abroad)
    here.send(a_letter(FRIEND, far), ABROAD)
    office.work()
    data = b"\n" + a_status(far, ABROAD, StatusCode.REGISTERED, "Số đến 12")
    answer = System(app, office, agency_id(office, far.code)).hand_in(data).json
    assert [note["code"] for note in answer["notes"]] == ["blank_before"]
    (line,) = here.received("status")
    came = here.download(line.doc_id, max_bytes=10**7)
    assert came.startswith(b"<?xml")
    assert read(came) == read(data) or read(came).notes == ()
