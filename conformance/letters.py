"""Letters that the checks hand in. Each has an id of its own, so that runs never meet."""

import os
import re
import secrets
import uuid
from dataclasses import dataclass, replace
from typing import Any

from docex.edxml import Envelope, write
from docex.edxml.codes import BusinessKind, StatusCode
from docex.edxml.model import (
    Attachment,
    Business,
    DocumentType,
    Organ,
    ResponseFor,
    Signer,
    StatusMessage,
    Trace,
)
from kernel import clock

PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)
SUBJECT = "Kiểm tra sự tương thích của trục liên thông"


@dataclass(frozen=True)
class Letter:
    """An envelope as a file, and what it says of itself."""

    document_id: str
    code: str
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
        subject=SUBJECT,
        content=SUBJECT,
        signer=Signer("Người Ký Thử", "Trưởng phòng", ""),
        traces=(Trace(sender, clock.now()),),
        business=Business(reason="Văn bản điện tử mới"),
        attachments=(Attachment(str(uuid.uuid4()), "kiem-tra.pdf", PDF),),
    )
    envelope = replace(plain, **changes)
    return Letter(envelope.document_id, f"{number}/KT", write(envelope))


def a_large_letter(sender: str, receiver: str, size: int) -> Letter:
    """A letter with a paper of about so many bytes, which cannot be packed."""
    paper = Attachment(str(uuid.uuid4()), "lon.pdf", PDF + os.urandom(size))
    return a_letter(sender, receiver, attachments=(paper,))


def a_recall(sender: str, receiver: str, letter: Letter) -> Letter:
    """The sender asks for the letter back."""
    business = Business(BusinessKind.RECALL, "Kiểm tra thu hồi", letter.document_id)
    return a_letter(sender, receiver, document_id=letter.document_id, business=business, attachments=())


def a_status(speaker: str, issuer: str, letter: Letter, code: StatusCode, description: str = "") -> bytes:
    """What the receiver says about the issuer's letter, as an edXML status message."""
    about = ResponseFor(issuer, letter.code, letter.document_id, clock.today())
    return write(StatusMessage(Organ(speaker, "Cơ quan nhận thử"), about, code, description, clock.now()))


def a_bare_status(speaker: str, issuer: str, letter: Letter, code: StatusCode) -> bytes:
    """A status that needs a reason and gives none, which no writer of the standard would write."""
    data = a_status(speaker, issuer, letter, code, "Không nêu")
    return re.sub(rb"\s*<edXML:Description>.*?</edXML:Description>", b"", data)
