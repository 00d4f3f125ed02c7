"""Acts of the people of the tests, in one line each."""

import io
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from directory.actor import Actor
from docex.documents.drafting import outgoing
from docex.documents.drafting.draft import Draft
from docex.documents.envelope import Facts
from docex.documents.incoming import handling
from docex.documents.issuing import issuance
from docex.documents.models import Document, Incoming
from docex.documents.pages import document_view
from docex.documents.papers.files import File
from docex.documents.states import DocumentState
from docex.exchange import dispatch
from docex.exchange.dispatch import Receiver, Submission
from docex.official.paper import Paper
from docex.official.rendering import render_pdf
from kernel import clock, outbox
from kernel.config import Config
from kernel.db import Database
from kernel.queue import worker
from kernel.storage.blobs import Blob, BlobStore
from tests.cast import Cast

BODY = "Thực hiện kế hoạch năm 2026, Văn phòng đề nghị các đơn vị báo cáo tiến độ.\nTrân trọng."


@cache
def a_pdf() -> bytes:
    """A letter that was made elsewhere."""
    paper = Paper(
        kind="letter",
        agency="Văn phòng",
        notation="VP",
        place="Thành phố Mẫu",
        subject="Tệp làm sẵn",
        body="Nội dung.",
        signer="Trần Quốc Bình",
        position="Phó Chánh Văn phòng",
    )
    return render_pdf(paper).pdf


