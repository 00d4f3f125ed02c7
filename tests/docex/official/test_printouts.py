"""Papers that people can take away as DOCX from the pages of documents."""

import io
from typing import Any

import docx
import pytest

from docex.documents.incoming import submission_sheets
from docex.documents.incoming.submission_sheets import Decision
from docex.documents.issuing.docx_export import Printout, document_printout, submission_printout
from kernel import clock
from kernel.errors import NotFound
from tasks.giving import Lead
from tests.docex.conftest import keys, office  # noqa: F401 - fixtures
from tests.docex.office import BODY, Office, a_pdf
from tests.docex.official.test_docx import words


def text_of(printout: Printout) -> str:
    document: Any = docx.Document(io.BytesIO(printout.docx()))
    return words(document)


def test_a_draft_is_taken_away_without_a_number_and_a_stranger_gets_nothing(office: Office) -> None:  # noqa: F811
    number = office.written()
    with office.db.read() as tx:
        printout = document_printout(tx, office.cast.ha, number)
        with pytest.raises(NotFound):
            document_printout(tx, office.cast.lan, number)
    text = text_of(printout)
    assert printout.name.endswith(".docx")
    assert BODY.splitlines()[0] in text
    assert "Số:        /" in text


def test_an_uploaded_document_has_no_text_to_take_away(office: Office) -> None:  # noqa: F811
    number = office.uploaded(a_pdf())
    with office.db.read() as tx, pytest.raises(NotFound):
        document_printout(tx, office.cast.ha, number)


def test_the_submission_sheet_tells_what_the_leader_decided(office: Office) -> None:  # noqa: F811
    cast = office.cast
    with office.db.read() as tx, pytest.raises(NotFound):
        submission_printout(tx, cast.lan, 1)
    office.on_its_way()
    copy = office.incoming(cast.lan)[0].id
    with office.db.read() as tx, pytest.raises(NotFound):
        submission_printout(tx, cast.lan, copy)
    office.register(cast.lan, copy)
    with office.db.read() as tx:
        assert "Chủ trì:" not in text_of(submission_printout(tx, cast.lan, copy))
    with office.db.write(cast.lan.by) as tx:
        submission_sheets.submit(tx, cast.lan, copy, cast.dung.person_id, "Đề xuất giao Phòng Ngân sách")
    due = f"31/12/{clock.today().year + 5}"
    with office.db.write(cast.dung.by) as tx:
        submission_sheets.decide(
            tx, cast.dung, copy, Decision(Lead(person_id=cast.nam.person_id), (), "Xử lý sớm", due)
        )
    with office.db.read() as tx:
        printout = submission_printout(tx, cast.lan, copy)
    text = text_of(printout)
    for part in ("PHIẾU GIẢI QUYẾT VĂN BẢN ĐẾN", "Số đến: 01, ngày đến", "Xử lý sớm", f"Thời hạn: {due}"):
        assert part in text
    assert "Đề xuất giao Phòng Ngân sách" in text
    assert printout.name.startswith("PGQ-1-")
