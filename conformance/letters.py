"""Letters that the checks hand in. Each has an id of its own, so that runs never meet."""

import secrets
import uuid
from dataclasses import dataclass, replace
from typing import Any

from docex.edxml import Envelope, write
from docex.edxml.model import Attachment, Business, DocumentType, Organ, Signer, Trace
from kernel import clock

PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)


@dataclass(frozen=True)
class Letter:
    """An envelope as a file, and its document id."""

    document_id: str
    data: bytes


def a_letter(sender: str, receiver: str, **changes: Any) -> Letter:
    """A new letter from one agency code to another; `changes` are fields of the envelope."""
    number = str(secrets.randbelow(9_000_000) + 1_000_000)
    plain = Envelope(
        sender=Organ(sender, "Cơ quan gửi thử"),
        receivers=(Organ(receiver, "Cơ quan nhận thử"),),
        document_id=f"{sender},2026/01/02,{number}/KT",
        number=number,
        notation="KT",
        place="Nơi thử",
        promulgated_on=clock.today(),
        type=DocumentType("Công văn", 2, 18),
        subject="Kiểm tra sự tương thích của trục liên thông",
        content="Kiểm tra sự tương thích của trục liên thông",
        signer=Signer("Người Ký Thử", "Trưởng phòng", ""),
        traces=(Trace(sender, clock.now()),),
        business=Business(reason="Văn bản điện tử mới"),
        attachments=(Attachment(str(uuid.uuid4()), "kiem-tra.pdf", PDF),),
    )
    envelope = replace(plain, **changes)
    return Letter(envelope.document_id, write(envelope))
