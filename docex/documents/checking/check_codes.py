"""The code on a printed paper that leads anybody to what the hub says about it: unguessable, and it opens nothing else.

Whoever holds the paper may learn what stands on it anyway; what the page adds is whether the hub knows it and what its
signatures are worth. The text and the abstract of the paper are not told.
"""

import secrets
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor, Role, require
from docex.documents.models import Dispatch, Document, Paper
from docex.documents.states import DocumentState
from docex.documents.verification import verdict_store
from docex.documents.verification.models import PublicCode, WithoutCode
from docex.documents.verification.verdict_page import VerdictView, verdict_view
from docex.edxml.codes import KIND_BY_SLUG
from kernel import clock
from kernel.db import Tx
from kernel.errors import NotFound
from kernel.refs import Ref
from kernel.text import Phrase, phrase

PATH = "/check/"
CHOOSERS = (Role.CLERK, Role.OFFICE_CHIEF)
_BYTES = 16

_ISSUED = phrase("Văn bản đã phát hành qua trục liên thông.")
_STATES: dict[str, tuple[Phrase, str]] = {
    DocumentState.SENT: (_ISSUED, "good"),
    DocumentState.FINISHED: (_ISSUED, "good"),
    DocumentState.SEALED: (phrase("Văn bản đã ký và đóng dấu, chưa gửi đi."), "waiting"),
    DocumentState.RECALLING: (phrase("Cơ quan ban hành đang thu hồi văn bản này."), "waiting"),
    DocumentState.RECALLED: (phrase("Văn bản này đã bị thu hồi."), "bad"),
    DocumentState.REPLACED: (phrase("Văn bản này đã bị thay thế bằng văn bản khác."), "bad"),
}
_UNFINISHED = (phrase("Văn bản này chưa được phát hành: chưa đủ chữ ký và con dấu."), "bad")


@dataclass(frozen=True)
class PublicPaper:
    """The facts that the public is told. `sha256` and `size` are of the file that was issued, "" and 0 while there is
    none."""

    code: str
    agency: str
    number: str
    issued_on: date | None
    kind: Phrase
    state: Phrase
    tone: str
    sent_at: datetime | None
    sha256: str
    size: int
    verdict: VerdictView | None


def mint(tx: Tx, document: Document) -> None:
    """Give a document its code, unless it has one, or its agency prints none. A file that was made elsewhere is signed
    as it is, so nothing can be printed on it."""
    if document.source != "written" or tx.session.get(PublicCode, document.id) is not None:
        return
    if tx.session.get(WithoutCode, document.agency_id) is not None:
        return
    tx.session.add(PublicCode(document_id=document.id, code=secrets.token_urlsafe(_BYTES), made_at=clock.now()))


def url_of(tx: Tx, document_id: int, base_url: str) -> str:
    """The address that is printed on the paper; "" for nothing."""
    row = tx.session.get(PublicCode, document_id)
    return f"{base_url.rstrip('/')}{PATH}{row.code}" if row is not None else ""


def prints_code(tx: Tx, agency_id: int) -> bool:
    """Whether an agency's papers bear a code."""
    return tx.session.get(WithoutCode, agency_id) is None


def choose(tx: Tx, actor: Actor, printed: bool) -> None:
    """Decide whether the agency's papers bear a code from now on; papers that do keep it, and it leads where it led."""
    require(actor, *CHOOSERS)
    tx.session.execute(sa.delete(WithoutCode).where(WithoutCode.agency_id == actor.agency_id))
    if not printed:
        tx.session.add(WithoutCode(agency_id=actor.agency_id))
    chain = f"agency:{actor.agency_id}"
    tx.audit(chain, "public_code.choose", Ref("agency", actor.agency_id), {"printed": printed})


def public_paper(tx: Tx, code: str) -> PublicPaper:
    """The facts of a paper for whoever has its code."""
    document = tx.session.scalar(sa.select(Document).join(PublicCode).where(PublicCode.code == code))
    if document is None:
        raise NotFound()
    sealed = tx.session.scalar(
        sa.select(Paper)
        .where(Paper.document_id == document.id, Paper.role == "main", Paper.stage == "sealed")
        .order_by(Paper.id.desc())
        .limit(1)
    )
    state, tone = _STATES.get(document.state, _UNFINISHED)
    return PublicPaper(
        code=code,
        agency=directory.agency(tx, document.agency_id).name,
        number=document.code,
        issued_on=document.issued_on,
        kind=KIND_BY_SLUG[document.kind].label,
        state=state,
        tone=tone,
        sent_at=document.sent_at,
        sha256=sealed.sha256 if sealed else "",
        size=sealed.size if sealed else 0,
        verdict=_verdict(tx, document, sealed) if sealed else None,
    )


def _verdict(tx: Tx, document: Document, sealed: Paper) -> VerdictView | None:
    """The newest verdict on the very file that was issued."""
    sent = sa.select(Dispatch.id).where(Dispatch.document_id == document.id).order_by(Dispatch.id.desc()).limit(1)
    dispatch_id = tx.session.scalar(sent)
    verdicts = verdict_store.latest(tx, dispatch_id) if dispatch_id is not None else {}
    found = next((one for one in verdicts.values() if one.sha256 == sealed.sha256), None)
    return verdict_view(found, sealed.size) if found is not None else None
