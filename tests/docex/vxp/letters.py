"""Files that systems hand in."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from directory.queries import AgencyCard
from docex.edxml import Envelope, StatusMessage, write
from docex.edxml.codes import StatusCode
from docex.edxml.model import Attachment, Business, DocumentType, Organ, ResponseFor, Signer, Trace
from kernel.clock import VN
from tests.docex.office import a_pdf

AT = datetime(2026, 3, 2, 9, 15, tzinfo=VN)
KEY = "H98.07,2026/03/02,125/SGT-VP"


def a_letter(sender: Organ, *receivers: Organ, **changes: Any) -> bytes:
    """A new document of a foreign agency."""
    envelope = Envelope(
        sender=sender,
        receivers=receivers,
        document_id=KEY,
        number="125",
        notation="SGT-VP",
        place="Tỉnh Bạn",
        promulgated_on=date(2026, 3, 2),
        type=DocumentType("Công văn", 2, 18),
        subject="Phối hợp phân luồng giao thông",
        signer=Signer("Nguyễn Văn Mẫu", "Giám đốc"),
        traces=(Trace(sender.code, AT),),
        business=Business(reason="Văn bản điện tử mới"),
        attachments=(Attachment("paper-1", "125-SGT-VP.pdf", a_pdf()),),
    )
    return write(replace(envelope, **changes))


def a_status(sender: Organ, to_code: str, status: StatusCode, description: str = "", key: str = KEY) -> bytes:
    """A receiver's status about a document."""
    about = ResponseFor(to_code, "125/SGT-VP", key, date(2026, 3, 2))
    return write(StatusMessage(sender, about, status, description, AT))


def organ(card: AgencyCard) -> Organ:
    """An agency of the directory as envelopes name it."""
    return Organ(card.code, card.name)
