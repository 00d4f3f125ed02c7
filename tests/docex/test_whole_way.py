"""A letter from Hà's desk to Lan's inbox, with real papers, signatures and verdicts."""

from docex.edxml import Envelope, read
from docex.models import Dispatch, Paper
from docex.papers import main_paper
from docex.states import DocumentState, Progress
from kernel.blobs import read_all
from kernel.text import nfc
from pypdf import PdfReader
import io
import sqlalchemy as sa
from tests.docex.office import Office


def test_a_letter_is_written_signed_sealed_sent_and_registered(office: Office) -> None:
    cast = office.cast
    number = office.sent(recipients=(cast.finance.id, cast.science.id))
    sheet = office.sheet(cast.ha, number)
    assert sheet.problem is None
    assert sheet.state_key == DocumentState.SENT
    assert sheet.code == "01/VP-HCTC"
    assert [row.state.text.vi for row in sheet.deliveries] == ["Đã đến, chờ văn thư"] * 2

    incoming = office.incoming(cast.lan)[0]
    lan_sees = office.incoming_sheet(cast.lan, incoming.id)
    assert lan_sees.verdict is not None
    assert lan_sees.verdict.tone == "good"
    assert {"register", "refuse"} <= lan_sees.acts
    office.register(cast.lan, incoming.id)
    quynh_has = office.incoming(cast.quynh)[0]
    office.refuse(cast.quynh, quynh_has.id, "Không thuộc thẩm quyền")
    rows = {row.agency: row for row in office.sheet(cast.ha, number).deliveries}
    assert rows[cast.finance.name].state.text.vi == "Đã tiếp nhận, vào sổ"
    assert rows[cast.science.name].state.text.vi == "Từ chối tiếp nhận"
    assert rows[cast.science.name].reason == "Không thuộc thẩm quyền"
    assert office.incoming(cast.lan)[0].number == 1
