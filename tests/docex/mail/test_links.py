"""Files that are too large for a letter: the links that we give, and those that partners give us."""

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from docex.documents.delivery.statuses import report_status
from docex.edxml import write
from docex.edxml.model import Attachment
from docex.exchange.mail.jobs import register_jobs
from docex.exchange.mail.models import Outcome, Signature
from kernel.storage.blobs import read_all
from notify.mail import mime
from tests.docex.mail.partner import PDF, Abroad
from tests.docex.mail.test_in import incoming, receipts
from tests.docex.mail.test_out import again_now, files_of, receipt
from tests.web.application import create_app
from web.services import Services

pytestmark = pytest.mark.long_proof


@dataclass
class Shelf:
    """The partner's web server: gives one file to whoever presses the button, and says who came."""

    data: bytes = b""
    status: int = 200
    location: str = ""
    seen: list[str] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    found = Shelf()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def answer(self) -> None:
            found.seen.append(self.command)
            self.send_response(found.status)
            if found.location:
                self.send_header("Location", found.location)
            self.send_header("Content-Length", str(len(found.data)))
            self.end_headers()
            self.wfile.write(found.data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}/files/1"
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def trusting(abroad: Abroad) -> Abroad:
    """A worker that may go to private addresses, as in a network of the state."""
    register_jobs(replace(abroad.config, webhooks_anywhere=True), abroad.blobs)
    return abroad


def large(abroad: Abroad) -> bytes:
    paper = Attachment("11111111-1111-4111-8111-111111111111", "125.pdf", PDF + b" " * 300_000)
    return write(abroad.envelope(attachments=(paper,)))


def linking(abroad: Abroad, shelf: Shelf, data: bytes, **rest: Any) -> bytes:
    """A letter whose envelope lies on the shelf."""
    manifest = {
        "kind": "document",
        "envelope": {"name": "125.edxml", "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)},
        "link": {"url": shelf.url, "until": "2099-01-01T00:00:00+07:00"},
    }
    part = mime.File("manifest.json", "application/json", json.dumps(manifest).encode())
    return abroad.mail((part,), **rest)


def test_a_large_document_is_fetched_from_the_link_and_taken_in_like_any_other(trusting: Abroad, shelf: Shelf) -> None:
    shelf.data = large(trusting)
    trusting.post(linking(trusting, shelf, shelf.data))
    trusting.work()
    [copy] = incoming(trusting)
    [dispatch] = trusting.dispatches()
    assert copy.code == "125/SGT-VP"
    assert read_all(trusting.blobs, dispatch.sha256) == shelf.data
    assert [r["receipt"] for r in receipts(trusting)] == ["acceptance", "delivery"]
    assert shelf.seen == ["POST"]


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        ({"data": b"other bytes"}, "link_wrong"),
        ({"data": b""}, "link_wrong"),
        ({"status": 404}, "link_ended"),
        ({"status": 410}, "link_ended"),
    ],
    ids=["other bytes", "nothing", "not found", "gone"],
)
def test_what_is_not_the_signed_file_is_refused_with_the_reason(
    trusting: Abroad, shelf: Shelf, spoil: dict[str, Any], code: str
) -> None:
    shelf.data = large(trusting)
    raw = linking(trusting, shelf, shelf.data)
    for name, value in spoil.items():
        setattr(shelf, name, value)
    trusting.post(raw)
    trusting.work()
    assert [r["reason"]["code"] for r in receipts(trusting)] == [code]
    assert trusting.dispatches() == []


def test_a_larger_file_than_was_signed_for_is_not_taken_to_its_end(trusting: Abroad, shelf: Shelf) -> None:
    data = large(trusting)
    shelf.data = data + bytes(30_000_000)
    trusting.post(linking(trusting, shelf, data))
    trusting.work()
    assert receipts(trusting)[0]["reason"]["code"] == "link_wrong"


@pytest.mark.parametrize("trouble", [{"status": 503}, {"status": 302, "location": "http://127.0.0.1:9/"}])
def test_a_server_in_trouble_is_asked_again_and_no_redirect_is_followed(
    trusting: Abroad, shelf: Shelf, trouble: dict[str, Any]
) -> None:
    shelf.data = large(trusting)
    trusting.post(linking(trusting, shelf, shelf.data))
    for name, value in trouble.items():
        setattr(shelf, name, value)
    trusting.work()
    assert [a.outcome for a in trusting.arrivals()] == [Outcome.WAITING]
    assert trusting.inbox() == []
    shelf.status, shelf.location = 200, ""
    again_now(trusting)
    trusting.work()
    assert [a.outcome for a in trusting.arrivals()] == [Outcome.ACCEPTED]


def test_links_in_unsigned_letters_and_into_private_networks_are_not_opened(abroad: Abroad, shelf: Shelf) -> None:
    shelf.data = large(abroad)
    abroad.post(linking(abroad, shelf, shelf.data))
    abroad.work()
    assert receipts(abroad)[0]["reason"]["code"] == "invalid"
    register_jobs(replace(abroad.config, webhooks_anywhere=True), abroad.blobs)
    abroad.agree(certificate="")
    abroad.post(linking(abroad, shelf, shelf.data, unsigned=True, message_id="<2@ban.example>"))
    abroad.work()
    assert receipts(abroad)[1]["reason"]["code"] == "nothing_inside"
    assert [a.signature for a in abroad.arrivals()] == [Signature.SIGNED, Signature.UNSIGNED]
    assert shelf.seen == []


def a_link(abroad: Abroad) -> str:
    """The path of the link in a letter of ours."""
    abroad.agree(max_bytes=100_000)
    abroad.document(size=200_000)
    manifest = json.loads(files_of(abroad.inbox()[-1])["manifest.json"])
    path: str = manifest["link"]["url"].removeprefix(abroad.config.base_url)
    return path


def test_our_link_ends_when_the_partner_confirms(abroad: Abroad) -> None:
    path = a_link(abroad)
    http = create_app(abroad.config, Services(abroad.config, abroad.db, abroad.blobs)).test_client()
    assert http.post(path).status_code == 200
    assert http.post(path).status_code == 200  # a download that broke off is begun again
    abroad.post(receipt(abroad, "delivery"))
    abroad.work()
    assert (http.get(path).status_code, http.post(path).status_code) == (404, 404)


def test_our_link_ends_when_the_document_is_taken_back(abroad: Abroad) -> None:
    path = a_link(abroad)
    http = create_app(abroad.config, Services(abroad.config, abroad.db, abroad.blobs)).test_client()
    assert http.get(path).status_code == 200
    with abroad.db.write() as tx:
        delivery = abroad.deliveries()[0]
        tx.session.add(delivery)
        report_status(tx, delivery, "13", description="Gửi nhầm")
        report_status(tx, delivery, "15")
    assert (http.get(path).status_code, http.post(path).status_code) == (404, 404)


def test_our_link_ends_after_so_many_downloads(abroad: Abroad) -> None:
    path = a_link(abroad)
    http = create_app(abroad.config, Services(abroad.config, abroad.db, abroad.blobs)).test_client()
    assert [http.post(path).status_code for _ in range(22)] == [200] * 20 + [404] * 2
