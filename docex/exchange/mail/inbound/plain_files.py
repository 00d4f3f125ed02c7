"""A document that came as plain files: an envelope is written from what the mail says, so that it goes on as others."""

import hashlib
import re
import uuid
from datetime import datetime

from directory.queries import AgencyCard
from docex import edxml
from docex.edxml import Envelope, papers
from docex.edxml.model import Attachment, Business, DocumentType, Note, Organ, Signer, Trace
from docex.exchange.mail.inbound.parsing import Mail
from docex.exchange.mail.models import Signature
from kernel import clock
from kernel.text import phrase

_CODE = re.compile(r"\b(\d{1,6}[A-Za-z]?)/([0-9A-ZĐa-zđ][\w.\-]{1,28})")
_NO_NUMBER = ("KS", "TĐT")
_NAMES = uuid.UUID("0f7a5a3c-2a39-4cc5-8b3c-5d0f1f4f8f11")


def envelope_from(mail: Mail, sender: AgencyCard, receivers: tuple[AgencyCard, ...], received_at: datetime) -> bytes:
    """The edXML of a mail with files; the same mail always gives the same bytes. EdxmlError names what is missing."""
    day = (mail.date or received_at).astimezone(clock.VN)
    found = _CODE.search(mail.subject)
    number, notation = (found.group(1), found.group(2).rstrip(".-")) if found else _NO_NUMBER
    subject = mail.subject[:500] or "(không có tiêu đề)"
    # A document id of at most 200 characters that is the same for the same mail. What was signed is one document,
    # whoever it is sent to: recipients are not signed.
    names = mail.content_sha256 or " ".join([mail.message_id, *sorted(card.code for card in receivers)])
    key = hashlib.sha256(names.encode()).hexdigest()[:32]
    envelope = Envelope(
        sender=_organ(sender),
        receivers=tuple(_organ(card) for card in receivers),
        document_id=f"{sender.code},{day:%Y/%m/%d},{key}",
        number=number,
        notation=notation,
        place=(sender.place or sender.name)[:50],
        promulgated_on=day.date(),
        type=DocumentType("Văn bản"),
        subject=subject,
        content=subject,
        signer=Signer("(không ghi trong thư)"),
        traces=(Trace(sender.code, day.replace(microsecond=0)),),
        business=Business(reason="Văn bản nhận qua thư điện tử"),
        attachments=tuple(
            Attachment(str(uuid.uuid5(_NAMES, f"{n}:{part.name}")), _name(part.name, n), part.data)
            for n, part in enumerate(mail.files, start=1)
        ),
    )
    return edxml.write(envelope)


def notes(mail: Mail) -> tuple[Note, ...]:
    """Notes for the clerk about such a document."""
    text = phrase("Thư không kèm tệp edXML: số, ký hiệu và trích yếu lấy từ tiêu đề thư, xin kiểm tra lại.")
    found = Note("mail_plain", text)
    if mail.signature is not Signature.SIGNED or mail.subject_is_signed:
        return (found,)
    unsigned = phrase("Nơi gửi chỉ ký các tệp; tiêu đề, ngày và nơi nhận của thư không được ký, có thể đã bị sửa.")
    return found, Note("mail_headers_unsigned", unsigned)


def _organ(card: AgencyCard) -> Organ:
    return Organ(card.code, card.name[:200])


def _name(name: str, place: int) -> str:
    return papers.plain_name(name) or f"tep-{place}"
