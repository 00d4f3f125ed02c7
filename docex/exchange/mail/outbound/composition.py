"""The composition of a letter to a partner: a cover that people read, the files, the signature around both."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from docex.documents.envelope import Facts
from docex.documents.labels import URGENCY
from docex.exchange.mail import smime
from kernel import clock
from kernel.text import Phrase, phrase
from notify.mail import mime
from notify.mail.mime import File
from signing.keys.keystore import KeyStore

RECEIPT_FILE = "receipt.json"
MANIFEST_FILE = "manifest.json"
EDXML_TYPE = "application/xml"
_MIME_VERSION = b"MIME-Version: 1.0\r\n"


@dataclass(frozen=True)
class Cover:
    """The sender, receiver and subject of a letter. `answers` is the Message-ID that a receipt belongs to."""

    message_id: str
    sender_name: str
    sender_address: str
    to_name: str
    to_address: str
    subject: str
    text: str
    made_at: datetime
    kind: str
    answers: str = ""


def built(cover: Cover, files: tuple[File, ...], key: KeyStore, reader_pem: str, attempt: int) -> bytes:
    """The signed letter, enveloped for its reader when `reader_pem` is given. Date and Message-ID never change."""
    plain = mime.built(
        mime.Letter(
            message_id=cover.message_id,
            sender=f"{cover.sender_name} <{cover.sender_address}>",
            to_name=cover.to_name,
            to_address=cover.to_address,
            subject=cover.subject,
            date=cover.made_at,
            list_name=f"docex.{cover.kind}",
            text=cover.text,
            attempt=attempt,
            files=files,
        )
    )
    head, _, entity = plain.partition(_MIME_VERSION)
    if cover.answers:
        head += f"In-Reply-To: {cover.answers}\r\nReferences: {cover.answers}\r\n".encode("ascii", "ignore")
    boundary = "=_s" + hashlib.sha256(cover.message_id.encode()).hexdigest()[:32]
    signed = smime.sign(entity.removesuffix(smime.CRLF), key, cover.made_at, boundary)
    body = smime.envelop(signed, smime.read_certificate(reader_pem)) if reader_pem else signed
    return head + _MIME_VERSION + body


def receipt_file(facts: dict[str, Any]) -> File:
    """The part of a receipt that machines read."""
    data = json.dumps(facts, ensure_ascii=False, indent=2, sort_keys=True).encode()
    return File(RECEIPT_FILE, "application/json", data)


def document_subject(facts: Facts) -> str:
    """`[Khẩn] 15/VP: Báo cáo tiến độ …`"""
    urgent = f"[{URGENCY[facts.urgency].vi}] " if facts.urgency in URGENCY and facts.urgency else ""
    return f"{urgent}{facts.code}: {facts.subject}"[:300]


def document_text(facts: Facts, to_name: str, sha256: str, message_id: str, link: tuple[str, datetime] | None) -> str:
    """The cover of a document; `link` is an address and its end when the file does not come along."""
    rows: list[tuple[Phrase, str]] = [
        (phrase("Số, ký hiệu"), facts.code),
        (phrase("Loại văn bản"), facts.kind_name),
        (phrase("Trích yếu"), facts.subject),
        (phrase("Ngày ban hành"), f"{facts.issued_on:%d/%m/%Y}" if facts.issued_on else ""),
        (phrase("Người ký"), ", ".join(t for t in (facts.signer, facts.signer_title) if t)),
        (phrase("Mức độ khẩn"), URGENCY[facts.urgency].vi if facts.urgency in URGENCY and facts.urgency else ""),
        (phrase("Hạn trả lời"), f"{facts.due_on:%d/%m/%Y}" if facts.due_on else ""),
    ]
    lines = [
        phrase("Kính gửi: {name}", name=to_name).vi,
        "",
        phrase("{name} gửi quý cơ quan văn bản điện tử sau:", name=facts.sender_name).vi,
        "",
        *_rows(rows),
        "",
        *_where(sha256, link),
        "",
        phrase("Thư này được ký số theo chuẩn S/MIME bằng chứng thư của cơ quan gửi.").vi,
        phrase("Hệ thống nhận xin gửi lại giấy báo nhận (receipt.json) cho mã thông điệp {id}.", id=message_id).vi,
    ]
    return "\n".join(lines) + "\n"


def receipt_subject(kind: str, subject: str) -> str:
    """The subject of a receipt, with that of the message that it is about."""
    heads = {
        "acceptance": phrase("Giấy báo tiếp nhận: {subject}", subject=subject),
        "delivery": phrase("Giấy báo đã đến: {subject}", subject=subject),
        "refusal": phrase("Không tiếp nhận: {subject}", subject=subject),
        "status": phrase("Trạng thái văn bản: {subject}", subject=subject),
    }
    return heads[kind].vi[:300]


def receipt_text(kind: str, facts: dict[str, Any]) -> str:
    """The text of a receipt for people."""
    heads = {
        "acceptance": phrase("Hệ thống đã tiếp nhận thư của quý cơ quan và đang chuyển tới nơi nhận."),
        "delivery": phrase("Văn bản của quý cơ quan đã vào hộp văn bản đến của nơi nhận."),
        "refusal": phrase("Hệ thống không tiếp nhận thư của quý cơ quan. Lý do nêu ở dưới."),
        "status": phrase("Nơi nhận thông báo trạng thái của văn bản (tệp edXML kèm theo)."),
    }
    rows: list[tuple[Phrase, str]] = [
        (phrase("Nơi nhận"), str(facts.get("receiver", {}).get("name", ""))),
        (phrase("Lý do"), str(facts.get("reason", {}).get("vi", ""))),
        (phrase("Lý do (tiếng Anh)"), str(facts.get("reason", {}).get("en", ""))),
        (phrase("Mã thông điệp"), str(facts.get("message_id", ""))),
        (phrase("Mã văn bản"), str(facts.get("document_id", ""))),
        (phrase("Thời điểm"), str(facts.get("at", ""))),
        (phrase("Mã băm SHA-256"), str(facts.get("sha256", ""))),
    ]
    return "\n".join([heads[kind].vi, "", *_rows(rows), ""])


def _where(sha256: str, link: tuple[str, datetime] | None) -> list[str]:
    if link is None:
        return [
            phrase("Phong bì edXML và các tệp của văn bản gửi kèm thư này.").vi,
            phrase("Mã băm SHA-256 của phong bì: {sha256}", sha256=sha256).vi,
        ]
    address, until = link
    return [
        phrase("Tệp lớn nên không gửi kèm. Xin tải phong bì edXML tại địa chỉ:").vi,
        address,
        phrase("Địa chỉ này dùng được đến {until}.", until=f"{until.astimezone(clock.VN):%H:%M %d/%m/%Y}").vi,
        phrase("Mã băm SHA-256 của phong bì: {sha256}", sha256=sha256).vi,
    ]


def _rows(rows: list[tuple[Phrase, str]]) -> list[str]:
    return [f"- {label.vi}: {value}" for label, value in rows if value]
