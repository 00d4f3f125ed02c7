"""Loading is authorising: who may not know of a document gets NotFound, who may not do this to it Forbidden."""

from collections.abc import Callable
from enum import StrEnum

import sqlalchemy as sa

from directory.actor import Actor, Role
from docex.documents.models import Delivery, Dispatch, Document, Incoming, Paper, Reader
from kernel import streams
from kernel.db import Tx
from kernel.errors import Forbidden, NotFound
from kernel.refs import row_id
from kernel.text import phrase

OVERSEERS = (Role.CLERK, Role.LEADER, Role.OFFICE_CHIEF)
"""They see every document of their agency; others see what they drafted or must sign."""

DRAFTERS = (Role.CLERK, Role.SPECIALIST, Role.OFFICE_CHIEF, Role.SECRETARY, Role.LEADER)


class Right(StrEnum):
    """The use that somebody wants to make of a document."""

    VIEW = "view"
    EDIT = "edit"  # whoever drafted it, or a clerk
    CHECK = "check"  # the office chief who was asked to check it before the leader
    SIGN = "sign"  # only the leader whose name stands under it
    ISSUE = "issue"  # only a clerk: number, seal, send (Decree 30 art. 32)
    RECEIVE = "receive"  # only a clerk: register, refuse


def document_for(tx: Tx, actor: Actor, document_id: int, right: Right = Right.VIEW) -> Document:
    """An outgoing document of the actor's agency; locked when the transaction writes."""
    _possible(document_id)
    document = tx.session.get(Document, document_id, with_for_update=tx.writable, populate_existing=True)
    if document is None or actor.kind != "person" or document.agency_id != actor.agency_id:
        raise NotFound()
    own = actor.person_id in (document.drafted_by, document.signer_id, document.reviewer_id)
    if not own and not actor.has(*OVERSEERS):
        raise NotFound()
    if not _may(actor, document, right):
        raise Forbidden(_REFUSALS.get(right))
    return document


def incoming_for(tx: Tx, actor: Actor, incoming_id: int, right: Right = Right.VIEW, *, lock: bool = True) -> Incoming:
    """A received copy in the actor's agency; locked when the transaction writes, unless it is only looked at."""
    _possible(incoming_id)
    locked = tx.writable and lock
    incoming = tx.session.get(Incoming, incoming_id, with_for_update=locked, populate_existing=True)
    if incoming is None or actor.kind != "person" or incoming.agency_id != actor.agency_id:
        raise NotFound()
    if not actor.has(*OVERSEERS) and tx.session.get(Reader, (incoming.id, actor.person_id)) is None:
        raise NotFound()
    if right is Right.RECEIVE and not actor.has(Role.CLERK):
        raise Forbidden(_REFUSALS[right])
    return incoming


def paper_for(tx: Tx, actor: Actor, paper_id: int) -> Paper:
    """A file of a document that the actor may see, on the sending or on the receiving side."""
    _possible(paper_id)
    paper = tx.session.get(Paper, paper_id)
    if paper is None:
        raise NotFound()
    if paper.document_id is not None:
        document_for(tx, actor, paper.document_id)
        return paper
    dispatch = tx.session.get_one(Dispatch, paper.dispatch_id)
    if dispatch.document_id is not None and dispatch.sender_id == actor.agency_id:
        document_for(tx, actor, dispatch.document_id)
        return paper
    copy = sa.select(Incoming.id).where(Incoming.dispatch_id == dispatch.id, Incoming.agency_id == actor.agency_id)
    incoming_for(tx, actor, tx.session.scalar(copy) or 0)
    return paper


def dispatch_for(tx: Tx, actor: Actor, dispatch_id: int) -> Dispatch:
    """An envelope for an agency's system: what its own agency handed in, or what is addressed to it."""
    _possible(dispatch_id)
    dispatch = tx.session.get(Dispatch, dispatch_id)
    if dispatch is None or actor.kind != "client":
        raise NotFound()
    addressed = sa.select(Delivery.id).where(Delivery.dispatch_id == dispatch.id, Delivery.agency_id == actor.agency_id)
    if dispatch.sender_id != actor.agency_id and tx.session.scalar(addressed) is None:
        raise NotFound()
    return dispatch


def _possible(thing_id: int) -> None:
    """An id beyond 64 bits is nobody's, and the databases refuse to be asked for it."""
    if not 0 < thing_id < 2**63:
        raise NotFound()


def _may(actor: Actor, document: Document, right: Right) -> bool:
    match right:
        case Right.VIEW:
            return True
        case Right.EDIT:
            return actor.person_id == document.drafted_by or actor.has(Role.CLERK)
        case Right.CHECK:
            return actor.person_id == document.reviewer_id and actor.has(Role.OFFICE_CHIEF)
        case Right.SIGN:
            return actor.person_id == document.signer_id and actor.has(Role.LEADER)
        case _:
            return actor.has(Role.CLERK)


_REFUSALS = {
    Right.EDIT: phrase("Chỉ người soạn hoặc văn thư được sửa văn bản này."),
    Right.CHECK: phrase("Chỉ người được giao kiểm tra mới làm được việc này."),
    Right.SIGN: phrase("Chỉ người có tên ở ô chữ ký được ký văn bản này."),
    Right.ISSUE: phrase("Chỉ văn thư được đóng dấu và gửi văn bản."),
    Right.RECEIVE: phrase("Chỉ văn thư được tiếp nhận hoặc từ chối văn bản đến."),
}


@streams.guard("document")
def may_watch_document(tx: Tx, actor: Actor, name: str) -> bool:
    """Whoever may open the document's page may watch it move."""
    return _opens(lambda thing_id: document_for(tx, actor, thing_id), name)


@streams.guard("incoming")
def may_watch_incoming(tx: Tx, actor: Actor, name: str) -> bool:
    """Whoever may open the received copy may watch it move."""
    return _opens(lambda thing_id: incoming_for(tx, actor, thing_id), name)


def _opens(load: Callable[[int], object], name: str) -> bool:
    thing_id = row_id(name.partition(":")[2])
    if thing_id is None:
        return False
    try:
        load(thing_id)
    except (NotFound, Forbidden):
        return False
    return True
