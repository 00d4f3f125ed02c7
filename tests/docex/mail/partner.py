"""A partner outside the hub: its agency, its key, its own mail server, and what it writes."""

import io
import smtplib
from dataclasses import dataclass, field, replace
from email import message_from_string, policy
from email.header import Header
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from directory.models import Agency
from docex.documents.envelope import facts_of
from docex.documents.models import Delivery, Dispatch
from docex.edxml import Envelope, write
from docex.edxml.model import Attachment, Business, DocumentType, Organ, Signer, Trace
from docex.exchange.dispatch import Receiver, Submission, hand_in
from docex.exchange.mail import partners, smime
from docex.exchange.mail.inbound.smtp_listener import SmtpListener
from docex.exchange.mail.models import MailArrival, MailLetter
from docex.exchange.mail.partners import Terms
from kernel import clock
from kernel.config import Config
from kernel.db import Database
from kernel.queue.worker import drain
from kernel.storage.blobs import BlobStore
from notify.mail import mime
from notify.sinks.smtp import SmtpSink
from signing.keys.keystore import FileKeyStore
from signing.testca.authority import EMAIL_PROTECTION, TestAuthority
from signing.testca.certificates import subject_named
from tests.cast import Cast

ADDRESS = "vanthu@ban.example"
CODE = "H98.07"
NAME = "Sở Giao thông tỉnh Bạn"
PDF = b"%PDF-1.7 van ban cua noi khac"


