"""The agent proves to the hub who it is, believes only the hub's keys, and tells when the way there is barred."""

import json
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask
from werkzeug.serving import make_server

from directory import clients
from directory.models import ApiClient
from docex.agent.credentials import Credentials, make_key, read_key
from docex.agent.errors import Refused, TransientError, Unreachable, Unusable
from docex.agent.http_client import Reach, version
from docex.agent.hub import Hub
from docex.exchange.hub.models import Mailbox, Parcel
from tests.docex.agent.agents import LAID_ASIDE, REFUSED_TO_WORK, AgentProcess, Circumstances
from tests.docex.agent.conftest import Served
from tests.docex.hub.systems import a_file
from tests.sampling import sampled
from web.cli import main

HOUR = timedelta(hours=1)


def with_a_key(served: Served, credentials: Credentials, path: Path) -> Credentials:
    """The same system, known by a key from now on."""
    made = CliRunner().invoke(main, ["agent-key", str(path)])
    assert made.exit_code == 0, made.output
    with served.office.db.write(served.office.cast.admin.by) as tx:
        row = tx.session.scalars(sa.select(ApiClient).where(ApiClient.client_id == credentials.client_id)).one()
        clients.register_key(tx, served.office.cast.admin, row.id, made.output)
    return Credentials(credentials.client_id, key=read_key(path))


@pytest.mark.usefixtures("receiver")
@pytest.mark.parametrize("ahead", sampled([HOUR, -HOUR, timedelta()], one_in=2))
def test_a_key_takes_the_place_of_the_secret_whatever_the_clock_says(
    served: Served, sender: AgentProcess, tmp_path: Path, ahead: timedelta
) -> None:
    sender.credentials = with_a_key(served, sender.credentials, tmp_path / "khoa.pem")
    sender.audience = served.office.config.base_url  # the test's port is not the one in its settings
    sender.circumstances = Circumstances(clock_ahead=ahead)
    sender.put("giay-moi.edxml", a_file(served.office))
    assert sender.run() == 0
    assert sender.names("sent") == ["giay-moi.edxml"]


@pytest.mark.long_proof
@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_the_hub_knows_the_agents_version_and_clock_and_the_office_too(
    served: Served, receiver: AgentProcess, ahead: timedelta
) -> None:
    receiver.circumstances = Circumstances(clock_ahead=ahead)
    assert receiver.run() == 0
    with served.office.db.read() as tx:
        mailbox = tx.session.scalars(sa.select(Mailbox)).one()
    assert mailbox.polled_by.startswith(f"lienthong-agent/{version()} (")
    assert mailbox.skew_s is not None
    assert abs(mailbox.skew_s - ahead.total_seconds()) < 60  # how long the call was on its way counts, too
    minutes = round(ahead / timedelta(minutes=1))
    assert f"Đồng hồ máy này lệch {minutes} phút so với trục." in receiver.status


def test_a_key_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "khoa.pem"
    told = make_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "d" not in told
    assert (told["kty"], told["crv"], told["alg"]) == ("EC", "P-256", "ES256")
    again = CliRunner().invoke(main, ["agent-key", str(path)])
    assert again.exit_code == 1
    assert "--show" in again.output
    shown = CliRunner().invoke(main, ["agent-key", "--show", str(path)])
    assert json.loads(shown.output) == told
    path.chmod(0o640)
    with pytest.raises(Unusable, match="chmod 600"):
        read_key(path)


