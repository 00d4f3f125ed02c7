"""How a document changes its state: asked of the table, counted in `rev`, told to everybody who looks at it."""

from docex.documents.labels import DOCUMENT, INCOMING, VERBS
from docex.documents.models import Delivery, Document, Incoming
from docex.documents.states import (
    DocumentState,
    DocumentVerb,
    IncomingState,
    IncomingVerb,
    document_after,
    incoming_after,
)
from kernel import clock
from kernel.db import Tx
from kernel.errors import WrongState
from kernel.refs import Ref
from kernel.text import Phrase, phrase


def move(tx: Tx, document: Document, verb: DocumentVerb, **detail: object) -> None:
    """Bring an outgoing document into its next state; WrongState when the table has none."""
    now = DocumentState(document.state)
    after = document_after(now, verb)
    if after is None:
        raise WrongState(
            phrase(
                "Văn bản đang ở trạng thái “{state}”, không thể {verb} lúc này.",
                state=DOCUMENT[now].text,
                verb=VERBS.get(verb, phrase("làm việc này")),
            )
        )
    document.state = after
    document.problem = {}
    touch(tx, document)
    if detail.get("audit"):
        record(tx, document, str(detail.pop("audit")), **detail)


def touch(tx: Tx, document: Document) -> None:
    """Count a change of an outgoing document and tell its page and its agency's list."""
    document.rev += 1
    document.changed_at = clock.now()
    data = {"id": document.id, "rev": document.rev, "state": str(document.state)}
    tx.publish(f"document:{document.id}", "document.changed", data)
    tx.publish(f"agency:{document.agency_id}/clerks", "document.changed", data)
    for person_id in sorted({document.signer_id, document.drafted_by}):
        tx.publish(f"person:{person_id}", "document.changed", data)


def record(tx: Tx, document: Document, action: str, **detail: object) -> None:
    """Put an act on an outgoing document into the audit chain of its agency."""
    tx.audit(f"agency:{document.agency_id}", action, Ref("document", document.id), dict(detail))


def fail(tx: Tx, document: Document, verb: DocumentVerb, reason: Phrase) -> None:
    """The worker could not do what was asked: back one state, with the reason on the page."""
    move(tx, document, verb)
    document.problem = reason.to_json()


def move_incoming(tx: Tx, incoming: Incoming, verb: IncomingVerb) -> None:
    """Bring a received copy into its next state; WrongState when the table has none."""
    now = IncomingState(incoming.state)
    after = incoming_after(now, verb)
    if after is None:
        raise WrongState(
            phrase(
                "Văn bản đến đang ở trạng thái “{state}”, không thể {verb} lúc này.",
                state=INCOMING[now].text,
                verb=VERBS.get(verb, phrase("làm việc này")),
            )
        )
    incoming.state = after
    if after is IncomingState.DONE:
        incoming.finished_at = clock.now()
    touch_incoming(tx, incoming)


def touch_incoming(tx: Tx, incoming: Incoming, kind: str = "incoming.changed") -> None:
    """Count a change of a received copy and tell its page and its agency's inbox."""
    incoming.rev += 1
    incoming.changed_at = clock.now()
    data = {"id": incoming.id, "rev": incoming.rev, "state": str(incoming.state)}
    tx.publish(f"incoming:{incoming.id}", kind, data)
    tx.publish(f"agency:{incoming.agency_id}/clerks", kind, data)


def touch_delivery(tx: Tx, delivery: Delivery, document_id: int | None) -> None:
    """Count a change of a delivery and tell the sender's page, when the sender has one here."""
    delivery.rev += 1
    delivery.changed_at = clock.now()
    if document_id is not None:
        tx.publish(
            f"document:{document_id}",
            "delivery.changed",
            {"id": delivery.id, "rev": delivery.rev, "progress": str(delivery.progress)},
        )
