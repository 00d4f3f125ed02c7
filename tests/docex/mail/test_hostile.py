"""Mails that want to harm, mislead, or go round in circles."""

import smtplib
import time
from datetime import timedelta

import pytest

from docex.edxml import write
from docex.exchange.mail.inbound import routing, smtp_listener
from docex.exchange.mail.models import LetterKind, Outcome
from kernel import clock
from kernel.storage.blobs import read_all
from notify.mail import mime
from tests.docex.mail.partner import ADDRESS, PDF, Abroad
from tests.docex.mail.test_in import incoming, receipts
from tests.sampling import sampled

pytestmark = pytest.mark.one_database("postgresql")


def head(message_id: str = "<1@ban.example>", *more: str) -> str:
    lines = (f"From: {ADDRESS}", "Subject: x", f"Message-ID: {message_id}", "MIME-Version: 1.0", *more)
    return "".join(f"{line}\r\n" for line in lines)


def nested(depth: int) -> bytes:
    """Multiparts in multiparts."""
    text = head()
    for n in range(depth):
        text += f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n'
    return (text + "Content-Type: text/plain\r\n\r\nx\r\n").encode()


def parts(count: int) -> bytes:
    part = "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"
    return (head() + 'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + part * count + "--b--\r\n").encode()


SIGNED_HEAD = 'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary="b"\r\n\r\n'
HOSTILE = {
    "nested": nested(40),
    "nested deeper": nested(3000),
    "many parts": parts(50_000),
    "a header without end": (head() + "X: " + "y" * 3_000_000).encode(),
    "many headers": (head() + "".join(f"X-{n}: y\r\n" for n in range(50_000)) + "\r\nx").encode(),
    "many encoded words": (head("<1@b>", "Subject: " + "=?utf-8?q?a?= " * 50_000) + "\r\nx").encode(),
    "many addresses": (head("<1@b>", "From: " + ", ".join(f"a{n}@b.c" for n in range(20_000))) + "\r\nx").encode(),
    "NUL and eight bits": head().encode() + b"\r\n\x00\xff\xfe" * 1000,
    "no head": b"\r\n\r\nx",
    "signed without a boundary": (head() + "Content-Type: multipart/signed\r\n\r\n--\r\n").encode(),
    "signed without a signature": (head() + SIGNED_HEAD + "--b\r\n\r\nx\r\n--b--\r\n").encode(),
    "a million boundaries": (head() + SIGNED_HEAD + "--b\r\n" * 200_000).encode(),
    "a signature of noise": (
        head() + SIGNED_HEAD + "--b\r\n\r\nx\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\r\n"
        + "A" * 100_000 + "\r\n--b--\r\n"
    ).encode(),
    "a signature of nested lengths": (
        head() + "Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n" + "MIAw" * 50_000
    ).encode(),
    "an unknown charset": (head("<1@b>", "Subject: =?klingon?b?AAAA?=") + "\r\nx").encode(),
    "uuencoded": (head() + "Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 x\r\nzzz").encode(),
    "a mail in a mail in a mail": (head() + "Content-Type: message/rfc822\r\n\r\n" * 500).encode(),
}  # fmt: skip


@pytest.mark.timeout(300)
@pytest.mark.parametrize("raw", sampled(HOSTILE.values(), one_in=3), ids=HOSTILE.keys())
def test_whatever_comes_is_settled_soon_and_brings_nothing(abroad: Abroad, raw: bytes) -> None:
    try:
        abroad.post(raw)
    except smtplib.SMTPResponseException:
        assert abroad.arrivals() == []  # lines that no server has to take
        return
    began = time.thread_time()  # of the processor, not of the wall: that others are busy is no fault of the letter's
    abroad.work()
    assert time.thread_time() - began < 20
    [arrival] = abroad.arrivals()
    assert arrival.outcome in (Outcome.REFUSED, Outcome.NOTED)
    assert abroad.dispatches() == []
    assert read_all(abroad.blobs, arrival.sha256)


@pytest.mark.parametrize("size", [smtp_listener.MAX_BYTES])
def test_a_letter_beyond_the_cap_is_refused_before_it_is_sent(abroad: Abroad, size: int) -> None:
    assert abroad.listener.SMTP_kwargs["data_size_limit"] <= size
    with smtplib.SMTP(abroad.listener.hostname, abroad.listener.port, timeout=30) as smtp:
        smtp.ehlo()
        code, said = smtp.mail(ADDRESS, [f"SIZE={size + 1}"])
        assert (code, said[:5]) == (552, b"Error")
    abroad.agree(max_bytes=0)


def test_the_door_takes_so_many_letters_at_once_and_no_more(abroad: Abroad, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_listener, "MAX_CONNECTIONS", 2)
    waiting = [smtplib.SMTP(abroad.listener.hostname, abroad.listener.port, timeout=30) for _ in range(2)]
    for smtp in waiting:
        assert smtp.docmd("EHLO", "x")[0] == 250
        assert smtp.mail(ADDRESS)[0] == 250
    with pytest.raises(smtplib.SMTPSenderRefused) as refused:
        abroad.post(abroad.edxml_mail())
    assert refused.value.smtp_code == 451  # its server tries again
    waiting[0].close()
    waiting[1].rset()
    for n in (1, 2, 3, 4):  # a letter that is stored makes room, too
        _patiently(abroad, abroad.edxml_mail(message_id=f"<{n}@ban.example>"))
    assert len(abroad.arrivals()) == 4
    waiting[1].quit()


def _patiently(abroad: Abroad, raw: bytes) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            return abroad.post(raw)
        except smtplib.SMTPSenderRefused:
            time.sleep(0.1)
    raise AssertionError("no room was made")


def test_of_a_bounce_only_the_beginning_is_kept(abroad: Abroad) -> None:
    abroad.document()
    wanted = abroad.letters()[0].message_id
    said = (
        "From: mailer@ban.example\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; ban.example\r\n\r\n"
        "Final-Recipient: rfc822; a@b\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {wanted}\r\n\r\n" + "x" * 76 + "\r\n"
    )
    raw = said.encode() + (b"x" * 76 + b"\r\n") * 40_000
    abroad.post(raw, sender="")
    abroad.work()
    [arrival] = abroad.arrivals()
    assert arrival.size == smtp_listener.MAX_REPORT_BYTES
    assert arrival.outcome == Outcome.BOUNCE
    assert "5.1.1" in abroad.deliveries()[0].reason


# Repeats that are no repeats, answers that answer answers


@pytest.mark.long_proof
def test_an_old_letter_under_another_message_id_is_still_the_old_letter(abroad: Abroad) -> None:
    raw = abroad.edxml_mail()
    abroad.post(raw)
    abroad.work()
    for n in (7, 8):
        abroad.post(raw.replace(b"<1@ban.example>", f"<{n}@ban.example>".encode()))
        abroad.work()
    assert len(abroad.dispatches()) == len(incoming(abroad)) == 1
    assert [a.outcome for a in abroad.arrivals()] == [Outcome.ACCEPTED] * 3
    assert {r["message_id"] for r in receipts(abroad)} == {"<1@ban.example>"}


@pytest.mark.long_proof
def test_signed_files_cannot_be_sent_again_under_another_subject(abroad: Abroad) -> None:
    raw = abroad.mail((mime.File("a.pdf", "application/pdf", PDF),), subject="Cong van so 7/SGT-KH")
    abroad.post(raw)
    abroad.work()
    abroad.post(raw.replace(b"<1@ban.example>", b"<2@ban.example>"))
    abroad.work()
    assert len(abroad.dispatches()) == 1
    abroad.post(raw.replace(b"<1@ban.example>", b"<3@ban.example>").replace(b"7/SGT-KH", b"9/SGT-KH"))
    abroad.work()
    assert [copy.code for copy in incoming(abroad)] == ["7/SGT-KH"]
    assert receipts(abroad)[-1]["reason"]["code"] == "conflict"


ANSWERS = {
    "a holiday": ["Auto-Submitted: auto-replied"],
    "a holiday of another make": ["Auto-Submitted: auto-generated", "In-Reply-To: <x@vanban.example>"],
    "a mailing list": ["Precedence: bulk"],
}


@pytest.mark.long_proof
@pytest.mark.parametrize("lines", ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("files", [{}, {"logo.png": b"\x89PNG\r\n\x1a\n"}], ids=["text", "with a picture"])
def test_answers_of_machines_are_noted_and_not_answered(
    abroad: Abroad, lines: list[str], files: dict[str, bytes]
) -> None:
    abroad.agree(certificate="")
    sent = tuple(mime.File(name, "image/png", data) for name, data in files.items())
    raw = abroad.mail(sent, unsigned=True).replace(b"Auto-Submitted: auto-generated\r\n", b"")
    abroad.post("".join(f"{line}\r\n" for line in lines).encode() + raw)
    abroad.work()
    assert [a.outcome for a in abroad.arrivals()] == [Outcome.NOTED]
    assert abroad.inbox() == []


def test_the_emblem_under_a_name_is_no_document(abroad: Abroad) -> None:
    abroad.agree(certificate="")
    raw = abroad.mail((mime.File("logo.png", "image/png", b"\x89PNG\r\n\x1a\n"),), unsigned=True)
    abroad.post(raw.replace(b'attachment; filename="logo.png"', b'inline; filename="logo.png"'))
    abroad.work()
    assert [r["reason"]["code"] for r in receipts(abroad)] == ["nothing_inside"]
    assert abroad.dispatches() == []


def test_two_programs_that_answer_each_other_end_after_one_answer(abroad: Abroad) -> None:
    abroad.post(abroad.mail(()))
    abroad.work()
    for n in range(2, 5):
        answered = abroad.inbox()[-1]["Message-ID"]
        raw = abroad.mail((), message_id=f"<{n}@ban.example>").replace(b"Auto-Submitted: auto-generated\r\n", b"")
        abroad.post(f"In-Reply-To: {answered}\r\n".encode() + raw)
        abroad.work()
    assert [a.outcome for a in abroad.arrivals()] == [Outcome.REFUSED, *[Outcome.NOTED] * 3]
    assert len(abroad.inbox()) == 1


def test_a_partner_that_never_stops_is_no_longer_answered(abroad: Abroad, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "MAX_REFUSALS", 3)
    for n in range(6):
        abroad.post(abroad.mail((), message_id=f"<{n}@ban.example>"))
    abroad.work()
    assert [a.outcome for a in abroad.arrivals()] == [Outcome.REFUSED] * 6
    assert len(abroad.inbox()) == 3
    with clock.frozen(clock.now() + timedelta(hours=2)):
        abroad.post(abroad.mail((), message_id="<later@ban.example>"))
        abroad.work()
    assert [letter.kind for letter in abroad.letters()] == [LetterKind.REFUSAL] * 4


def test_a_hub_that_gets_its_own_letter_back_takes_it_for_nobodys(abroad: Abroad) -> None:
    """Two hubs that are each other's partner for the same agency: the letter comes back and ends there."""
    abroad.document()
    raw = abroad.raw_inbox()[0]
    with pytest.raises(smtplib.SMTPSenderRefused):  # our own agency is nobody's partner
        abroad.post(raw, sender=f"{abroad.cast.city.code.lower()}@vanban.example")
    abroad.post(raw)  # the other hub passes it on in its own name
    abroad.work()
    assert [a.outcome for a in abroad.arrivals()] == [Outcome.REFUSED]
    assert len(abroad.dispatches()) == 1


def test_a_document_of_another_agency_is_not_passed_on_for_a_partner(abroad: Abroad) -> None:
    stolen = abroad.envelope(sender=abroad.envelope().receivers[0], receivers=(abroad.envelope().sender,))
    abroad.post(abroad.mail((mime.File("x.edxml", "application/xml", write(stolen)),)))
    abroad.work()
    assert [r["reason"]["code"] for r in receipts(abroad)] == ["forbidden"]