@dataclass
class Office:
    """The rooms of the cast's agencies."""

    db: Database
    blobs: BlobStore
    config: Config
    cast: Cast

    def draft(self, **changes: Any) -> Draft:
        """A letter of the city office to the finance department, signed by Bình."""
        plain = Draft(
            kind="letter",
            subject="Báo cáo tiến độ thực hiện kế hoạch năm 2026",
            signer_id=self.cast.binh.person_id,
            recipients=(self.cast.finance.id,),
            body=BODY,
            unit_mark="HCTC",
        )
        return replace(plain, **changes)

    def file(self, data: bytes, name: str = "van-ban.pdf", media_type: str = "application/pdf") -> File:
        """A stored upload."""
        blob = self.blobs.put(io.BytesIO(data))
        return File(name, media_type, blob.sha256, blob.size)

    def work(self) -> None:
        """Let the worker do everything that is due."""
        worker.drain(self.db)

    def written(self, **changes: Any) -> int:
        """Hà writes a letter. Answers its id."""
        with self.db.write(self.cast.ha.by) as tx:
            return outgoing.write(tx, self.cast.ha, self.draft(**changes)).id

    def uploaded(self, data: bytes, **changes: Any) -> int:
        """Hà uploads a letter. Answers its id."""
        with self.db.write(self.cast.ha.by) as tx:
            return outgoing.upload(tx, self.cast.ha, self.draft(body="", **changes), self.file(data)).id

    def submit(self, document_id: int) -> None:
        """Hà hands it to Bình."""
        with self.db.write(self.cast.ha.by) as tx:
            outgoing.submit(tx, self.cast.ha, document_id)

    def sign(self, document_id: int) -> None:
        """Bình presses "Ký số"."""
        with self.db.write(self.cast.binh.by) as tx:
            issuance.sign(tx, self.cast.binh, document_id)

    def seal(self, document_id: int) -> None:
        """Hà presses "Đóng dấu và gửi"."""
        with self.db.write(self.cast.ha.by) as tx:
            issuance.seal(tx, self.cast.ha, document_id)

    def sent(self, **changes: Any) -> int:
        """A letter all the way to its recipients. Answers its id."""
        document_id = self.written(**changes)
        self.issue(document_id, self.cast.ha, self.cast.binh)
        return document_id

    def issue(self, document_id: int, clerk: Actor, leader: Actor) -> None:
        """A draft of any agency all the way to its recipients."""
        self.work()
        with self.db.write(clerk.by) as tx:
            outgoing.submit(tx, clerk, document_id)
        with self.db.write(leader.by) as tx:
            issuance.sign(tx, leader, document_id)
        self.work()
        with self.db.write(clerk.by) as tx:
            issuance.seal(tx, clerk, document_id)
        self.work()

    def on_its_way(self, **changes: Any) -> int:
        """A letter that was handed to the hub, without the work of drawing and signing it. Answers its id."""
        number = self.written(**changes)
        envelope = self.blobs.put(io.BytesIO(b"an envelope"))
        with self.db.write("system") as tx:
            outbox.cancel(tx, "docex.render", [f"{number}:1"])
            document = tx.session.get_one(Document, number)
            document.state, document.code, document.issued_on = DocumentState.SEALED, f"{number:02d}/VP", clock.today()
            facts = Facts(
                code=document.code,
                kind_name="Công văn",
                subject=document.subject,
                urgency=document.urgency,
                issued_on=document.issued_on,
                due_on=None,
                signer=document.signer_name,
                signer_title="",
                authority="",
                place="",
                sender_code=self.cast.city.code,
                sender_name=self.cast.city.name,
            )
            key = f"key-{number}"
            receivers = tuple(Receiver(i) for i in document.recipients)
            channel = f"agency:{self.cast.city.id}"
            sent = Submission(
                channel, key, key, 0, self.cast.city.id, envelope, facts, (), receivers, document_id=number
            )
            dispatch.sent(tx, document, sent)
        self.work()
        return number

    def handed_in(self, *files: File, **changes: Any) -> int:
        """As `hand_in`, and the worker has done what follows."""
        number = self.hand_in(*files, **changes)
        self.work()
        return number

    def hand_in(
        self,
        *files: File,
        subject: str = "Về việc báo cáo",
        code: str = "12/SNV-VP",
        key: str = "key-1",
        to: tuple[int, ...] = (),
    ) -> int:
        """An envelope from home affairs to Lan's agency and the city office, with these papers. Answers its id."""
        sender = self.cast.home_affairs
        facts = Facts(
            code=code,
            kind_name="Công văn",
            subject=subject,
            urgency=0,
            issued_on=clock.today(),
            due_on=None,
            signer="Lê Thị Ký",
            signer_title="",
            authority="",
            place="",
            sender_code=sender.code,
            sender_name=sender.name,
        )
        envelope = self.file(f"envelope {key}".encode())
        receivers = tuple(map(Receiver, to or (self.cast.finance.id, self.cast.city.id)))
        blob = Blob(envelope.sha256, envelope.size)
        with self.db.write() as tx:
            sent = Submission(f"agency:{sender.id}", key, key, 0, sender.id, blob, facts, files, receivers)
            return dispatch.hand_in(tx, sent)[0].id

    def register(self, actor: Actor, incoming_id: int) -> None:
        """A clerk takes a document in."""
        with self.db.write(actor.by) as tx:
            handling.register(tx, actor, incoming_id)

    def refuse(self, actor: Actor, incoming_id: int, reason: str) -> None:
        """A clerk does not take a document in."""
        with self.db.write(actor.by) as tx:
            handling.refuse(tx, actor, incoming_id, reason)

    def document(self, document_id: int) -> Document:
        """The row of an own document."""
        with self.db.read() as tx:
            return tx.session.get_one(Document, document_id)

    def incoming(self, actor: Actor) -> list[Incoming]:
        """The received documents of the actor's agency, newest first."""
        with self.db.read() as tx:
            rows = tx.session.query(Incoming).filter(Incoming.agency_id == actor.agency_id)
            return list(rows.order_by(Incoming.id.desc()))

    def sheet(self, actor: Actor, document_id: int) -> document_view.DocumentSheet:
        """An own document's page as `actor` sees it."""
        with self.db.read() as tx:
            return document_view.document_sheet(tx, actor, document_id)

    def incoming_sheet(self, actor: Actor, incoming_id: int) -> document_view.IncomingSheet:
        """A received copy's page as `actor` sees it."""
        with self.db.read() as tx:
            return document_view.incoming_sheet(tx, actor, incoming_id)
