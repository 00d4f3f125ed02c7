"""A signed letter counts once: whoever has an old letter of the partner can do nothing with it."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from docex.documents.models import Dispatch, StatusIn
from docex.edxml import write
from docex.edxml.codes import StatusCode
from docex.edxml.model import Organ, ResponseFor, StatusMessage
from docex.edxml.progress import Progress, Recall
from docex.exchange.mail.models import Outcome
from docex.exchange.recalls import withdrawal
from kernel import clock
from notify.mail import mime
from tests.docex.mail.partner import CODE, NAME, PDF, Abroad
from tests.docex.mail.test_in import incoming, receipts

pytestmark = [pytest.mark.one_database("postgresql"), pytest.mark.long_proof]


def said(abroad: Abroad, code: StatusCode, message_id: str, at: datetime | None = None) -> bytes:
    """The partner's signed status about what it was sent."""
    about = ResponseFor(abroad.cast.city.code, "15/VP", abroad.dispatches()[0].document_key)
    message = StatusMessage(Organ(CODE, NAME), about, code, "Đã ban hành", at or clock.now())
    return abroad.mail((mime.File(f"{code}.edxml", "application/xml", write(message)),), message_id=message_id)


def come(abroad: Abroad, raw: bytes) -> Outcome:
    abroad.post(raw)
    abroad.work()
    return Outcome(abroad.arrivals()[-1].outcome)


def ask_back(abroad: Abroad) -> None:
    with abroad.db.write() as tx:
        withdrawal.ask_back(tx, [one.id for one in abroad.deliveries()], "Gửi nhầm", withdraw=True)
    abroad.work()


def under(raw: bytes, message_id: str) -> bytes:
    """The same signed part in another letter, for which no key is needed."""
    head, mark, signed = raw.partition(b"MIME-Version: 1.0\r\n")
    head = b"".join(line for line in head.splitlines(keepends=True) if not line.startswith(b"Message-ID:"))
    return b"Message-ID: " + message_id.encode() + b"\r\n" + head + mark + signed


# ---- statuses ----


def test_an_old_answer_to_a_recall_does_not_answer_the_next_one(abroad: Abroad) -> None:
    abroad.document()
    come(abroad, said(abroad, StatusCode.REGISTERED, "<1@ban.example>"))
    ask_back(abroad)
    no = said(abroad, StatusCode.RECALL_REFUSED, "<2@ban.example>")
    assert come(abroad, no) == Outcome.ACCEPTED
    assert abroad.deliveries()[0].recall == Recall.REFUSED
    ask_back(abroad)
    assert come(abroad, under(no, "<3@nobody.example>")) == Outcome.ACCEPTED  # what it was answered before
    assert abroad.deliveries()[0].recall == Recall.ASKED
    yes = said(abroad, StatusCode.RECALL_AGREED, "<4@ban.example>")
    assert come(abroad, yes) == Outcome.ACCEPTED
    assert abroad.deliveries()[0].recall == Recall.AGREED


def test_a_status_that_comes_under_many_message_ids_is_one(abroad: Abroad) -> None:
    abroad.document()
    raw = said(abroad, StatusCode.REGISTERED, "<1@ban.example>")
    for letter in (raw, under(raw, "<2@ban.example>"), under(raw, "<3@ban.example>")):
        abroad.post(letter)
    abroad.work()
    assert [arrival.outcome for arrival in abroad.arrivals()] == [Outcome.ACCEPTED] * 3
    with abroad.db.read() as tx:
        assert tx.session.scalars(sa.select(StatusIn.message_id)).all() == ["<1@ban.example>"]


@pytest.mark.parametrize("code", [StatusCode.RECALL_AGREED, StatusCode.RECALL_REFUSED])
def test_an_answer_that_is_older_than_the_question_is_noted(abroad: Abroad, code: StatusCode) -> None:
    """Held back on its way, it would answer a question that the partner has not seen."""
    abroad.document()
    come(abroad, said(abroad, StatusCode.REGISTERED, "<1@ban.example>"))
    ask_back(abroad)
    assert come(abroad, said(abroad, code, "<2@ban.example>", clock.now() - timedelta(days=1))) == Outcome.NOTED
    (delivery,) = abroad.deliveries()
    assert (delivery.progress, delivery.recall) == (Progress.REGISTERED, Recall.ASKED)
    hours_slow = clock.now() - timedelta(hours=7)  # written in UTC, as if it were the time here
    assert come(abroad, said(abroad, code, "<3@ban.example>", hours_slow)) == Outcome.ACCEPTED
    assert abroad.deliveries()[0].recall == code


# ---- files without an envelope ----

FILES = (mime.File("quyet-dinh.pdf", "application/pdf", PDF),)


def test_signed_files_are_not_sent_on_to_another_agency(abroad: Abroad) -> None:
    """Nor under an invented number and title, for which no key is needed."""
    raw = abroad.mail(FILES, subject="12/QD-SGT Quyet dinh A")
    assert come(abroad, raw) == Outcome.ACCEPTED
    city = f"{abroad.cast.city.code.lower()}@vanban.example"
    for letter in (under(raw, "<2@ban.example>"), raw.replace(b"12/QD-SGT", b"99/QD-SGT")):
        abroad.post(letter, to=city)
        abroad.work()
        assert abroad.arrivals()[-1].outcome == Outcome.REFUSED
        reason = receipts(abroad)[-1]["reason"]
        assert reason["code"] == "conflict"
        assert "đã được tiếp nhận" in reason["vi"]
    assert [(copy.agency_id, copy.code) for copy in incoming(abroad)] == [(abroad.cast.finance.id, "12/QD-SGT")]


def test_what_an_earlier_version_took_for_one_agency_is_not_taken_for_another(abroad: Abroad) -> None:
    """It named signed files by what was signed and by their recipients."""
    raw = abroad.mail(FILES)
    come(abroad, raw)
    with abroad.db.write() as tx:
        row = tx.session.get_one(Dispatch, abroad.dispatches()[0].id)
        row.message_id += f" {abroad.cast.finance.id}"
    abroad.post(raw, to=f"{abroad.cast.city.code.lower()}@vanban.example")
    abroad.work()
    assert abroad.arrivals()[-1].outcome == Outcome.REFUSED
    assert len(abroad.dispatches()) == 1


def test_the_clerk_is_told_that_number_and_title_are_not_signed(abroad: Abroad) -> None:
    come(abroad, abroad.mail(FILES, subject="12/QD-SGT Quyet dinh A"))
    notes = {note["code"]: note["phrase"] for note in abroad.dispatches()[0].notes}
    assert set(notes) == {"mail_plain", "mail_headers_unsigned"}
    assert "không được ký" in str(notes["mail_headers_unsigned"])


def test_a_subject_inside_the_signature_is_what_counts(abroad: Abroad) -> None:
    raw = abroad.mail(FILES, subject="99/QD-SGT Viec khac", signed_subject="12/QĐ-SGT Quyết định về cầu phao")
    assert come(abroad, raw) == Outcome.ACCEPTED
    (copy,) = incoming(abroad)
    assert (copy.code, copy.subject) == ("12/QĐ-SGT", "12/QĐ-SGT Quyết định về cầu phao")
    assert [note["code"] for note in abroad.dispatches()[0].notes] == ["mail_plain"]
    assert come(abroad, under(raw, "<2@ban.example>").replace(b"Viec khac", b"Viec la")) == Outcome.ACCEPTED
    assert len(abroad.dispatches()) == 1
