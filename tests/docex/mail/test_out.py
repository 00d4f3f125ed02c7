"""Documents to partners: signed letters over real SMTP, their receipts and bounces."""

import json
import subprocess
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from directory.models import Agency
from docex.edxml.progress import Progress
from docex.exchange.mail import partners
from docex.exchange.mail.jobs import register_jobs
from docex.exchange.mail.models import LetterState, Outcome
from docex.exchange.mail.partners import Terms
from kernel import clock
from kernel.audit import AuditEntry
from kernel.errors import Forbidden, Invalid
from kernel.outbox import OutboxRow
from kernel.storage.blobs import read_all
from notify.mail import mime
from signing.testca.authority import TestAuthority
from tests.docex.mail.partner import ADDRESS, CODE, Abroad, a_key, pem
from tests.web.application import create_app
from web import cli
from web.services import Services


def files_of(mail: EmailMessage) -> dict[str, bytes]:
    found = {}
    for part in mail.walk():
        name, data = part.get_filename(), part.get_payload(decode=True)
        if name and isinstance(data, bytes):
            found[name] = data
    return found


def test_a_document_leaves_as_a_signed_letter_that_openssl_calls_valid(abroad: Abroad, tmp_path: Path) -> None:
    number = abroad.document()
    [mail] = abroad.inbox()
    assert mail.get_content_type() == "multipart/signed"
    assert mail.get_param("protocol") == "application/pkcs7-signature"
    assert mail["From"].addresses[0].addr_spec == f"{abroad.cast.city.code.lower()}@vanban.example"
    assert mail["To"].addresses[0].addr_spec == ADDRESS
    letter, root, content = tmp_path / "letter.eml", tmp_path / "root.pem", tmp_path / "content"
    letter.write_bytes(abroad.raw_inbox()[0])
    root.write_text(authority_pem(abroad))
    verify = ["openssl", "smime", "-verify", "-in", letter, "-CAfile", root, "-purpose", "any", "-out", content]
    done = subprocess.run([str(word) for word in verify], capture_output=True, text=True)
    assert "Verification successful" in done.stderr, done.stderr
    [dispatch] = abroad.dispatches()
    assert dispatch.id == number
    files = files_of(mail)
    envelope = next(data for name, data in files.items() if name.endswith(".edxml"))
    assert envelope == read_all(abroad.blobs, dispatch.sha256)
    manifest = json.loads(files["manifest.json"])
    assert manifest["receiver"]["code"] == CODE
    assert manifest["envelope"]["sha256"] == dispatch.sha256
    text = next(p for p in mail.walk() if p.get_content_type() == "text/plain").get_content()
    assert "Kính gửi: Sở Giao thông tỉnh Bạn" in text
    assert "125/SGT-VP" in text
    [row] = abroad.letters()
    assert row.state == LetterState.HANDED
    assert row.message_id == mail["Message-ID"]


def authority_pem(abroad: Abroad) -> str:
    authority = TestAuthority(abroad.config.pki_dir)
    return x509.load_der_x509_certificate(authority.root_certificate).public_bytes(Encoding.PEM).decode()


def receipt(abroad: Abroad, kind: str, **more: Any) -> bytes:
    """The answer of the partner's software to the first letter."""
    said = {"receipt": kind, "version": 1, "message_id": abroad.letters()[0].message_id, **more}
    data = json.dumps(said).encode()
    return abroad.mail((mime.File("receipt.json", "application/json", data),), message_id=f"<{kind}@ban.example>")


def bounce(abroad: Abroad, action: str = "failed") -> bytes:
    """A report as mail servers write them (RFC 3464)."""
    return (
        "From: MAILER-DAEMON@mx.ban.example\r\nTo: x@vanban.example\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.ban.example\r\n\r\n"
        f"Final-Recipient: rfc822; {ADDRESS}\r\nAction: {action}\r\nStatus: 5.2.2\r\n"
        "Diagnostic-Code: smtp; 552 mailbox full\r\n\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"Message-ID: {abroad.letters()[0].message_id}\r\nSubject: x\r\n\r\n--b--\r\n"
    ).encode()


def test_receipts_of_the_partner_move_the_delivery_on(abroad: Abroad) -> None:
    abroad.document()
    assert abroad.deliveries()[0].progress == Progress.SUBMITTED
    abroad.post(receipt(abroad, "acceptance"))
    abroad.work()
    assert abroad.deliveries()[0].progress == Progress.AVAILABLE
    abroad.post(receipt(abroad, "delivery"))
    abroad.work()
    abroad.post(receipt(abroad, "acceptance", again=True))  # late and doubled: nothing changes
    abroad.work()
    assert abroad.deliveries()[0].progress == Progress.ARRIVED
    assert abroad.letters()[0].state == LetterState.DELIVERED
    assert [a.outcome for a in abroad.arrivals()] == [Outcome.RECEIPT] * 3
    assert len(abroad.inbox()) == 1  # receipts are not answered


