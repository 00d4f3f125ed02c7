# ruff: noqa: F811 - a fixture that takes another is named as its import
"""An integrator reaches the first 202 by the docs alone: what stands in them is run as it stands there."""

import hashlib
import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from directory import clients
from directory.models import Agency
from docex.edxml import checks, read
from docex.edxml.elements import elements
from docex.edxml.model import Envelope
from docex.exchange.evidence.jobs import register_jobs as register_packs
from docex.exchange.hub.jobs import register_jobs as register_hub
from docex.jobs.delivery import register_jobs
from signing.log import evidence_log
from tests.docex.conftest import keys, office  # noqa: F401 - fixtures
from tests.docex.office import Office
from tests.web.application import create_app
from web import rooms
from web.openapi import integration, specification
from web.openapi.curl_lines import LINES
from web.services import Services

pytestmark = pytest.mark.one_database("sqlite")
DOCS = sorted(integration.PAGES.items())
OPERATIONS = {
    endpoint.name: endpoint
    for endpoint in rooms.load_pages()
    if specification.belongs(endpoint) and endpoint.method != "HEAD"
}


@pytest.fixture
def app(office: Office) -> Flask:
    return create_app(office.config, Services(office.config, office.db, office.blobs))


@pytest.fixture
def hub(app: Flask) -> Iterator[str]:
    """The address of a running hub."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join(60)


def an_agency(office: Office, code: str, name: str) -> dict[str, str]:
    """An agency of the docs' code with a registered system: what its administrator hands over."""
    with office.db.write(office.cast.admin.by) as tx:
        row = Agency(code=code, old_code="", name=name, is_local=False)
        tx.session.add(row)
        tx.session.flush()
        made = clients.register(tx, office.cast.admin, row.id, "QLVB", frozenset(clients.scopes))
    return {"CLIENT_ID": made.client_id, "SECRET": made.secret}


def shell(script: str, folder: Path, values: dict[str, str]) -> str:
    """Run lines of the docs as they stand there."""
    given = {"PATH": os.environ["PATH"], **values}
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=given, capture_output=True, timeout=120, check=True)
    return done.stdout.decode()


def block(page: str, kind: str, after: str) -> str:
    found = re.search(rf"```{kind}\n(.*?)```", page[page.index(after) :], re.S)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(("locale", "path"), DOCS)
def test_by_the_docs_alone_to_the_first_202(
    office: Office,
    hub: str,
    tmp_path: Path,
    locale: str,
    path: Path,
) -> None:
    page = path.read_text(encoding="utf-8")
    proof = an_agency(office, "H29.15", "Sở Xây dựng")
    an_agency(office, "H29.20", "Sở Tài chính")
    (tmp_path / "envelope.edxml").write_text(block(page, "xml", "## 2."), encoding="utf-8")
    answer = shell(block(page, "sh", "## 3."), tmp_path, {"HUB": hub, **proof})
    assert re.match(r"HTTP/1\.1 202 ", answer), answer
    told = json.loads(answer.split("\r\n\r\n", 1)[1])
    assert [one["code"] for one in told["receivers"]] == ["H29.20"]
    assert told["receipt"]["kind"] == "submitted"


def test_the_sample_is_read_without_a_note_and_keeps_every_length() -> None:
    message = read(integration.sample().encode())
    assert isinstance(message, Envelope)
    assert message.notes == ()
    checks.check_envelope(message)
    assert message.attachments


