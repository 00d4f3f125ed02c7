"""The leader or the clerk signs with the device on their desk: the paper goes out, waits, comes back or does not.

While it is out the document stands in `signing` or `sealing`; whatever goes wrong brings it back to where it was.
"""

from dataclasses import dataclass
from typing import Any

from directory.actor import Actor
from docex import topics
from docex.documents.access import Right, document_for
from docex.documents.issuing import issuance
from docex.documents.models import Document
from docex.documents.states import DocumentState
from docex.documents.transitions import record, touch
from kernel import clock
from kernel.db import Tx
from kernel.errors import WrongState
from kernel.refs import Ref
from kernel.storage.blobs import Blob
from kernel.text import Phrase, phrase
from signing.remote_signing import handoffs
from signing.remote_signing.models import LIVE, Handoff, HandoffState
from signing.verdicts.verdict import HolderKind

COPIES_ARE_APPROVED = phrase("Bản sao chỉ cần duyệt; chữ ký trên bản sao là của cơ quan.")
LEAVES = "/agent/sign/"


def sign(tx: Tx, actor: Actor, document_id: int, seen: int | None = None, *, of_many: int = 1) -> Handoff:
    """The leader presses "Ký bằng thiết bị của tôi", for one document or `of_many` in one go."""
    document = issuance.to_sign(tx, actor, document_id, seen)
    if document.copy_form:
        raise WrongState(COPIES_ARE_APPROVED)
    return _hand_out(tx, actor, document, HolderKind.PERSON, of_many)


def seal(tx: Tx, actor: Actor, document_id: int) -> Handoff:
    """The clerk presses "Đóng dấu bằng thiết bị của tôi"."""
    return _hand_out(tx, actor, issuance.to_seal(tx, actor, document_id), HolderKind.SEAL)


def _hand_out(tx: Tx, actor: Actor, document: Document, kind: HolderKind, of_many: int = 1) -> Handoff:
    handoff = handoffs.begin(tx, actor, Ref("document", document.id), kind, {"of_many": of_many})
    record(tx, document, "document.hand_out", kind=str(kind), handoff=handoff.id)
    tx.outbox(topics.HAND_OUT, str(handoff.id), {"handoff_id": handoff.id})
    _expire_later(tx, handoff)
    return handoff


def hand_out_next(tx: Tx, document: Document, earlier: Handoff, facts: dict[str, Any]) -> Handoff:
    """Another file of the same document goes to the same device."""
    handoff = handoffs.begin(tx, earlier, Ref("document", document.id), HolderKind(earlier.kind), facts)
    tx.outbox(topics.HAND_OUT, str(handoff.id), {"handoff_id": handoff.id})
    _expire_later(tx, handoff)
    touch(tx, document)
    return handoff


@dataclass(frozen=True)
class Call:
    """The call to the agent on the desk: the operation, and its parameters as VGCA names them."""

    operation: str
    parameters: dict[str, Any]


def open_(tx: Tx, actor: Actor, document_id: int, base_url: str) -> Call:
    """The page calls the agent: a token for this one file. Only for whoever asked for it."""
    document, handoff = _own(tx, actor, document_id)
    token = handoffs.open_(tx, handoff)
    _expire_later(tx, handoff)
    record(tx, document, "document.hand_open", handoff=handoff.id)
    address = f"{base_url.rstrip('/')}{LEAVES}{token}"
    return Call(
        _operation(document, handoff),
        {
            "FileUploadHandler": address,
            "SessionId": "",
            "JWTToken": "",
            "FileName": f"{address}/{handoff.name}",
            "DocNumber": document.code,
            "MetaData": [{"Key": "handoff", "Value": str(handoff.id)}],
        },
    )


def _operation(document: Document, handoff: Handoff) -> str:
    if handoff.kind == HolderKind.PERSON:
        return "SignApproved"
    if handoff.facts.get("place"):
        return "SignAppendix"
    return "SignCopy" if document.copy_form else "SignIssued"


def cancel(tx: Tx, actor: Actor, document_id: int) -> None:
    """Whoever asked for it does not sign now."""
    document, handoff = _own(tx, actor, document_id)
    fall_back(tx, document, handoff, HandoffState.CANCELLED, handoffs.CANCELLED)


def take(tx: Tx, token: str, blob: Blob) -> Handoff:
    """The agent has sent the signed file: the worker looks into it."""
    document = document_of(tx, handoffs.for_token(tx, token))
    handoff = handoffs.for_token(tx, token)  # asked again, now that nobody else can be at it
    handoffs.take(tx, handoff, blob)
    record(tx, document, "document.hand_in", handoff=handoff.id, sha256=blob.sha256)
    tx.outbox(topics.HAND_IN, f"{handoff.id}:0", {"handoff_id": handoff.id, "turn": 0})
    touch(tx, document)
    return handoff


def expire(tx: Tx, handoff_id: int) -> None:
    """Ten minutes are over. One that was opened again meanwhile gets its own ten."""
    document, handoff = both(tx, handoff_id)
    if handoff.state not in LIVE or handoff.state == HandoffState.RECEIVED:
        return
    if handoff.expires_at > clock.now():
        _expire_later(tx, handoff)
        return
    fall_back(tx, document, handoff, HandoffState.EXPIRED, handoffs.EXPIRED)


def fall_back(tx: Tx, document: Document, handoff: Handoff, state: HandoffState, why: Phrase) -> None:
    """No signature: the document goes back to where it was, with the reason on its page."""
    handoffs.close(tx, handoff, state, why)
    if handoff.kind == HolderKind.PERSON and document.state == DocumentState.SIGNING:
        issuance.sign_failed(tx, document, why)
    elif handoff.kind == HolderKind.SEAL and document.state == DocumentState.SEALING:
        issuance.seal_failed(tx, document, why)


def both(tx: Tx, handoff_id: int) -> tuple[Document, Handoff]:
    """A hand-off and its document, which is locked first: a hand-off is changed only under its document's lock."""
    handoff = tx.session.get_one(Handoff, handoff_id)
    document = document_of(tx, handoff)
    tx.session.refresh(handoff)
    return document, handoff


def document_of(tx: Tx, handoff: Handoff) -> Document:
    """The document that a hand-off is about, locked when the transaction writes."""
    document_id = Ref.parse(handoff.subject).id
    return tx.session.get_one(Document, document_id, with_for_update=tx.writable, populate_existing=True)


def _own(tx: Tx, actor: Actor, document_id: int) -> tuple[Document, Handoff]:
    document = document_for(tx, actor, document_id, Right.VIEW)
    handoff = handoffs.live_of(tx, Ref("document", document.id))
    if handoff is None or handoff.person_id != actor.person_id:
        raise WrongState(handoffs.NOT_NOW)
    return document, handoff


def _expire_later(tx: Tx, handoff: Handoff) -> None:
    key = f"{handoff.id}:{handoff.expires_at.isoformat()}"
    tx.outbox(topics.HAND_EXPIRE, key, {"handoff_id": handoff.id}, due_at=handoff.expires_at)
