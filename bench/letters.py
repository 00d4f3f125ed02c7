"""Who sends and receives in the benches, and what they send."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from directory import clients, demo, queries
from directory.models import Agency
from docex.edxml import write
from docex.edxml.model import Attachment, Business, DocumentType, Envelope, Organ, Signer, Trace
from kernel import clock
from kernel.db import Database, Tx

FAR = "H98.07"
"""An agency that is not served by the instance: what is sent to it waits in its mailbox."""


@dataclass(frozen=True)
class Credentials:
    """Of an agency's system."""

    client_id: str
    secret: str


def register(db: Database, code: str) -> Credentials:
    """A new system of the agency with this code, which is entered into the directory when it is unknown."""
    return register_all(db, [code])[0]


def register_all(db: Database, codes: Sequence[str]) -> list[Credentials]:
    """The same for many agencies."""
    scopes = frozenset({"docex.submit", "docex.receive"})
    with db.write() as tx:
        admin = queries.person_by_email(tx, demo.email_of("quantri"))
        assert admin is not None
        actor = queries.actor_of(tx, admin.id)
        assert actor is not None
        made = [clients.register(tx, actor, _agency(tx, code).id, "Phần mềm đo", scopes) for code in codes]
    return [Credentials(one.client_id, one.secret) for one in made]


def _agency(tx: Tx, code: str) -> Agency:
    found = queries.agency_by_code(tx, code)
    if found is None:
        found = Agency(code=code, old_code="", name=f"Cơ quan {code}", is_local=False, parent_id=None)
        tx.session.add(found)
        tx.session.flush()
    return found


def letter(receivers: Sequence[str], number: int, pdf_bytes: int) -> bytes:
    """An envelope of the finance department to these agencies, with an id of its own and a PDF of about that size."""
    return write(envelope(receivers, number, pdf_bytes))


def envelope(receivers: Sequence[str], number: int, pdf_bytes: int, *more: Attachment) -> Envelope:
    """The same before it is written, with more papers behind the PDF."""
    return Envelope(
        sender=Organ(demo.FINANCE, "Sở Tài chính"),
        receivers=tuple(Organ(code, f"Cơ quan {code}") for code in receivers),
        document_id=f"{demo.FINANCE},2026/03/02,{number + 1}/STC-VP",
        number=str(number + 1),
        notation="STC-VP",
        place="Thành phố Mẫu",
        promulgated_on=clock.today(),
        type=DocumentType("Công văn", 2, 18),
        subject="Báo cáo tiến độ giải ngân",
        content="Báo cáo tiến độ giải ngân. " * 15,
        signer=Signer("Đặng Anh Dũng", "Giám đốc", "GIÁM ĐỐC"),
        traces=(Trace(demo.FINANCE, clock.now()),),
        business=Business(reason="Văn bản điện tử mới"),
        attachments=(Attachment(str(uuid.uuid4()), "bao-cao.pdf", paper(pdf_bytes)), *more),
    )


def paper(size: int) -> bytes:
    """A PDF of one page with a line of text. Random bytes fill it up, for what is compressed already cannot be packed
    any further."""
    text, noise = b"BT /F1 12 Tf 72 720 Td (Bao cao tien do giai ngan) Tj ET", os.urandom(size)
    parts = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(text), text),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(noise), noise),
    )
    objects = [b"%d 0 obj\n%s\nendobj\n" % (number, part) for number, part in enumerate(parts, 1)]
    head = b"%PDF-1.7\n"
    starts = list(accumulate((len(one) for one in objects), initial=len(head)))
    table = b"".join(b"%010d 00000 n \n" % start for start in starts[:-1])
    xref = b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(starts), table)
    trailer = b"trailer\n<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF\n" % (len(starts), starts[-1])
    return head + b"".join(objects) + xref + trailer


def small_letter(number: int) -> bytes:
    """A letter to the far agency with a PDF of 4 kB."""
    return letter([FAR], number, 4_000)


def plain_letter(number: int) -> bytes:
    """A letter to the far agency with a paper in which there is nothing to judge: plain text."""
    text = os.urandom(1_000).hex().encode()
    return write(replace(envelope([FAR], number, 0), attachments=(Attachment(str(uuid.uuid4()), "ghi-chu.txt", text),)))
