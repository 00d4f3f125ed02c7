"""From the leader's press to the sealed paper: who presses is recorded here, the worker does the cryptography.

A person's key is used only for a `docex.sign` job, and only that person's press makes one.
"""

from dataclasses import replace

from directory.actor import Actor
from docex import topics
from docex.documents import deadline_alarms, numbering
from docex.documents.access import Right, document_for
from docex.documents.checking import check_codes
from docex.documents.drafting import outgoing
from docex.documents.models import Document, Paper
from docex.documents.papers import preservation
from docex.documents.papers.files import File, file_name, standing_paper
from docex.documents.states import DocumentState, DocumentVerb
from docex.documents.transitions import fail, move, record, touch
from kernel import clock
from kernel.db import Tx
from kernel.errors import Stale, WrongState
from kernel.outbox import Topic
from kernel.refs import Ref
from kernel.text import Phrase, phrase
from signing.remote_signing import delegation
from signing.verdicts.verdict import phrase_to_json


def sign(tx: Tx, actor: Actor, document_id: int, seen: int | None = None) -> Document:
    """The leader presses "Ký số": the number is reserved and today becomes the date, both go into the signed bytes.

    A copy bears the agency's signature alone (Decree 30, Annex I): the leader only approves it.

    `seen` is the paper that the leader's page showed; Stale when another one stands now.
    """
    document = to_sign(tx, actor, document_id, seen)
    if document.copy_form:
        _approved(tx, document)
    else:
        _enqueue(tx, topics.SIGN, document, actor)
    return document


def to_sign(tx: Tx, actor: Actor, document_id: int, seen: int | None = None) -> Document:
    """The steps before any signature of a leader: the checks, the number and the date."""
    document = document_for(tx, actor, document_id, Right.SIGN)
    if document.state == DocumentState.REVIEW:
        delegation.require_cover(tx, document.agency_id, document.signer_id, document.authority, document.signer_title)
        _check_seen(tx, document, seen)
    move(tx, document, DocumentVerb.SIGN)
    today = clock.today()
    series = numbering.series_of(tx, document.agency_id, document.kind, document.copy_form)
    if document.book_id is not None and document.number is not None:
        numbering.release_elsewhere(tx, document.book_id, document.number, series, today.year)
    entry = numbering.reserve(tx, document.agency_id, series, today.year, Ref("document", document.id))
    document.book_id, document.number, document.issued_on = entry.book_id, entry.number, today
    document.code = numbering.code(entry.number, document.notation)
    check_codes.mint(tx, document)
    outgoing.index(tx, document)
    record(tx, document, "document.sign", code=document.code)
    return document


def _approved(tx: Tx, document: Document) -> None:
    """The copy may be issued: its file waits for the agency's signature as it is."""
    paper = standing_paper(tx, document)
    assert paper is not None
    file = replace(outgoing.file_of(paper), name=file_name(document.code, document.subject))
    outgoing.add_paper(tx, document, file, "signed")
    document.signed_at = clock.now()
    move(tx, document, DocumentVerb.SIGN_DONE)
    deadline_alarms.plan_issue(tx, document)
    record(tx, document, "document.approve_copy", code=document.code)


def _check_seen(tx: Tx, document: Document, seen: int | None) -> None:
    """The signed text is the one that was read: the preview must be of the newest text, and the one on the leader's
    screen."""
    paper = standing_paper(tx, document)
    drawn = paper is not None and (document.source == "uploaded" or paper.spot.get("text_rev") == document.text_rev)
    if paper is None or not drawn:
        raise WrongState(phrase("Bản xem trước chưa dựng xong, xin thử lại sau giây lát."))
    if seen is not None and seen != paper.id:
        raise Stale(paper.id, phrase("Văn bản vừa được thay bằng bản khác. Xin đọc lại rồi ký."))


def seal(tx: Tx, actor: Actor, document_id: int) -> Document:
    """The clerk presses "Đóng dấu và gửi": the agency's key signs, the result is verified, then it is sent."""
    document = to_seal(tx, actor, document_id)
    _enqueue(tx, topics.SEAL, document, actor)
    return document


def to_seal(tx: Tx, actor: Actor, document_id: int) -> Document:
    """The steps before any seal."""
    document = document_for(tx, actor, document_id, Right.ISSUE)
    move(tx, document, DocumentVerb.SEAL)
    document.sealed_by = actor.person_id
    record(tx, document, "document.seal", code=document.code)
    return document