def test_a_refusal_or_a_bounce_makes_the_delivery_undeliverable_with_the_reason(abroad: Abroad) -> None:
    abroad.document()
    abroad.post(receipt(abroad, "refusal", reason={"code": "x", "vi": "Sai nơi nhận", "en": "Wrong place"}))
    abroad.work()
    [delivery] = abroad.deliveries()
    assert "Sai nơi nhận" in delivery.reason
    assert abroad.letters()[0].state == LetterState.FAILED


def test_a_bounce_says_what_the_other_server_said_in_both_languages(abroad: Abroad) -> None:
    abroad.document()
    abroad.post(bounce(abroad, "delayed"), sender="")
    abroad.work()
    assert abroad.letters()[0].state == LetterState.HANDED
    abroad.post(bounce(abroad), sender="")
    abroad.work()
    [delivery] = abroad.deliveries()
    vi, en = delivery.reason.split(" / ")
    assert "5.2.2 552 mailbox full" in vi
    assert "5.2.2 552 mailbox full" in en
    assert vi != en
    assert delivery.progress == Progress.UNDELIVERABLE
    assert len(abroad.inbox()) == 1


def test_receipts_that_are_forged_or_of_another_partner_count_for_nothing(abroad: Abroad) -> None:
    abroad.document()
    said = {"receipt": "delivery", "message_id": abroad.letters()[0].message_id}
    part = (mime.File("receipt.json", "application/json", json.dumps(said).encode()),)
    abroad.post(abroad.mail(part, unsigned=True))
    abroad.post(abroad.mail(part, key=abroad.other))
    abroad.post(bounce(abroad).replace(abroad.letters()[0].message_id.encode(), b"<guess@x.example>"), sender="")
    abroad.work()
    assert [a.outcome for a in abroad.arrivals()] == [Outcome.NOTED] * 3
    assert abroad.deliveries()[0].progress == Progress.SUBMITTED


def test_a_server_that_refuses_for_good_makes_it_undeliverable(abroad: Abroad) -> None:
    abroad.sink.journal.next_faults("550")
    abroad.document()
    [delivery] = abroad.deliveries()
    assert "550" in delivery.reason
    assert abroad.letters()[0].state == LetterState.FAILED
    assert abroad.inbox() == []


def test_a_doubtful_try_comes_again_with_the_same_id_and_says_so(abroad: Abroad) -> None:
    abroad.sink.journal.next_faults("451", "drop")
    abroad.document()
    for _ in range(2):
        again_now(abroad)
        abroad.work()
    dropped, arrived = abroad.inbox()
    assert dropped["Message-ID"] == arrived["Message-ID"]
    assert (dropped["X-Lien-Thong-Attempt"], arrived["X-Lien-Thong-Attempt"]) == ("2", "3")
    first, second = (raw.partition(b"MIME-Version")[2] for raw in abroad.raw_inbox())
    assert first == second
    assert abroad.letters()[0].state == LetterState.HANDED


def again_now(abroad: Abroad) -> None:
    with abroad.db.write() as tx:
        tx.session.execute(sa.update(OutboxRow).where(OutboxRow.state == "waiting").values(due_at=clock.now()))


def test_a_letter_that_was_answered_before_the_repetition_is_not_sent_again(abroad: Abroad) -> None:
    abroad.sink.journal.next_faults("drop")
    abroad.document()
    abroad.post(receipt(abroad, "delivery"))
    abroad.work()
    again_now(abroad)
    abroad.work()
    assert len(abroad.inbox()) == 1
    assert abroad.letters()[0].state == LetterState.DELIVERED


def test_a_letter_for_a_partner_that_asks_for_it_is_enveloped(abroad: Abroad, tmp_path: Path) -> None:
    reader = a_key(abroad.config.data_dir / "pki", "reader")
    abroad.agree(certificate=pem(reader), encrypts=True)
    abroad.document()
    [mail] = abroad.inbox()
    assert mail.get_content_type() == "application/pkcs7-mime"
    assert b"application/pkcs7-signature" not in abroad.raw_inbox()[0]
    letter, p12, inside = tmp_path / "letter.eml", key_file(abroad, tmp_path), tmp_path / "inside.eml"
    letter.write_bytes(abroad.raw_inbox()[0])
    openssl("smime", "-decrypt", "-in", letter, "-inkey", p12, "-out", inside)
    root = tmp_path / "root.pem"
    root.write_text(authority_pem(abroad))
    openssl("smime", "-verify", "-in", inside, "-CAfile", root, "-purpose", "any", "-out", tmp_path / "content")
    assert b"edxml" in (tmp_path / "content").read_bytes()


