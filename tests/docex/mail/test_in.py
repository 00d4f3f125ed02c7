"""Documents from partners: what the listener takes, what the hub makes of it, and the receipts that go back."""

import json
import smtplib
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from docex.documents.delivery.statuses import report_status
from docex.documents.incoming.handling import refuse, register
from docex.documents.models import Delivery, Dispatch, Incoming
from docex.edxml import StatusMessage, write
from docex.edxml.codes import StatusCode
from docex.edxml.model import Organ, ResponseFor
from docex.edxml.progress import Progress
from docex.exchange.mail.inbound.smtp_listener import SmtpListener
from docex.exchange.mail.models import LetterKind, Outcome, Signature
from kernel import clock
from kernel.storage.blobs import read_all
from notify.mail import mime
from tests.docex.hub.systems import without_reason
from tests.docex.mail.partner import ADDRESS, CODE, NAME, PDF, Abroad
from tests.docex.mail.test_out import files_of


def receipts(abroad: Abroad) -> list[dict[str, Any]]:
    """The machine-readable parts of what the partner got back."""
    found = [files_of(mail).get("receipt.json") for mail in abroad.inbox()]
    return [json.loads(data) for data in found if data]


def incoming(abroad: Abroad) -> list[Incoming]:
    with abroad.db.read() as tx:
        return list(tx.session.scalars(sa.select(Incoming).order_by(Incoming.id)))


@pytest.mark.both_databases
def test_a_signed_letter_with_edxml_reaches_the_inbox_and_both_receipts_go_back(abroad: Abroad) -> None:
    raw = abroad.edxml_mail()
    abroad.post(raw)
    [arrival] = abroad.arrivals()
    assert read_all(abroad.blobs, arrival.sha256) == raw
    assert arrival.outcome == Outcome.WAITING
    abroad.work()
    [arrival] = abroad.arrivals()
    assert (arrival.outcome, arrival.signature) == (Outcome.ACCEPTED, Signature.SIGNED)
    [dispatch] = abroad.dispatches()
    assert (dispatch.channel, dispatch.message_id) == (f"mail:{abroad.agency_id}", "<1@ban.example>")
    [copy] = incoming(abroad)
    assert (copy.agency_id, copy.code, copy.sender_id) == (abroad.cast.finance.id, "125/SGT-VP", abroad.agency_id)
    accepted, delivered = receipts(abroad)
    assert (accepted["receipt"], delivered["receipt"]) == ("acceptance", "delivery")
    for said in (accepted, delivered):
        assert said["message_id"] == "<1@ban.example>"
        assert said["sha256"] == arrival.sha256
        assert said["id"] == dispatch.id
        assert said["received_at"]
        assert said["envelope_sha256"] == dispatch.sha256
    assert delivered["receiver"]["code"] == abroad.cast.finance.code
    for mail in abroad.inbox():
        assert mail.get_content_type() == "multipart/signed"
        assert mail["In-Reply-To"] == "<1@ban.example>"


def test_the_same_letter_again_is_one_document_and_the_first_receipt_again(abroad: Abroad) -> None:
    raw = abroad.edxml_mail()
    abroad.post(raw)
    abroad.work()
    abroad.post(b"Received: from relay.example\r\n" + raw)
    abroad.work()
    assert len(abroad.arrivals()) == 2
    assert len(abroad.dispatches()) == len(incoming(abroad)) == 1
    kinds = [r["receipt"] for r in receipts(abroad)]
    assert kinds == ["acceptance", "delivery", "acceptance"]
    first, _, again = abroad.inbox()
    assert first["Message-ID"] == again["Message-ID"]
    assert files_of(first) == files_of(again)


def test_the_same_bytes_twice_are_one_arrival(abroad: Abroad) -> None:
    raw = abroad.edxml_mail()
    abroad.post(raw)
    abroad.post(raw)
    abroad.work()
    abroad.post(raw)
    abroad.work()
    assert len(abroad.arrivals()) == 1
    assert len(receipts(abroad)) == 2


def test_another_document_under_the_same_message_id_is_refused_with_a_reason(abroad: Abroad) -> None:
    abroad.post(abroad.edxml_mail())
    abroad.work()
    abroad.post(abroad.edxml_mail(abroad.envelope(subject="Nội dung khác")))
    abroad.work()
    assert [r["receipt"] for r in receipts(abroad)] == ["acceptance", "delivery", "refusal"]
    said = receipts(abroad)[-1]["reason"]
    assert said["code"] == "conflict"
    assert said["vi"] != said["en"]