@dataclass
class Abroad:
    """The partner and everything around it."""

    config: Config
    db: Database
    blobs: BlobStore
    cast: Cast
    sink: SmtpSink
    listener: SmtpListener
    key: FileKeyStore
    other: FileKeyStore
    agency_id: int
    sent: list[EmailMessage] = field(default_factory=list)

    @property
    def certificate(self) -> str:
        return pem(self.key)

    def agree(self, **changes: Any) -> None:
        """The administrator writes down how the partner is reached."""
        terms = replace(Terms(ADDRESS, self.certificate), **changes)
        with self.db.write(self.cast.admin.by) as tx:
            partners.keep(tx, self.cast.admin, self.agency_id, terms)

    def work(self) -> None:
        drain(self.db)

    # ---- from us to the partner ----

    def document(self, size: int = 2000, receivers: tuple[int, ...] = ()) -> int:
        """The city office sends a document to the partner. Answers the dispatch's id."""
        number = self.handed_in(size, receivers)
        self.work()
        return number

    def handed_in(self, size: int = 2000, receivers: tuple[int, ...] = ()) -> int:
        """The same before the worker has done anything."""
        envelope = replace(
            self.envelope(),
            sender=Organ(self.cast.city.code, self.cast.city.name),
            receivers=(Organ(CODE, NAME),),
            document_id=f"{self.cast.city.code},2026/03/02,{size}/VP",
            attachments=(Attachment("22222222-2222-4222-8222-222222222222", "15.pdf", PDF + b" " * size),),
        )
        blob = self.blobs.put(io.BytesIO(write(envelope)))
        submission = Submission(
            channel=f"agency:{self.cast.city.id}",
            message_id=envelope.document_id,
            document_key=envelope.document_id,
            business=0,
            sender_id=self.cast.city.id,
            envelope=blob,
            facts=facts_of(envelope),
            papers=(),
            receivers=tuple(Receiver(i) for i in (self.agency_id, *receivers)),
        )
        with self.db.write(self.cast.ha.by) as tx:
            return hand_in(tx, submission)[0].id

    def inbox(self) -> list[EmailMessage]:
        """The letters that the partner's mail server took."""
        return [message_from_string(e["raw"], policy=policy.default) for e in self.sink.journal.entries()]

    def raw_inbox(self) -> list[bytes]:
        return [e["raw"].encode("latin-1") for e in self.sink.journal.entries()]

    # ---- from the partner to us ----

    def envelope(self, **changes: Any) -> Envelope:
        plain = Envelope(
            sender=Organ(CODE, NAME),
            receivers=(Organ(self.cast.finance.code, self.cast.finance.name),),
            document_id=f"{CODE},2026/03/02,125/SGT-VP",
            number="125",
            notation="SGT-VP",
            place="Tỉnh Bạn",
            promulgated_on=clock.today(),
            type=DocumentType("Công văn", 2, 18),
            subject="Phối hợp phân luồng giao thông",
            signer=Signer("Nguyễn Văn Giả Định", "Phó Giám đốc", "KT. GIÁM ĐỐC"),
            traces=(Trace(CODE, clock.now()),),
            business=Business(reason="Văn bản điện tử mới"),
            attachments=(Attachment("11111111-1111-4111-8111-111111111111", "125.pdf", PDF),),
        )
        return replace(plain, **changes)

    def mail(
        self,
        files: tuple[mime.File, ...],
        *,
        key: FileKeyStore | None = None,
        unsigned: bool = False,
        message_id: str = "<1@ban.example>",
        subject: str = "Gửi văn bản",
        sender: str = ADDRESS,
        signed_subject: str = "",
    ) -> bytes:
        """A letter as the partner's software writes it; `signed_subject` stands inside the signature (RFC 9788)."""
        letter = mime.Letter(
            message_id=message_id,
            sender=f"{NAME} <{sender}>",
            to_name="",
            to_address=self.address(),
            subject=subject,
            date=clock.now(),
            list_name="x",
            text="Kính gửi quý cơ quan.",
            files=files,
        )
        head, mark, entity = mime.built(letter).partition(b"MIME-Version: 1.0\r\n")
        if unsigned:
            return head + mark + entity
        if signed_subject:
            entity = f"Subject: {Header(signed_subject, 'utf-8').encode()}\r\n".encode() + entity
        return head + mark + smime.sign(entity.removesuffix(b"\r\n"), key or self.key, clock.now(), "=_partner")

    def edxml_mail(self, envelope: Envelope | None = None, **rest: Any) -> bytes:
        data = write(envelope or self.envelope())
        return self.mail((mime.File("125.edxml", "application/xml", data),), **rest)

    def address(self) -> str:
        return f"{self.cast.finance.code.lower()}@vanban.example"

    def post(self, raw: bytes, *, to: str = "", sender: str = ADDRESS) -> None:
        """Hand a letter over by SMTP; smtplib's errors are the listener's refusals."""
        with smtplib.SMTP(self.listener.hostname, self.listener.port, timeout=30) as smtp:
            smtp.sendmail(sender, [to or self.address()], raw)

    def arrivals(self) -> list[MailArrival]:
        with self.db.read() as tx:
            return list(tx.session.scalars(sa.select(MailArrival).order_by(MailArrival.id)))

    def letters(self) -> list[MailLetter]:
        with self.db.read() as tx:
            return list(tx.session.scalars(sa.select(MailLetter).order_by(MailLetter.id)))

    def deliveries(self) -> list[Delivery]:
        with self.db.read() as tx:
            return list(tx.session.scalars(sa.select(Delivery).order_by(Delivery.id)))

    def dispatches(self) -> list[Dispatch]:
        with self.db.read() as tx:
            return list(tx.session.scalars(sa.select(Dispatch).order_by(Dispatch.id)))


def pem(key: FileKeyStore) -> str:
    certificate = x509.load_der_x509_certificate(key.describe().certificate)
    return certificate.public_bytes(Encoding.PEM).decode()


@cache
def a_key(folder: Path, name: str) -> FileKeyStore:
    """A key with its certificate, made once in `folder` and opened once: opening is slow on purpose."""
    authority = TestAuthority(folder)
    path = folder / "partners" / f"{name}.p12"
    if path.exists():
        return FileKeyStore(path, authority.passphrase)
    return authority.write_pair(path, authority.certify(subject_named(NAME, []), usages=[EMAIL_PROTECTION]))


def found_agency(db: Database) -> int:
    with db.write() as tx:
        row = Agency(code=CODE, old_code="", name=NAME, is_local=False, parent_id=None, place="Tỉnh Bạn")
        tx.session.add(row)
        tx.session.flush()
        return row.id
