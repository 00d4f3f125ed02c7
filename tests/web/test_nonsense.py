"""Nonsense in every field of every form and in every address: a clear answer, never a fault of the server."""

import io
import re
import unicodedata
from collections.abc import Iterator
from functools import cache

import pytest
from flask import Flask
from flask.testing import FlaskClient

from kernel.config import Config
from kernel.endpoints import Endpoint, Guard
from tests import founded
from tests.rules.source import ROOMS, ROOT
from tests.sampling import sampled
from tests.web.people import sign_in
from web import rooms
from web.app import create_app

PEOPLE = ("ha", "binh", "thu", "quantri")
NONSENSE = (
    unicodedata.normalize("NFD", "Đề nghị Sở Tài chính phối hợp"),
    "99999999999999999999",
    "0001-01-01",
    "31/12/9999 23:59",
    "\ud800{x}%s\u202e\x0b🙂",
)
FILES = (
    ("van-ban.pdf", b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 9 0 R>>endobj\ntrailer<</Root 1 0 R>>"),
    ("../" * 90 + unicodedata.normalize("NFD", "phụ lục.docx"), b"PK\x03\x04" + bytes(range(256))),
    ("danh-sach.csv", "mã;tên\n\x00;a\n".encode("utf-16")),
    ("", b""),
)
LEAVING = ("directory.sign_out", "directory.end_session", "directory.end_sessions", "directory.change_person")
"""What would send the people of this test away."""


@cache
def names() -> list[str]:
    """Every name that a field of a form or a parameter of an address has anywhere."""
    found: set[str] = set()
    for path in (ROOT / "templates").rglob("*.html"):
        found |= set(re.findall(r'name="([a-z_]+)"', path.read_text()))
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            text = path.read_text()
            found |= set(re.findall(r'\.get(?:list)?\("([a-z_]+)"', text))
            if path.name.startswith("forms"):
                found |= set(re.findall(r"^    ([a-z_]+) = \w+\(", text, re.M))
    return sorted(found - {"csrf_token", "viewport"})


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    config = Config(data_dir=tmp_path_factory.mktemp("nonsense"), check_rate="", sign_in_tries=10**6)
    founded.found(config)
    app = create_app(config)
    yield app
    app.extensions["lienthong"].db.close()


def endpoints(method: str) -> list[Endpoint]:
    """The endpoints for browsers."""
    return [
        endpoint
        for endpoint in rooms.load_pages()
        if endpoint.method == method and endpoint.guard is not Guard.CLIENT and not endpoint.name.startswith(LEAVING)
    ]


def address(endpoint: Endpoint, number: int) -> str:
    """An address of the endpoint, with this number wherever it wants one."""
    return re.sub(r"<(?!int)[^>]+>", "x", re.sub(r"<int:\w+>", str(number), endpoint.path))


def asked(client: FlaskClient, endpoint: Endpoint, number: int, nonsense: str, file: tuple[str, bytes]) -> int:
    """The status of the answer to this nonsense in all of the endpoint's fields."""
    fields = dict.fromkeys(names(), nonsense.encode("utf-8", "surrogatepass"))
    where = address(endpoint, number)
    if endpoint.method == "GET":
        return client.get(where, query_string={k: v[:200] for k, v in fields.items()}).status_code
    files = {name: (io.BytesIO(file[1]), file[0]) for name in ("file", "attachments", "main", "upload")}
    body = {name: value.decode("utf-8", "replace") for name, value in fields.items()} | files
    return client.post(where, data=body, content_type="multipart/form-data").status_code


@pytest.mark.timeout(600)
@pytest.mark.parametrize("method", sampled(["POST", "GET"], one_in=2))
def test_no_nonsense_is_a_fault_of_the_server(
    app: Flask, method: str, full: bool, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = []
    clients = [sign_in(app, person) for person in PEOPLE]
    for turn, nonsense in enumerate(NONSENSE):
        for place, endpoint in enumerate(
            endpoints(method)
        ):  # in turns, so that everybody knocks somewhere with each of them
            if not full and (turn + place) % len(NONSENSE):  # a sample: one kind at each endpoint
                continue
            who = (turn + place) % len(PEOPLE)
            status = asked(clients[who], endpoint, 1 + turn % 2, nonsense, FILES[turn % len(FILES)])
            if status >= 500:
                wrong.append(f"{status} {PEOPLE[who]} {endpoint.name} {nonsense[:20]!r}")
    assert wrong == [], "\n".join(record.exc_text or "" for record in caplog.records)