@pytest.mark.parametrize(("locale", "path"), DOCS)
def test_the_docs_are_as_the_code_makes_them(locale: str, path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    assert page == integration.written(page, locale), "run `python -m web.openapi.integration`"


def test_the_table_has_every_length_that_is_checked() -> None:
    told = {one.name: (one.longest, one.required) for one in elements()}
    limits = checks.limits()
    assert limits.keys() <= told.keys()
    assert {name: told[name] for name in limits} == limits
    assert {one.name for one in elements() if not one.means.vi or one.means.vi == one.means.en} == set()


def test_every_operation_has_its_line() -> None:
    assert LINES.keys() == OPERATIONS.keys()
    for name, line in LINES.items():
        path = re.sub(r"<[^>]+>", "[^/]+", OPERATIONS[name].path)
        assert re.search(rf"\$HUB{path}[\"?]", line), name


class Integrator:
    """Two agencies' systems that run the lines of the docs, each with the variables that earlier lines have given."""

    def __init__(self, office: Office, hub: str, folder: Path) -> None:
        self.office, self.folder, self.data = office, folder, integration.sample().encode()
        (folder / "envelope.edxml").write_bytes(self.data)
        sender, receiver = (an_agency(office, code, code) for code in ("H29.15", "H29.20"))
        digest = hashlib.sha256(self.data).hexdigest()
        self.values = {"HUB": hub, **sender, "KEY": "docs-1", "SHA256": digest, "SIZE": str(len(self.data))}
        self.done: set[str] = set()
        self.values["TOKEN"], theirs = (
            self.run("directory_api.token", proof)["access_token"] for proof in (sender, receiver)
        )
        self.theirs = {"TOKEN": theirs}

    def run(self, name: str, more: dict[str, str] | None = None) -> Any:
        """Run a line of the docs as the sender, or with other variables; the answer, read where it is JSON."""
        self.done.add(name)
        text = shell(f"{LINES[name]} -s -f", self.folder, {**self.values, **(more or {})})
        return json.loads(text) if text.startswith("{") else text

    def hand_in_and_fetch(self) -> None:
        """One document goes from the sender to the receiver, which reports on it."""
        inbox = LINES["hub.inbox"].replace("wait=20", "wait=0")
        shell(f"{inbox} -s -f", self.folder, {**self.values, **self.theirs})  # it fetches here
        handed = self.run("docex.submit_edxml")
        self.values |= {"DOCUMENT": str(handed["id"]), "RECEIPT": handed["receipt"]["id"]}
        self.office.work()
        (item,) = self.run("hub.inbox", self.theirs)["items"]
        self.values["PARCEL"] = str(item["id"])
        self.values["LEASE"] = str(self.run("hub.lease", self.theirs)["token"])
        self.run("hub.envelope", self.theirs)
        assert (self.folder / "received.edxml").read_bytes() == self.data
        self.run("hub.acknowledge", self.theirs)
        self.run("hub.report_status", self.theirs)
        assert self.run("docex.document_status")["deliveries"][0]["state"] == "03"

    def upload_in_pieces(self) -> None:
        """The same file once more, in pieces."""
        self.values["UPLOAD"] = str(self.run("hub.begin_upload")["id"])
        for name in ("hub.add_piece", "hub.upload_state", "hub.finish_upload"):
            self.run(name)
        self.office.work()

    def take_evidence(self) -> None:
        """A pack of evidence is asked for and taken."""
        with self.office.db.write() as tx:
            evidence_log.sequence(tx)
        self.values["LOG_SIZE"] = str(self.run("log.head")["size"])
        self.run("evidence_api.ask")
        self.office.work()
        (pack,) = self.run("evidence_api.listed")["items"]
        assert pack["state"] == "done", pack
        self.values["PACK"] = str(pack["id"])
        self.run("evidence_api.take")
        assert (self.folder / "pack.zip").read_bytes()[:2] == b"PK"


def test_every_line_does_what_it_says(office: Office, hub: str, tmp_path: Path) -> None:
    for register in (register_jobs, register_hub, register_packs):
        register(office.config, office.blobs)
    integrator = Integrator(office, hub, tmp_path)
    integrator.hand_in_and_fetch()
    integrator.upload_in_pieces()
    integrator.take_evidence()
    for name in ("hub.set_webhook", "hub.webhook", "hub.remove_webhook", *LINES):  # the first three in this order
        if name not in integrator.done:
            integrator.run(name, integrator.theirs if OPERATIONS[name].scopes == ("docex.receive",) else None)


def test_the_page_shows_the_sample_the_elements_and_the_lines(app: Flask) -> None:
    page = app.test_client().get("/api/docs").text.replace("<wbr>", "")
    assert "GM-SXD" in page
    assert page.count('class="code-block"') == len(LINES) + 1
    assert all(f"<code>{one.name}</code>" in page for one in elements())