@pytest.mark.parametrize("how", ["changed", "other key", "unsigned", "other from", "garbage signature"])
def test_a_letter_that_is_not_surely_the_partners_is_refused_with_a_reason(abroad: Abroad, how: str) -> None:
    raw = abroad.edxml_mail()
    if how == "changed":
        at = raw.index(b"PD94") + 400  # inside the Base64 of the envelope
        raw = raw[:at] + (b"B" if raw[at : at + 1] == b"A" else b"A") + raw[at + 1 :]
    if how == "other key":
        raw = abroad.edxml_mail(key=abroad.other)
    if how == "unsigned":
        raw = abroad.edxml_mail(unsigned=True)
    if how == "other from":
        raw = abroad.edxml_mail(sender="giadanh@ban.example")
    if how == "garbage signature":
        head, mark, tail = raw.rpartition(b'filename="smime.p7s"\r\n\r\n')
        raw = head + mark + b"AAAA" + tail[4:]
    abroad.post(raw)
    abroad.work()
    [arrival] = abroad.arrivals()
    assert arrival.outcome == Outcome.REFUSED
    assert abroad.dispatches() == []
    [said] = receipts(abroad)
    code = {"unsigned": "unsigned", "other from": "other_sender"}.get(how, "wrong_signature")
    assert (said["receipt"], said["reason"]["code"]) == ("refusal", code)
    assert said["reason"]["vi"]
    assert said["reason"]["en"]
    if code == "wrong_signature":
        assert arrival.signature == Signature.WRONG


def test_a_partner_without_a_certificate_is_taken_unsigned_and_the_clerk_is_told(abroad: Abroad) -> None:
    abroad.agree(certificate="")
    abroad.post(abroad.edxml_mail(unsigned=True))
    abroad.work()
    [dispatch] = abroad.dispatches()
    assert [n["code"] for n in dispatch.notes] == ["mail_unsigned"]
    assert abroad.arrivals()[0].signature == Signature.UNSIGNED


def test_strangers_and_unknown_agencies_are_refused_in_the_dialogue(abroad: Abroad) -> None:
    raw = abroad.edxml_mail()
    with pytest.raises(smtplib.SMTPSenderRefused) as refused:
        abroad.post(raw, sender="ai-do@la.example")
    assert refused.value.smtp_code == 550
    for wrong in ("h77.99@vanban.example", f"{CODE.lower()}@vanban.example", "vanthu@khac.example"):
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            abroad.post(raw, to=wrong)
    abroad.agree(is_active=False)
    with pytest.raises(smtplib.SMTPSenderRefused):
        abroad.post(raw)
    assert abroad.arrivals() == []


def test_plain_files_become_a_document_with_what_the_mail_says(abroad: Abroad) -> None:
    raw = abroad.mail(
        (mime.File("công văn.pdf", "application/pdf", PDF), mime.File("phụ lục.xlsx", "application/zip", b"PK12")),
        subject="Công văn số 77/SGT-KH về kế hoạch bảo trì cầu",
    )
    abroad.post(raw)
    abroad.work()
    [copy] = incoming(abroad)
    assert copy.code == "77/SGT-KH"
    assert copy.subject == "Công văn số 77/SGT-KH về kế hoạch bảo trì cầu"
    assert copy.agency_id == abroad.cast.finance.id
    [dispatch] = abroad.dispatches()
    assert "mail_plain" in [n["code"] for n in dispatch.notes]
    assert [r["receipt"] for r in receipts(abroad)] == ["acceptance", "delivery"]
    abroad.post(b"Received: again\r\n" + raw)
    abroad.work()
    assert len(abroad.dispatches()) == 1


def test_what_brings_nothing_or_cannot_be_read_is_refused_and_kept(abroad: Abroad) -> None:
    broken = mime.File("x.edxml", "application/xml", b"<edXML><oops>")
    two = tuple(mime.File(f"{n}.edxml", "application/xml", b"<edXML/>") for n in range(2))
    abroad.post(abroad.mail(()))
    abroad.post(abroad.mail((broken,), message_id="<2@ban.example>"))
    abroad.post(abroad.mail(two, message_id="<3@ban.example>"))
    abroad.post(abroad.mail((), message_id="no id at all"))
    abroad.work()
    codes = [r["reason"]["code"] for r in receipts(abroad)]
    assert codes == ["nothing_inside", "broken_xml", "several_envelopes", "no_message_id"]
    assert all(read_all(abroad.blobs, a.sha256) for a in abroad.arrivals())


def test_an_envelope_of_another_agency_or_for_nobody_is_refused(abroad: Abroad) -> None:
    stolen = replace(abroad.envelope(), sender=Organ(abroad.cast.city.code, abroad.cast.city.name))
    nowhere = replace(abroad.envelope(), receivers=(Organ("H55.55", "Không có"),))
    abroad.post(abroad.edxml_mail(stolen))
    abroad.post(abroad.edxml_mail(nowhere, message_id="<2@ban.example>"))
    abroad.work()
    assert [r["reason"]["code"] for r in receipts(abroad)] == ["forbidden", "unknown_receiver"]
    assert abroad.dispatches() == []


