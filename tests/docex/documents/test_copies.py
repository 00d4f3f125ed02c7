"""Copies (Decree 30/2020 arts. 25 to 27) and attachments: a book of their own, the signature of the agency alone."""

import io
from dataclasses import replace

import pytest
import sqlalchemy as sa
from pypdf import PdfReader

from docex.documents import numbering
from docex.documents.drafting import outgoing
from docex.documents.issuing import docx_export, issuance
from docex.documents.key_custody import Custody
from docex.documents.models import Book, Dispatch, Paper
from docex.documents.pages import workflow_panel as desk_pages
from docex.documents.pages.document_view import document_sheet
from docex.documents.papers.files import attachments_of, main_paper
from docex.documents.registers.register import Ask, register_page
from docex.documents.states import DocumentState
from docex.official.composing import compose
from docex.official.paper import CopyNote
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.storage.blobs import read_all
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.verdict import HolderKind, Value
from signing.verification.file_verification import Expected, verify
from tests.docex.office import Office, a_pdf


def issued(office: Office, form: str, **changes: object) -> int:
    """A copy all the way to its recipients."""
    number = office.uploaded(a_pdf(), copy_form=form, **changes)
    office.work()
    office.submit(number)
    office.sign(number)
    office.seal(number)
    office.work()
    return number


def mark_on(data: bytes) -> str:
    """The text in the signature's box, as a reader of the page sees it."""
    annotations = PdfReader(io.BytesIO(data)).pages[0]["/Annots"]
    boxes = [note.get_object() for note in annotations]  # type: ignore[attr-defined]
    (copy,) = [box for box in boxes if box["/T"] == "SaoY"]
    left, bottom, right, top = (float(edge) for edge in copy["/Rect"])
    assert left > 595 / 2, "on the right"
    assert bottom > 842 * 0.9, "at the top"
    assert right <= 595
    assert top <= 842
    return str(copy["/Rect"])


def test_a_copy_is_approved_by_the_leader_and_signed_by_the_agency_alone(office: Office) -> None:
    number = issued(office, "SY", kind="decision")
    sheet = office.sheet(office.cast.ha, number)
    assert (sheet.problem, sheet.state_key, sheet.code) == (None, DocumentState.SENT, "01/SY-VP")
    assert [moment.title.vi for moment in sheet.timeline].count("Duyệt bản sao") == 1
    with office.db.read() as tx:
        paper = main_paper(tx, number, stage="sealed")
        assert paper is not None
    data = read_all(office.blobs, paper.sha256)
    assert data.startswith(a_pdf())
    assert mark_on(data)
    with office.db.read() as tx:
        trust = Custody(office.config).trust(tx)
    expected = Expected((office.cast.city.name,))
    verdict = verify(data, trust, policy_for(DocumentKind.COPY), expected=expected)
    assert verdict.value is Value.VALID
    assert [signer.kind for signer in verdict.signers] == [HolderKind.SEAL]
    received = office.incoming_sheet(office.cast.lan, office.incoming(office.cast.lan)[0].id)
    assert received.verdict is not None
    assert received.verdict.tone == "good"


def test_a_copy_on_paper_is_numbered_and_sealed_and_goes_to_nobody(office: Office) -> None:
    number = issued(office, "SY", recipients=())
    document = office.document(number)
    assert (document.state, document.code) == ("finished", "01/SY-VP")
    assert document.sent_at is not None
    with office.db.read() as tx:
        assert tx.session.scalar(sa.select(Dispatch.id)) is None
        assert document_sheet(tx, office.cast.ha, number).timeline[0].title.vi == "Giao bản sao trên giấy"
        block = docx_export.document_printout(tx, office.cast.ha, number).printed
    assert isinstance(block, CopyNote)
    (layout,) = compose(block)
    assert layout.copy is not None
    assert layout.copy.foot is not None
    assert layout.copy.foot.beside == ("- Lưu: VT.",)
    with pytest.raises(Invalid) as refused:
        office.uploaded(a_pdf(), recipients=())
    assert "recipients" in refused.value.fields


@pytest.mark.long_proof
def test_all_forms_of_copies_share_one_series_beside_that_of_documents(office: Office) -> None:
    codes = [office.sheet(office.cast.ha, issued(office, form)).code for form in ("SY", "SL", "TrS")]
    assert codes == ["01/SY-VP", "02/SL-VP", "03/TrS-VP"]
    letter = office.written()
    office.work()
    office.submit(letter)
    office.sign(letter)
    assert office.document(letter).code == "01/VP-HCTC"
    with office.db.read() as tx:
        page = register_page(tx, office.cast.ha, Ask(book="out", year=page_year(office), series=numbering.COPIES))
        labels = {choice.label.vi for choice in page.choices}
    assert labels == {"Bản sao", "Chung"}
    assert [entry.cells[0] for entry in page.entries] == ["03/TrS-VP", "02/SL-VP", "01/SY-VP"]
    assert page.entries[0].cells[2].startswith("Trích sao Công văn: ")


