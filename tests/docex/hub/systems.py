"""Agencies' systems and what they send, in one line each."""

import re
from dataclasses import replace
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from directory import clients
from directory.actor import Actor
from directory.attempts import Limits
from directory.models import Agency
from docex.edxml import Envelope, write
from docex.edxml.codes import StatusCode
from docex.edxml.model import Attachment, Business, DocumentType, Organ, ResponseFor, Signer, StatusMessage, Trace
from kernel import clock
from tests.docex.office import Office, a_pdf

FAR = "H98.07"
SCOPES = frozenset({"docex.submit", "docex.receive"})


class System:
    """The system of an agency, with an access token."""

    def __init__(self, app: Flask, office: Office, agency_id: int, scopes: frozenset[str] = SCOPES) -> None:
        self.http: FlaskClient = app.test_client()
        self.agency_id = agency_id
        self._office = office
        with office.db.write(office.cast.admin.by) as tx:
            made = clients.register(tx, office.cast.admin, agency_id, "Phần mềm QLVB", scopes)
        self.client_id = made.id
        self._made = made
        self._until = clock.now()

    @property
    def actor(self) -> Actor:
        """The system behind the endpoints."""
        return Actor(kind="client", client_id=self.client_id, agency_id=self.agency_id, name="Phần mềm QLVB")

    @property
    def headers(self) -> dict[str, str]:
        """The access token, renewed in time."""
        if self._until <= clock.now():
            with self._office.db.write() as tx:
                granted = clients.grant(tx, self._made.client_id, self._made.secret, "", "127.0.0.1", Limits(tries=10))
            assert isinstance(granted, clients.Granted)
            self._token, self._until = granted.token, clock.now() + clients.TOKEN_TIME
        return {"Authorization": f"Bearer {self._token}"}

    def hand_in(self, data: bytes, **headers: str) -> Any:
        """Hand in a file."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = {"Content-Type": "application/octet-stream"}
        return self.http.post("/api/v1/edxml", data=data, headers={**self.headers, **kind, **named})

    def get(self, path: str, **headers: str) -> Any:
        """Ask for something."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.get(path, headers={**self.headers, **named})

    def post(self, path: str, json: Any = None, **more: Any) -> Any:
        """Do something."""
        return self.http.post(path, json=json if json is not None else {}, headers={**self.headers, **more})


def an_agency(office: Office, code: str, name: str, *, is_local: bool = False) -> int:
    """An agency in the directory. Answers its id."""
    with office.db.write() as tx:
        row = Agency(code=code, old_code="", name=name, is_local=is_local, parent_id=None)
        tx.session.add(row)
        tx.session.flush()
        return row.id


def a_letter(office: Office, number: int = 1, **changes: Any) -> Envelope:
    """A letter of the city office to the far agency."""
    code = office.cast.city.code
    plain = Envelope(
        sender=Organ(code, office.cast.city.name),
        receivers=(Organ(FAR, "Sở Giao thông tỉnh Bạn"),),
        document_id=f"{code},2026/03/02,{number}/VP",
        number=str(number),
        notation="VP",
        place="Thành phố Mẫu",
        promulgated_on=clock.today(),
        type=DocumentType("Công văn", 2, 18),
        subject="Phối hợp phân luồng giao thông",
        content="Phối hợp phân luồng giao thông",
        signer=Signer("Nguyễn Văn Giả Định", "Phó Chánh Văn phòng", "KT. CHÁNH VĂN PHÒNG"),
        traces=(Trace(code, clock.now()),),
        business=Business(reason="Văn bản điện tử mới"),
        attachments=(Attachment("11111111-1111-4111-8111-111111111111", f"{number}.pdf", a_pdf()),),
    )
    return replace(plain, **changes)


def a_file(office: Office, number: int = 1, **changes: Any) -> bytes:
    """That letter as an edXML file."""
    return write(a_letter(office, number, **changes))


def a_status(office: Office, letter: Envelope, code: StatusCode, description: str = "") -> bytes:
    """A status of the far agency about a letter, as an edXML file."""
    about = ResponseFor(office.cast.city.code, f"{letter.number}/{letter.notation}", letter.document_id, clock.today())
    return write(StatusMessage(Organ(FAR, "Sở Giao thông tỉnh Bạn"), about, code, description, clock.now()))


def without_reason(status: bytes) -> bytes:
    """A status as a careless system writes it, and our writer does not."""
    bare = re.sub(rb"\s*<edXML:Description>.*?</edXML:Description>", b"", status)
    assert bare != status
    return bare