@pytest.mark.parametrize("text", ["", "khóa", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_key_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "khoa.pem"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(Unusable, match="P-256"):
        read_key(path)
    with pytest.raises(Unusable):
        read_key(tmp_path / "khong-co")


def test_the_secret_stays_out_of_what_is_printed() -> None:
    assert "mat-khau" not in repr(Reach("https://hub.example", Credentials("a", "mat-khau")))


@pytest.mark.parametrize("url", ["http://hub.example", "ftp://hub.example", "hub.example", "https://", ""])
def test_nothing_secret_goes_over_an_open_line(url: str) -> None:
    with pytest.raises(Unusable, match="https://"):
        Reach(url, Credentials("a", "b"))


def test_a_hub_that_is_away_loses_nothing(sender: AgentProcess) -> None:
    sender.url = "http://127.0.0.1:9"
    sender.put("giay-moi.edxml", b"<x></x>")
    assert sender.run() == REFUSED_TO_WORK
    assert sender.names("outbox") == ["giay-moi.edxml"]
    for work in ("gửi / sending", "nhận / receiving", "thu hồi / recalls"):
        assert f"- {work}: Không kết nối được tới trục." in sender.status


@pytest.mark.long_proof
def test_what_cannot_be_sent_keeps_nothing_from_being_fetched(
    served: Served, sender: AgentProcess, receiver: AgentProcess
) -> None:
    sender.put("giay-moi.edxml", a_file(served.office))
    sender.run()
    served.office.work()
    with served.office.db.write() as tx:
        agency_id = tx.session.scalars(sa.select(Parcel.agency_id)).one()
        only = frozenset({"docex.receive"})
        made = clients.register(tx, served.office.cast.admin, agency_id, "Chỉ nhận", only)
    receiver.credentials = Credentials(made.client_id, made.secret)
    receiver.put("tra-loi.edxml", b"<x></x>")
    assert receiver.run() == REFUSED_TO_WORK
    assert len(receiver.names("inbox")) == 1
    assert "- gửi / sending: Hệ thống này chưa được cấp quyền docex.submit." in receiver.status


def test_wrong_credentials_lose_nothing_and_are_said_plainly(served: Served, sender: AgentProcess) -> None:
    sender.credentials = Credentials(sender.credentials.client_id, "sai")
    sender.put("giay-moi.edxml", a_file(served.office))
    assert sender.run() == REFUSED_TO_WORK
    assert sender.names("outbox") == ["giay-moi.edxml"]
    with pytest.raises(Unreachable, match=r"không nhận ra hệ thống này.*does not know this system"):
        Hub(sender.reach).waiting(0)


def test_a_missing_right_is_named(served: Served, sender: AgentProcess) -> None:
    with served.office.db.write(served.office.cast.admin.by) as tx:
        actor = served.office.cast.admin
        made = clients.register(tx, actor, served.office.cast.city.id, "Không quyền", frozenset({"docex.submit"}))
        other = clients.register(tx, actor, served.office.cast.city.id, "Không gửi", frozenset({"docex.receive"}))
    with pytest.raises(Unreachable, match=r"docex\.receive"):
        Hub(Reach(served.url, Credentials(made.client_id, made.secret))).waiting(0)
    with pytest.raises(Unreachable, match=r"docex\.submit"):
        Hub(Reach(served.url, Credentials(other.client_id, other.secret))).submit(b"<a></a>", "1")


@pytest.mark.long_proof
def test_anothers_letter_is_refused_and_blocks_nothing(served: Served, receiver: AgentProcess) -> None:
    receiver.put("cua-noi-khac.edxml", a_file(served.office))
    assert receiver.run() == LAID_ASIDE
    assert receiver.names("error") == ["cua-noi-khac.edxml", "cua-noi-khac.edxml.reason.txt"]


def test_a_receipt_that_the_hub_did_not_sign_is_not_believed(sender: AgentProcess) -> None:
    with pytest.raises(Unreachable, match="chữ ký đúng của trục"):
        Hub(sender.reach).check("eyJhbGciOiJFUzI1NiJ9.e30.AAAA")


# --- TLS ---------------------------------------------------------------------------------------------------------


def a_certificate(folder: Path, name: str, since: datetime, until: datetime) -> tuple[Path, Path]:
    """A certificate that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private


@contextmanager
def over_tls(app: Flask, certificate: Path, key: Path) -> Iterator[str]:
    """The hub behind TLS."""
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=(str(certificate), str(key)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"https://localhost:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.mark.parametrize(
    ("name", "days", "trusted", "said"),
    [
        ("localhost", 10, True, ""),
        ("localhost", 10, False, "--ca-file"),
        ("localhost", -1, True, r"Chứng thư TLS của trục hết hạn.*TLS certificate has expired"),
        ("other.example", 10, True, "không phải của máy chủ này.*not this server's"),
    ],
)
def test_a_certificate_is_believed_or_the_reason_is_said(
    app: Flask, served: Served, sender: AgentProcess, tmp_path: Path, name: str, days: int, trusted: bool, said: str
) -> None:
    now = datetime.now(UTC)
    certificate, key = a_certificate(tmp_path, name, now - timedelta(days=30), now + timedelta(days=days))
    with over_tls(app, certificate, key) as url:
        hub = Hub(Reach(url, sender.credentials, str(certificate) if trusted else ""))
        if not said:
            assert hub.waiting(0).items == []
            return
        with pytest.raises(Unreachable, match=said):
            hub.waiting(0)


def test_a_missing_authority_is_said_before_anything_is_sent() -> None:
    with pytest.raises(Unusable, match=r"ca\.pem"):
        Reach("https://hub.example", Credentials("a", "b"), "/khong-co/ca.pem")


# --- what answers is not the hub, or not well --------------------------------------------------------------------


@contextmanager
def answering(status: int, body: str, **headers: str) -> Iterator[Hub]:
    """A line to something that gives a token and then always answers so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(status, body, headers)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            if self.path.endswith("/oauth/token"):
                self._answer(200, '{"access_token": "a", "scope": "docex.submit docex.receive"}', {})
            else:
                self._answer(status, body, headers)

        def _answer(self, status: int, body: str, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield Hub(Reach(f"http://127.0.0.1:{server.server_port}", Credentials("a", "b")))
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_busy_hub_says_when_to_come_again() -> None:
    with answering(429, "{}", Retry_After="37") as hub, pytest.raises(Unreachable) as caught:
        hub.waiting(0)
    assert caught.value.wait_s == 37
    with answering(503, "<html>", Retry_After="soon") as hub, pytest.raises(Unreachable) as caught:
        hub.waiting(0)
    assert caught.value.wait_s == 0
    assert not isinstance(caught.value, TransientError)


def test_a_hub_that_moved_is_for_a_person_to_decide() -> None:
    with (
        answering(302, "", Location="https://evil.example/") as hub,
        pytest.raises(Unreachable, match=r"evil\.example"),
    ):
        hub.submit(b"<a></a>", "1")


@pytest.mark.parametrize("body", ["<html>Welcome</html>", "[]", '"text"', ""])
def test_a_proxys_page_is_not_taken_for_the_hub(body: str) -> None:
    with answering(200, body) as hub, pytest.raises(Unreachable, match="không phải là trục"):
        hub.waiting(0)


def test_a_failure_about_one_file_is_only_about_that_file() -> None:
    with answering(500, "<html>") as hub, pytest.raises(TransientError):
        hub.submit(b"<a></a>", "1")
    with answering(400, "<html>") as hub, pytest.raises(TransientError):
        hub.submit(b"<a></a>", "1")


def test_a_proxy_that_takes_no_large_files_refuses_for_good() -> None:
    with answering(413, "<html>too large</html>") as hub, pytest.raises(Refused) as caught:
        hub.submit(b"<a></a>", "1")
    assert caught.value.code == "too_large"
    assert caught.value.vi != caught.value.en