def test_an_automatic_answer_is_noted_and_not_answered(abroad: Abroad) -> None:
    raw = abroad.mail(()).replace(b"auto-generated", b"auto-replied")
    abroad.post(raw)
    abroad.work()
    assert abroad.arrivals()[0].outcome == Outcome.NOTED
    assert abroad.inbox() == []


def test_what_the_recipient_does_goes_back_as_a_signed_status(abroad: Abroad) -> None:
    abroad.post(abroad.edxml_mail())
    abroad.post(abroad.edxml_mail(abroad.envelope(document_id="2", number="126"), message_id="<2@ban.example>"))
    abroad.work()
    first, second = incoming(abroad)
    lan = abroad.cast.lan
    with abroad.db.write(lan.by) as tx:
        register(tx, lan, first.id)
        refuse(tx, lan, second.id, "Gửi nhầm nơi nhận")
    abroad.work()
    taken, back = abroad.inbox()[-2:]
    assert taken["In-Reply-To"] == "<1@ban.example>"
    assert b"<edXML:StatusCode>03</edXML:StatusCode>" in next(d for n, d in files_of(taken).items() if "edxml" in n)
    status = next(d for n, d in files_of(back).items() if n.endswith(".edxml"))
    assert b"<edXML:StatusCode>02</edXML:StatusCode>" in status
    assert "Gửi nhầm nơi nhận".encode() in status
    assert [x.kind for x in abroad.letters()][-2:] == [LetterKind.STATUS, LetterKind.STATUS]


@pytest.mark.parametrize(
    ("reason", "written"), [("Sai nơi nhận. " * 50, "Sai nơi…"), ("", "<edXML:Description>Từ chối")]
)
def test_a_status_goes_back_however_long_its_reason_is(abroad: Abroad, reason: str, written: str) -> None:
    """Systems report more than the standard allows, and less than it demands."""
    abroad.post(abroad.edxml_mail())
    abroad.work()
    with abroad.db.write() as tx:
        report_status(tx, tx.session.scalars(sa.select(Delivery)).one(), Progress.REFUSED, description=reason)
    abroad.work()
    status = next(d for n, d in files_of(abroad.inbox()[-1]).items() if n.endswith(".edxml"))
    assert written in status.decode()


def test_the_door_speaks_tls_when_it_has_a_certificate(abroad: Abroad, tmp_path: Path) -> None:
    cert, key = tmp_path / "listener.pem", tmp_path / "listener.key"
    made = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    subprocess.run([*made.split(), "-out", str(cert), "-keyout", str(key)], check=True, capture_output=True)
    config = replace(abroad.config, mail_door_cert=str(cert), mail_door_key=str(key))
    listener = SmtpListener(config, abroad.db, abroad.blobs)
    listener.start()
    try:
        with smtplib.SMTP("localhost", listener.port, timeout=30) as smtp:
            smtp.starttls(context=ssl.create_default_context(cafile=str(cert)))
            smtp.sendmail(ADDRESS, [abroad.address()], abroad.edxml_mail())
    finally:
        listener.stop()
    abroad.work()
    assert [a.outcome for a in abroad.arrivals()] == [Outcome.ACCEPTED]


def test_a_refusal_by_mail_without_a_reason_is_not_lost(abroad: Abroad) -> None:
    number = abroad.document()
    with abroad.db.read() as tx:
        key = tx.session.get_one(Dispatch, number).document_key
    about = ResponseFor(abroad.cast.city.code, "125/SGT-VP", key)
    said = StatusMessage(Organ(CODE, NAME), about, StatusCode.REFUSED, "Không nêu", clock.now())
    abroad.post(abroad.mail((mime.File("02.edxml", "application/xml", without_reason(write(said))),)))
    abroad.work()
    assert [arrival.outcome for arrival in abroad.arrivals()] == [Outcome.ACCEPTED]
    [delivery] = abroad.deliveries()
    assert (delivery.progress, delivery.reason) == (Progress.REFUSED, "Từ chối tiếp nhận")


def test_nothing_of_a_document_that_is_refused_stays_but_the_letter(abroad: Abroad) -> None:
    """The letter itself is the evidence of what was refused, and why."""
    refused = [
        ("secret_document", abroad.envelope(subject="(Mật) Kế hoạch phòng thủ")),
        ("forbidden", abroad.envelope(sender=Organ(abroad.cast.city.code, abroad.cast.city.name))),
        ("unknown_receiver", abroad.envelope(receivers=(Organ("H97.404", "Không có"),))),
    ]
    before = {one.sha256 for one in abroad.blobs.listed()}  # all tests of this part share the store
    for number, (_, envelope) in enumerate(refused):
        abroad.post(abroad.edxml_mail(envelope, message_id=f"<{number}@ban.example>"))
        abroad.work()
        kept = {one.sha256 for one in abroad.blobs.listed()} - before
        assert kept == {arrival.sha256 for arrival in abroad.arrivals()}
    assert [said["reason"]["code"] for said in receipts(abroad)] == [code for code, _ in refused]
