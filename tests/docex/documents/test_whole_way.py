"""A letter from Hà's desk to Lan's inbox, with real papers, signatures and verdicts."""

import io

import pytest
import sqlalchemy as sa
from pypdf import PdfReader

from directory.models import Agency
from docex.documents.delivery.statuses import report_status
from docex.documents.key_custody import Custody
from docex.documents.models import Delivery, Dispatch
from docex.documents.papers.files import main_paper
from docex.documents.states import DocumentState
from docex.edxml import Envelope, read
from kernel import audit, streams
from kernel.storage.blobs import read_all
from kernel.text import nfc
from signing.sandbox import runner
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.verdict import HolderKind, Value
from signing.verification.file_verification import Expected, verify
from tests.docex.office import Office, a_pdf


@pytest.mark.both_databases
def test_a_letter_is_written_signed_sealed_sent_and_registered(office: Office) -> None:
    cast = office.cast
    number = office.sent(recipients=(cast.finance.id, cast.science.id))
    sheet = office.sheet(cast.ha, number)
    assert sheet.problem is None
    assert sheet.state_key == DocumentState.SENT
    assert sheet.code == "01/VP-HCTC"
    assert [row.state.text.vi for row in sheet.deliveries] == ["Đã đến, chờ văn thư"] * 2
    _check_the_paper(office, number)
    _check_the_envelope(office, number)

    incoming = office.incoming(cast.lan)[0]
    lan_sees = office.incoming_sheet(cast.lan, incoming.id)
    assert lan_sees.verdict is not None
    assert lan_sees.verdict.tone == "good"
    assert lan_sees.verdict.test
    assert lan_sees.envelope is not None
    assert (lan_sees.envelope.text.vi, lan_sees.envelope.tone) == ("Hợp lệ", "good")
    assert {"register", "refuse"} <= lan_sees.acts
    office.register(cast.lan, incoming.id)
    office.refuse(cast.quynh, office.incoming(cast.quynh)[0].id, "Không thuộc thẩm quyền")
    rows = {row.agency: row for row in office.sheet(cast.ha, number).deliveries}
    assert rows[cast.finance.name].state.text.vi == "Đã tiếp nhận, vào sổ"
    assert rows[cast.science.name].state.text.vi == "Từ chối tiếp nhận"
    assert rows[cast.science.name].reason == "Không thuộc thẩm quyền"
    assert office.incoming(cast.lan)[0].number == 1
    with office.db.read() as tx:
        for agency in (cast.city, cast.finance, cast.science):
            assert audit.first_break(tx, f"agency:{agency.id}") is None


def _check_the_paper(office: Office, number: int) -> None:
    """The number and the date stand in the bytes that both have signed, person first."""
    with office.db.read() as tx:
        paper = main_paper(tx, number, stage="sealed")
        assert paper is not None
        data = read_all(office.blobs, paper.sha256)
    text = nfc(PdfReader(io.BytesIO(data)).pages[0].extract_text())
    assert "01/VP-HCTC" in text.replace(" ", "")
    with office.db.read() as tx:
        trust = Custody(office.config).trust(tx)
    expected = Expected((office.cast.city.name,))
    verdict = verify(data, trust, policy_for(DocumentKind.OFFICIAL), expected=expected)
    assert verdict.value is Value.VALID
    assert [s.kind for s in verdict.signers] == [HolderKind.PERSON, HolderKind.SEAL]
    assert verdict.signers[0].name == office.cast.binh.name


def _check_the_envelope(office: Office, number: int) -> None:
    """The envelope that left says what the page says, and holds the sealed paper."""
    with office.db.read() as tx:
        dispatch = tx.session.scalars(sa.select(Dispatch).where(Dispatch.document_id == number)).one()
        sealed = main_paper(tx, number, stage="sealed")
        assert sealed is not None
    envelope = read(read_all(office.blobs, dispatch.sha256))
    assert isinstance(envelope, Envelope)
    assert envelope.code == "01/VP-HCTC"
    assert [organ.name for organ in envelope.receivers] == [office.cast.finance.name, office.cast.science.name]
    assert envelope.attachments[0].data == read_all(office.blobs, sealed.sha256)


def test_a_letter_goes_to_an_agency_whose_name_is_longer_than_the_standard_allows(office: Office) -> None:
    finance = office.cast.finance.id
    long = "Ban Quản lý dự án đầu tư xây dựng " * 7
    with office.db.write() as tx:
        agency = tx.session.get_one(Agency, finance)
        agency.name, agency.address, agency.phone = long.strip(), "Số 1 phố Mẫu, " * 20, "0" * 60
    number = office.sent(recipients=(finance,))
    sheet = office.sheet(office.cast.ha, number)
    assert (sheet.problem, sheet.state_key) == (None, DocumentState.SENT)
    with office.db.read() as tx:
        dispatch = tx.session.scalars(sa.select(Dispatch).where(Dispatch.document_id == number)).one()
        code = tx.session.get_one(Agency, finance).code
    envelope = read(read_all(office.blobs, dispatch.sha256))
    assert isinstance(envelope, Envelope)
    (organ,) = envelope.receivers
    assert organ.code == code
    assert organ.name.endswith("…")
    assert len(organ.name) <= 200


def test_an_uploaded_pdf_is_signed_as_it_is(office: Office) -> None:
    before = signed_by_kept_programs()
    number = office.uploaded(a_pdf(), kind="plan")
    office.issue(number, office.cast.ha, office.cast.binh)
    assert signed_by_kept_programs() == before  # no file that others made comes near those
    sheet = office.sheet(office.cast.ha, number)
    assert (sheet.problem, sheet.code, sheet.state_key) == (None, "01/KH-VP", DocumentState.SENT)
    assert sheet.verdict is not None
    assert sheet.verdict.tone == "good"
    with office.db.read() as tx:
        paper = main_paper(tx, number, stage="sealed")
        assert paper is not None
    assert read_all(office.blobs, paper.sha256).startswith(a_pdf())


def signed_by_kept_programs() -> int:
    """How many papers the programs have signed that are kept for what we draw ourselves."""
    return sum(program.tasks for program in runner.pool("keys", kept=True)._idle)


def test_everybody_who_looks_is_told_at_each_step(office: Office) -> None:
    number = office.on_its_way()
    copy = office.incoming(office.cast.lan)[0]
    with office.db.read() as tx:
        before = streams.heads(tx, [f"document:{number}", f"incoming:{copy.id}"])
        arrived = streams.replay(tx, f"agency:{office.cast.finance.id}/clerks", 0)
    assert arrived is not None
    assert {"incoming.arrived", "incoming.judged"} <= {event.kind for event in arrived}
    office.register(office.cast.lan, copy.id)
    with office.db.read() as tx:
        after = streams.heads(tx, [f"document:{number}", f"incoming:{copy.id}"])
    assert all(after[name] > before[name] for name in before)


def test_a_document_is_finished_when_its_recipients_are(office: Office) -> None:
    number = office.on_its_way()
    with office.db.write("system") as tx:
        delivery = tx.session.scalars(sa.select(Delivery)).one()
        report_status(tx, delivery, "06")
    office.work()
    assert office.document(number).state == DocumentState.FINISHED