def key_file(abroad: Abroad, tmp_path: Path) -> Path:
    folder = abroad.config.data_dir / "pki"
    authority = TestAuthority(folder)
    key, _, _ = pkcs12.load_key_and_certificates(
        (folder / "partners" / "reader.p12").read_bytes(), authority.passphrase
    )
    assert key is not None
    path = tmp_path / "key.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return path


def openssl(*words: Any) -> None:
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_document_too_large_for_a_letter_goes_as_a_link_that_ends(abroad: Abroad) -> None:
    abroad.agree(max_bytes=100_000)
    abroad.document(size=200_000)
    [mail] = abroad.inbox()
    assert [n for n in files_of(mail) if n.endswith(".edxml")] == []
    [dispatch] = abroad.dispatches()
    manifest = json.loads(files_of(mail)["manifest.json"])
    assert manifest["envelope"]["sha256"] == dispatch.sha256
    path = manifest["link"]["url"].removeprefix(abroad.config.base_url)
    http = create_app(abroad.config, Services(abroad.config, abroad.db, abroad.blobs)).test_client()
    page = http.get(path)
    assert page.status_code == 200
    assert dispatch.sha256 in page.text
    assert abroad.deliveries()[0].progress == Progress.SUBMITTED  # a scanner that opens links takes nothing
    taken = http.post(path)
    assert taken.data == read_all(abroad.blobs, dispatch.sha256)
    assert int(taken.headers["Content-Length"]) == dispatch.size
    assert abroad.deliveries()[0].progress == Progress.RETRIEVED
    with abroad.db.read() as tx:
        assert "mail.download" in tx.session.scalars(sa.select(AuditEntry.action)).all()
    assert http.get(path + "x").status_code == http.post("/mail/files/1-x").status_code == 404
    with clock.frozen(clock.now() + timedelta(days=abroad.config.mail_link_days, minutes=1)):
        assert http.get(path).status_code == 404
        assert http.post(path).status_code == 404


def test_what_goes_to_many_counts_as_often(abroad: Abroad) -> None:
    other = found_other(abroad)
    config = replace(abroad.config, mail_letter_max_bytes=400_000)
    register_jobs(config, abroad.blobs)
    abroad.document(size=160_000)
    abroad.document(size=160_001, receivers=(other,))
    linked = [any(n.endswith(".edxml") for n in files_of(m)) for m in abroad.inbox()]
    assert linked == [True, False, False]


def found_other(abroad: Abroad) -> int:
    with abroad.db.write(abroad.cast.admin.by) as tx:
        row = Agency(code="H98.08", old_code="", name="Sở Xây dựng tỉnh Bạn", is_local=False, parent_id=None)
        tx.session.add(row)
        tx.session.flush()
        partners.keep(tx, abroad.cast.admin, row.id, Terms("khac@ban.example"))
        return row.id


def test_the_terms_of_a_partner_are_checked(abroad: Abroad) -> None:
    for terms, field in (
        (Terms("không phải địa chỉ"), "address"),
        (Terms("a@b.example", certificate="x"), "certificate"),
        (Terms("a@b.example", encrypts=True), "certificate"),
        (Terms("a@b.example", max_bytes=-1), "max_bytes"),
    ):
        with pytest.raises(Invalid) as refused, abroad.db.write() as tx:
            partners.keep(tx, abroad.cast.admin, abroad.agency_id, terms)
        assert list(refused.value.fields) == [field]
    with pytest.raises(Invalid), abroad.db.write() as tx:
        partners.keep(tx, abroad.cast.admin, abroad.cast.city.id, Terms("a@b.example"))
    with pytest.raises(Forbidden), abroad.db.write() as tx:
        partners.keep(tx, abroad.cast.ha, abroad.agency_id, Terms("a@b.example"))


def test_the_operator_writes_down_a_partner_from_the_command_line(abroad: Abroad, tmp_path: Path) -> None:
    (tmp_path / "ban.pem").write_text(pem(abroad.other))
    command = ["mail-partner", CODE, "moi@ban.example", "--certificate", str(tmp_path / "ban.pem")]
    settings = {"LIENTHONG_DATABASE_URL": abroad.config.database_url, "LIENTHONG_DATA_DIR": str(tmp_path)}
    done = CliRunner().invoke(cli.main, command, env=settings)
    assert done.exit_code == 0, done.output
    assert "moi@ban.example, signed" in done.output
    with abroad.db.read() as tx:
        found = partners.partner_of(tx, abroad.agency_id)
    assert found is not None
    assert found.address == "moi@ban.example"
    wrong = CliRunner().invoke(cli.main, ["mail-partner", "H77.77", "a@b.example"], env=settings)
    assert wrong.exit_code == 1
