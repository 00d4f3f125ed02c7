"""A file from a stranger's system is kept as it came, whatever the reader had to overlook in it."""

import hashlib
import re
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask

from docex.documents.models import Dispatch
from docex.documents.papers.files import papers_of
from docex.edxml import read, write
from docex.edxml.codes import NAMESPACE
from kernel.storage.blobs import read_all
from tests.docex.documents.test_api import ABROAD, System, an_agency, an_envelope, problem
from tests.docex.edxml import letters
from tests.docex.office import Office
from tests.web.application import create_app
from web.services import Services


@pytest.fixture
def app(office: Office) -> Flask:
    return create_app(office.config, Services(office.config, office.db, office.blobs))


@pytest.fixture
def system(app: Flask, office: Office) -> System:
    return System(app, office, an_agency(office, ABROAD, "Sở Giao thông tỉnh Bạn"))


def dirty(text: str) -> dict[str, bytes]:
    """One envelope in the ways in which real systems spoil it."""
    bare = text.replace("edXML:", "").replace(f' xmlns:edXML="{NAMESPACE}"', "")
    return {
        "clean": text.encode(),
        "junk around": b"1212\r\n" + text.encode() + b"\x00\x00xyz",
        "marks and blanks": b"\xef\xbb\xbf\xef\xbb\xbf \n" + text.encode() + b"\n\n\n",
        "unix lines": text.replace("\r\n", "\n").encode(),
        "no prefixes": bare.encode(),
        "another namespace": text.replace(NAMESPACE, "urn:other").encode(),
        "spelt right": text.replace("Bussiness", "Business").encode(),
        "utf-16": text.replace("UTF-8", "UTF-16").encode("utf-16"),
        "a letter decomposed": text.replace("ộ", "o\u0323\u0302").encode(),
        "things that nobody knows": re.sub(r"(<edXML:DueDate>|<edXML:OtherInfo>)", r"<New a='1'/>\1", text).encode(),
    }


def test_every_byte_is_kept_however_dirty_the_file_is(office: Office, system: System) -> None:
    for number, name in enumerate(dirty("<a/>"), start=1):
        message = an_envelope(office, document_id=f"{ABROAD},2026/03/02,{number}/SGT-VP", number=str(number))
        paper = replace(message.attachments[0], name="số liệu.txt", data=f"tệp {number}".encode())
        message = replace(message, attachments=(*message.attachments, replace(paper, content_id="2")))
        data = dirty(write(message).decode())[name]
        answer = system.hand_in(data)
        assert answer.status_code == 202, (name, answer.get_json())
        assert answer.get_json()["sha256"] == hashlib.sha256(data).hexdigest(), name
        assert answer.get_json()["size"] == len(data)
        assert read_all(office.blobs, answer.get_json()["sha256"]) == data, name
        with office.db.read() as tx:
            dispatch = tx.session.get_one(Dispatch, answer.get_json()["id"])
            assert dispatch.sha256 == hashlib.sha256(data).hexdigest()
            assert {n["code"] for n in dispatch.notes} == {n.code for n in read(data).notes}
            kept = [read_all(office.blobs, p.sha256) for p in papers_of(tx, dispatch.id)]
            assert kept == [a.data for a in message.attachments], name


REFUSED = {
    "doctype": b'<!DOCTYPE a [<!ENTITY a "b">]><a>&a;</a>',
    "too_deep": b"<a>" * 1000,
    "tag_too_long": b"<a b='" + b"c" * 1_000_000 + b"'/>",
    "not_xml": b"%PDF-1.7",
    "empty": b"\x00\x00",
    "attachment_bomb": write(
        letters.letter(attachments=(letters.attachment("a.doc", letters.zipped(("a.doc", bytes(30_000_000)))),))
    ),
}


def test_a_harmful_file_gets_a_code_and_a_sentence_and_leaves_no_trace(office: Office, system: System) -> None:
    for code, data in REFUSED.items():
        answer = system.hand_in(data)
        assert answer.status_code == 422
        body = problem(answer)
        assert body["code"] == "edxml_refused"
        assert body["info"]["refusal"] == code
        assert body["message"]["en"] != body["message"]["vi"]
    with office.db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count()).select_from(Dispatch)) == 0