def send_again(tx: Tx, actor: Actor, document_id: int) -> Document:
    """Have a sealed document sent whose sending failed."""
    document = document_for(tx, actor, document_id, Right.ISSUE)
    move(tx, document, DocumentVerb.SEND_AGAIN)
    record(tx, document, "document.send_again")
    enqueue_dispatch(tx, document)
    return document


def previewed(tx: Tx, document: Document, file: File) -> None:
    """The worker has drawn the draft: show it."""
    outgoing.add_paper(tx, document, file, "preview")
    touch(tx, document)


def upload_refused(tx: Tx, document: Document, paper: Paper, reason: Phrase) -> None:
    """An uploaded file turned out to be unusable: it stays on record, and the page says what to do."""
    paper.stage = "refused"
    document.problem = phrase_to_json(phrase("Tệp “{name}” không dùng được: {reason}", name=paper.name, reason=reason))
    record(tx, document, "document.upload_refused", sha256=paper.sha256, reason=reason.to_json())


def signed(tx: Tx, document: Document, file: File, serial: str) -> None:
    """The worker has made the leader's signature. It does not count when the decision to sign for another was ended
    between the press and now: every verification of the paper would find that."""
    assert document.issued_on is not None
    block = (document.authority, document.signer_title)
    missing = delegation.missing_cover(tx, document.agency_id, document.signer_id, document.issued_on, *block)
    if missing is not None:
        sign_failed(tx, document, missing)
        return
    outgoing.add_paper(tx, document, file, "signed")
    document.signed_at = clock.now()
    move(tx, document, DocumentVerb.SIGN_DONE)
    deadline_alarms.plan_issue(tx, document)
    record(tx, document, "document.signed", sha256=file.sha256, certificate=serial)


def sign_failed(tx: Tx, document: Document, reason: Phrase) -> None:
    """No signature was made. The number stays with this document, so that no gap can appear."""
    fail(tx, document, DocumentVerb.SIGN_FAILED, reason)
    record(tx, document, "document.sign_failed", reason=reason.to_json(), code=document.code)


def sealed(
    tx: Tx, document: Document, file: File, verdict: str, attachments: tuple[tuple[int, File], ...] = ()
) -> None:
    """The worker has sealed the paper and found it valid: its number is used for good, and it goes out.

    `attachments` are those that bear the agency's signature now, by their places.
    """
    outgoing.add_paper(tx, document, file, "sealed")
    for place, marked in attachments:
        outgoing.add_paper(tx, document, marked, "sealed", role="attachment", place=place)
    document.sealed_at = clock.now()
    preservation.sealed(tx, (file, *(marked for _, marked in attachments)))
    move(tx, document, DocumentVerb.SEAL_DONE)
    assert document.book_id is not None
    assert document.number is not None
    numbering.use(tx, document.book_id, document.number)
    record(tx, document, "document.sealed", sha256=file.sha256, verdict=verdict)
    if document.recipients:
        enqueue_dispatch(tx, document)
        return
    document.sent_at = clock.now()  # on paper, over the counter: it has left as soon as it has its number and seal
    move(tx, document, DocumentVerb.HANDED_OUT)
    record(tx, document, "document.handed_out", code=document.code)


def seal_failed(tx: Tx, document: Document, reason: Phrase) -> None:
    """No seal, or one that did not verify: back to the clerk."""
    fail(tx, document, DocumentVerb.SEAL_FAILED, reason)
    record(tx, document, "document.seal_failed", reason=reason.to_json())


def send_failed(tx: Tx, document: Document, reason: Phrase) -> None:
    """The envelope could not be written: the paper stays sealed, and the clerk is told."""
    document.problem = reason.to_json()
    touch(tx, document)
    record(tx, document, "document.send_failed", reason=reason.to_json())


def enqueue_dispatch(tx: Tx, document: Document) -> None:
    """Have the envelope written and handed to the hub."""
    tx.outbox(topics.DISPATCH, f"{document.id}:{document.rev}", {"document_id": document.id})


def _enqueue(tx: Tx, topic: Topic, document: Document, actor: Actor) -> None:
    key = f"{document.id}:{document.rev}"
    tx.outbox(topic, key, {"document_id": document.id, "rev": document.rev, "person_id": actor.person_id})
