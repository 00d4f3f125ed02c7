"""Invented messages that the tests of this folder share: between the office and a department of a made-up city."""

import io
import zipfile
from datetime import UTC, date, datetime

from docex.edxml.codes import BusinessKind, Priority, StatusCode
from docex.edxml.model import (
    Attachment,
    Business,
    DocumentType,
    Envelope,
    EnvelopeSignature,
    Organ,
    OtherInfo,
    ReceiverChange,
    Replacement,
    ResponseFor,
    SignedReference,
    Signer,
    Staff,
    StatusMessage,
    Trace,
    UpdateInfo,
)

PDF = b"%PDF-1.4\n%invented\n%%EOF\n"
AT = datetime(2026, 3, 2, 2, 15, tzinfo=UTC)
OFFICE = Organ("000.00.01.H99", "Văn phòng UBND thành phố An Bình", "UBND thành phố An Bình", "Số 1 đường Hòa Bình")
DEPARTMENT = Organ("H99.12", "Sở Nội vụ", "UBND thành phố An Bình", email="sonoivu@example.vn")
WARD = Organ("H99.30.2", "UBND phường Bến Cát")
HA = Staff("Lê Thị Hà", "Văn thư", "ha@example.vn", "84900000001")
ABOUT = ResponseFor(OFFICE.code, "12/VP-HC", f"{OFFICE.code},2026/03/02,12/VP-HC", date(2026, 3, 2))


def attachment(name: str = "12_VP.pdf", data: bytes = PDF, number: int = 1) -> Attachment:
    return Attachment(f"00000000-0000-4000-8000-{number:012}", name, data, "Công văn")


def letter(
    *,
    subject: str = "Triển khai liên thông văn bản điện tử",
    attachments: tuple[Attachment, ...] = (),
    business: Business | None = None,
    receivers: tuple[Organ, ...] = (DEPARTMENT, WARD),
    signature: EnvelopeSignature | None = None,
) -> Envelope:
    """A new official letter with every field filled."""
    return Envelope(
        sender=OFFICE,
        receivers=receivers,
        document_id=f"{OFFICE.code},2026/03/02,12/VP-HC",
        number="12",
        notation="VP-HC",
        place="An Bình",
        promulgated_on=date(2026, 3, 2),
        type=DocumentType("Công văn", 2, 18),
        subject=subject,
        content="Như trích yếu",
        signer=Signer("Trần Quốc Bình", "PHÓ CHÁNH VĂN PHÒNG", "KT. CHÁNH VĂN PHÒNG"),
        due_on=date(2026, 3, 15),
        other=OtherInfo(Priority.URGENT, "Toàn thành phố", "PL", 30, 2, True, ("Phụ lục I", "Phụ lục II")),
        responses=(ResponseFor(DEPARTMENT.code, "3/SNV-VP", "H99.12,2026/02/01,3/SNV-VP", date(2026, 2, 1)),),
        steering=1,
        task_codes=("NV-1", "NV-2"),
        application="QLVB",
        places=("Như trên", "Lưu: VT"),
        traces=(Trace(OFFICE.code, AT), Trace("001.00.20.TT2", AT.replace(minute=20))),
        business=business or Business(BusinessKind.NEW, "Văn bản điện tử mới", staff=(HA,)),
        signature=signature,
        attachments=attachments,
    )


def recall() -> Envelope:
    return letter(business=Business(BusinessKind.RECALL, "Sai thể thức", ABOUT.document_id, staff=(HA,)))


def update() -> Envelope:
    changes = (ReceiverChange(DEPARTMENT.code, False), ReceiverChange(WARD.code, True))
    return letter(
        business=Business(
            BusinessKind.UPDATE, "Bổ sung nơi nhận", ABOUT.document_id, updates=(UpdateInfo(True, True, changes),)
        )
    )


def replacement() -> Envelope:
    old = tuple(Replacement(f"{OFFICE.code},2026/01/0{n},{n}/VP-HC", (DEPARTMENT.code, WARD.code)) for n in (1, 2))
    return letter(business=Business(BusinessKind.REPLACE, "Thay thế hai văn bản", paper=True, replacements=old))


def signature() -> EnvelopeSignature:
    references = (
        SignedReference("", "http://www.w3.org/2001/04/xmlenc#sha256", "AAAA", ("urn:a", "urn:b")),
        SignedReference("cid:x", "http://www.w3.org/2001/04/xmlenc#sha256", "BBBB"),
    )
    return EnvelopeSignature(
        "http://www.w3.org/2001/10/xml-exc-c14n#",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        references,
        "SU5WRU5URUQ=",
        "Q0VSVA==",
        "CN=Thử nghiệm",
    )


def status(code: StatusCode) -> StatusMessage:
    return StatusMessage(DEPARTMENT, ABOUT, code, "Lý do: gửi nhầm đơn vị", AT, HA)


def zipped(*entries: tuple[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return target.getvalue()