def page_year(office: Office) -> int:
    with office.db.read() as tx:
        return max(book.year for book in tx.session.query(Book))


@pytest.mark.parametrize("form", ["XX", "sy", "SY "])
def test_an_unknown_form_of_copy_is_refused(office: Office, form: str) -> None:
    with pytest.raises(Invalid) as refused:
        office.uploaded(a_pdf(), copy_form=form)
    assert set(refused.value.fields) == {"copy_form"}


def test_a_copy_is_never_written_here(office: Office) -> None:
    with pytest.raises(Invalid) as refused:
        office.written(copy_form="SY")
    assert set(refused.value.fields) == {"copy_form"}


@pytest.mark.long_proof
def test_a_copy_of_a_received_document_stands_on_both_pages(office: Office) -> None:
    office.on_its_way()
    cast = office.cast
    received = office.incoming(cast.lan)[0]
    office.register(cast.lan, received.id)
    draft = office.draft(
        body="", signer_id=cast.dung.person_id, recipients=(cast.city.id,), copy_form="SY", copied_id=received.id
    )
    with office.db.write(cast.lan.by) as tx:
        copy = outgoing.upload(tx, cast.lan, draft, office.file(a_pdf())).id
    office.issue(copy, cast.lan, cast.dung)
    with office.db.read() as tx:
        (related,) = desk_pages.incoming_desk(tx, cast.lan, received.id).copies
        origin = desk_pages.document_desk(tx, cast.lan, copy).copied
    assert related.title.startswith("01/SY-STC")
    assert origin is not None
    assert origin.url.endswith(f"/{received.id}")
    stranger = replace(draft, signer_id=cast.binh.person_id, recipients=(cast.science.id,))
    with office.db.write(cast.ha.by) as tx, pytest.raises(NotFound):
        outgoing.upload(tx, cast.ha, stranger, office.file(a_pdf()))


def test_the_block_for_a_paper_copy_is_there_once_there_is_a_number(office: Office) -> None:
    number = office.uploaded(a_pdf(), copy_form="SL")
    with office.db.read() as tx, pytest.raises(NotFound):
        docx_export.document_printout(tx, office.cast.ha, number)
    office.work()
    office.submit(number)
    office.sign(number)
    with office.db.read() as tx:
        note = docx_export.document_printout(tx, office.cast.ha, number).printed
    assert isinstance(note, CopyNote)
    assert (note.form.heading, note.number, note.notation) == ("SAO LỤC", "01", "SL-VP")
    assert (note.signer, note.recipients) == (office.cast.binh.name, (office.cast.finance.name,))


def test_only_the_leader_approves_and_only_the_clerk_seals_a_copy(office: Office) -> None:
    number = office.uploaded(a_pdf(), copy_form="SY")
    office.work()
    office.submit(number)
    with office.db.write(office.cast.ha.by) as tx, pytest.raises(Forbidden):
        issuance.sign(tx, office.cast.ha, number)
    office.sign(number)
    with office.db.write(office.cast.binh.by) as tx, pytest.raises(Forbidden):
        issuance.seal(tx, office.cast.binh, number)


@pytest.mark.long_proof
def test_an_attached_pdf_bears_the_agencys_signature_and_other_files_go_as_they_are(office: Office) -> None:
    broken = b"%PDF-1.7 this is no PDF"
    files = (
        office.file(a_pdf(), "phu-luc.pdf"),
        office.file(b"a,b\n1,2\n", "so-lieu.csv", "text/csv"),
        office.file(broken, "hong.pdf"),
    )
    with office.db.write(office.cast.ha.by) as tx:
        number = outgoing.write(tx, office.cast.ha, office.draft(), files).id
    office.issue(number, office.cast.ha, office.cast.binh)
    with office.db.read() as tx:
        annex, table, odd = attachments_of(tx, number)
        kept = tx.session.query(Paper).filter(Paper.document_id == number, Paper.name == "phu-luc.pdf").count()
    assert kept == 2, "the file as it was attached stays on record"
    data = read_all(office.blobs, annex.sha256)
    assert data.startswith(a_pdf())
    assert mark_on(data)
    with office.db.read() as tx:
        trust = Custody(office.config).trust(tx)
    expected = Expected((office.cast.city.name,))
    verdict = verify(data, trust, policy_for(DocumentKind.COPY), expected=expected)
    assert verdict.value is Value.VALID
    assert [table.stage, odd.stage] == ["upload", "upload"]
    received = office.incoming_sheet(office.cast.lan, office.incoming(office.cast.lan)[0].id)
    assert [(file.name, file.verdict is not None) for file in received.attachments] == [
        ("phu-luc.pdf", True),
        ("so-lieu.csv", False),
        ("hong.pdf", False),
    ]
    assert received.verdict is not None
    assert received.verdict.tone == "good"
