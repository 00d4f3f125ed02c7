"""Writing and uploading documents, handing them to the leader, and taking them back."""

from directory import queries as directory
from directory.actor import Actor, require
from docex import topics
from docex.documents import numbering
from docex.documents.access import DRAFTERS, Right, document_for, incoming_for
from docex.documents.drafting.draft import SUBJECT_LENGTH, Draft, tidied, wrong_in
from docex.documents.models import Copy, Document, Incoming, Paper, Reply
from docex.documents.papers.files import File, attachments_of, main_paper
from docex.documents.states import DocumentState, DocumentVerb
from docex.documents.transitions import move, record, touch
from docex.documents.waiting_notices import tell_waiting_own
from docex.edxml.codes import KIND_BY_SLUG
from kernel import clock, search
from kernel.db import Tx
from kernel.errors import Invalid, Stale, WrongState
from kernel.refs import Ref
from kernel.text import one_line, phrase

MAX_ATTACHMENTS = 20


def check(tx: Tx, actor: Actor, draft: Draft, *, needs_body: bool) -> None:
    """Refuse what `write` or `upload` would refuse, before a file is stored: Invalid with every wrong field."""
    _checked(tx, actor, draft, needs_body=needs_body)


def write(tx: Tx, actor: Actor, draft: Draft, attachments: tuple[File, ...] = ()) -> Document:
    """Start a document whose paper is made here, in the layout of Decree 30."""
    document = _begin(tx, actor, _checked(tx, actor, draft, needs_body=True), "written")
    _attach(tx, document, attachments)
    _preview(tx, document)
    record(tx, document, "document.write", subject=document.subject)
    return document


def upload(tx: Tx, actor: Actor, draft: Draft, paper: File, attachments: tuple[File, ...] = ()) -> Document:
    """Start a document whose paper was made elsewhere: a PDF that is signed as it is."""
    document = _begin(tx, actor, _checked(tx, actor, draft, needs_body=False), "uploaded")
    _take_upload(tx, document, paper)
    _attach(tx, document, attachments)
    record(tx, document, "document.upload", subject=document.subject, sha256=paper.sha256)
    return document


def edit(
    tx: Tx,
    actor: Actor,
    document_id: int,
    rev: int,
    draft: Draft,
    attachments: tuple[File, ...] = (),
    paper: File | None = None,
) -> Document:
    """Change a draft, with a new main file when `paper` is given; Stale when somebody else saved after
    `rev` (its `text_rev`)."""
    document = document_for(tx, actor, document_id, Right.EDIT)
    if document.state == DocumentState.DRAFT and document.text_rev != rev:
        raise Stale(document.text_rev)
    move(tx, document, DocumentVerb.EDIT)
    _fill(tx, document, _checked(tx, actor, draft, needs_body=document.source == "written"))
    if document.source == "uploaded":
        _take_upload(tx, document, paper) if paper is not None else _inspect_again(tx, document)
    _attach(tx, document, attachments)
    _preview(tx, document)
    record(tx, document, "document.edit")
    return document


def detach(tx: Tx, actor: Actor, document_id: int, paper_id: int) -> Document:
    """Take an attachment off a draft."""
    document = document_for(tx, actor, document_id, Right.EDIT)
    paper = tx.session.get(Paper, paper_id)
    move(tx, document, DocumentVerb.EDIT)
    if paper is not None and paper.document_id == document.id and paper.role == "attachment":
        record(tx, document, "document.detach", name=paper.name, sha256=paper.sha256)
        tx.session.delete(paper)
    return document


def submit(tx: Tx, actor: Actor, document_id: int) -> Document:
    """Hand a draft to the leader whose name stands under it, or first to the office chief who checks it."""
    document = document_for(tx, actor, document_id, Right.EDIT)
    if document.state == DocumentState.DRAFT and document.source == "uploaded":
        upload = main_paper(tx, document.id, stage="upload")
        if upload is None:
            raise WrongState(phrase("Chưa có tệp PDF dùng được. Xin tải lên tệp khác rồi trình ký."))
        if upload.pages is None:
            raise WrongState(phrase("Tệp PDF đang được kiểm tra, xin thử lại sau giây lát."))
    if document.reviewer_id is not None and document.reviewer_id != actor.person_id:
        move(tx, document, DocumentVerb.SUBMIT_TO_CHECK)
        record(tx, document, "document.submit_to_check")
        why = phrase("Văn bản chờ anh/chị kiểm tra trước khi trình ký.")
        tell_waiting_own(tx, document, why, {document.reviewer_id}, slot=f"check:{document.rev}")
        return document
    move(tx, document, DocumentVerb.SUBMIT)
    record(tx, document, "document.submit", signer=document.signer_name)
    return document


def approve(tx: Tx, actor: Actor, document_id: int) -> Document:
    """The office chief has checked it: it goes to the leader."""
    document = document_for(tx, actor, document_id, Right.CHECK)
    move(tx, document, DocumentVerb.APPROVE)
    record(tx, document, "document.approve", signer=document.signer_name)
    return document


def withdraw(tx: Tx, actor: Actor, document_id: int) -> Document:
    """Take a document back from the leader to change it."""
    document = document_for(tx, actor, document_id, Right.EDIT)
    move(tx, document, DocumentVerb.WITHDRAW)
    _give_number_back(tx, document, "withdrawn")
    record(tx, document, "document.withdraw")
    return document


def return_(tx: Tx, actor: Actor, document_id: int, reason: str) -> Document:
    """Give a document back to whoever drafted it: the leader instead of signing, the clerk instead of sealing.

    A signature that is already there is given up with its number; the signed file stays on record.
    """
    document = document_for(tx, actor, document_id)
    checking = Right.SIGN if actor.person_id == document.signer_id else Right.CHECK
    by_state = {DocumentState.SIGNED: Right.ISSUE, DocumentState.CHECK: checking}
    right = by_state.get(DocumentState(document.state), Right.SIGN)
    document_for(tx, actor, document_id, right)
    why = reason_of(reason)
    move(tx, document, DocumentVerb.RETURN)
    _give_number_back(tx, document, why)
    document.signed_at = None
    _preview(tx, document)
    record(tx, document, "document.return", reason=why)
    return document


def reason_of(text: str) -> str:
    """A reason that somebody must give; Invalid(reason) when it is missing or longer than the format allows."""
    why = one_line(text)
    if not why:
        raise Invalid({"reason": phrase("Cần nêu lý do.")})
    if len(why) > SUBJECT_LENGTH:
        raise Invalid({"reason": phrase("Lý do dài quá {limit} ký tự.", limit=SUBJECT_LENGTH)})
    return why


def add_paper(tx: Tx, document: Document, file: File, stage: str, *, role: str = "main", place: int = 0) -> Paper:
    """Put a new paper on a document, the main one or an attachment; earlier stages stay on record."""
    paper = Paper(
        document_id=document.id,
        role=role,
        place=place,
        stage=stage,
        name=file.name,
        media_type=file.media_type,
        sha256=file.sha256,
        size=file.size,
        pages=file.pages,
        spot=file.spot or {},
        made_at=clock.now(),
    )
    tx.session.add(paper)
    tx.session.flush()
    return paper


def file_of(paper: Paper) -> File:
    """A stored paper as a file that another document can take over."""
    return File(paper.name, paper.media_type, paper.sha256, paper.size, paper.pages, dict(paper.spot))


def reply_of(tx: Tx, document: Document) -> Reply | None:
    """The document that an own one answers, when it is a reply."""
    return tx.session.get(Reply, document.id)


def copied_from(tx: Tx, document: Document) -> int | None:
    """The id of the received document that an own one is a copy of, when that is here."""
    copy = tx.session.get(Copy, document.id)
    return copy.incoming_id if copy is not None else None


def answered_for(tx: Tx, actor: Actor, incoming_id: int) -> Incoming:
    """The received document that a reply answers; NotFound for whoever may not open it. It is read, not locked."""
    return incoming_for(tx, actor, incoming_id, lock=False)


def index(tx: Tx, document: Document) -> None:
    """Make a document findable in its agency."""
    names = [card.name for card in directory.agencies(tx, document.recipients).values()]
    search.put(
        tx,
        f"agency:{document.agency_id}",
        Ref("document", document.id),
        document.made_at,
        document.subject,
        document.code,
        KIND_BY_SLUG[document.kind].label.vi,
        document.signer_name,
        *names,
        document.body,
    )


def _begin(tx: Tx, actor: Actor, draft: Draft, source: str) -> Document:
    now = clock.now()
    document = Document(
        agency_id=actor.agency_id,
        source=source,
        state=DocumentState.DRAFT,
        drafted_by=actor.person_id,
        problem={},
        rev=0,
        text_rev=0,
        made_at=now,
        changed_at=now,
    )
    _values(tx, document, draft)
    document.replaces_id, document.change_reason = draft.replaces_id, draft.change_reason
    tx.session.add(document)
    tx.session.flush()
    _link(tx, document, draft)
    touch(tx, document)
    index(tx, document)
    return document


def _fill(tx: Tx, document: Document, draft: Draft) -> None:
    _values(tx, document, draft)
    tx.session.flush()
    _link(tx, document, draft)
    index(tx, document)


def _values(tx: Tx, document: Document, draft: Draft) -> None:
    signer = directory.person(tx, draft.signer_id)
    agency = directory.agency(tx, document.agency_id)
    document.text_rev += 1
    document.kind = draft.kind
    document.subject = draft.subject
    document.body = draft.body
    document.addressees = list(draft.addressees)
    document.places = list(draft.places)
    document.recipients = list(draft.recipients)
    document.urgency = draft.urgency
    document.due_on = draft.due_on
    document.unit_mark = draft.unit_mark
    document.signer_id = signer.id
    document.signer_name = signer.name
    document.signer_title = signer.title
    document.authority = draft.authority
    document.reviewer_id = draft.reviewer_id
    document.copy_form = draft.copy_form
    document.steering = draft.steering
    document.notation = numbering.notation(
        draft.kind, agency.short_name or agency.code, draft.unit_mark, copy_form=draft.copy_form
    )


def _link(tx: Tx, document: Document, draft: Draft) -> None:
    """Keep what it answers or copies; an edit may only change whether sending it ends the matter."""
    if draft.copied_id is not None and tx.session.get(Copy, document.id) is None:
        tx.session.add(Copy(document_id=document.id, incoming_id=draft.copied_id))
    reply = tx.session.get(Reply, document.id)
    if reply is None and draft.answers_id is not None:
        reply = Reply(document_id=document.id, incoming_id=draft.answers_id)
        tx.session.add(reply)
    if reply is not None:
        reply.finishes = draft.finishes
        tx.session.flush()


def _preview(tx: Tx, document: Document) -> None:
    if document.source == "written":
        tx.outbox(topics.RENDER, f"{document.id}:{document.rev}", {"document_id": document.id})


def _take_upload(tx: Tx, document: Document, file: File) -> None:
    paper = add_paper(tx, document, file, "upload")
    tx.outbox(topics.INSPECT, str(paper.id), {"paper_id": paper.id})


def _inspect_again(tx: Tx, document: Document) -> None:
    """The place of the signature follows the signer's name, and that may have changed."""
    paper = main_paper(tx, document.id, stage="upload")
    if paper is not None:
        tx.outbox(topics.INSPECT, f"{paper.id}:{document.text_rev}", {"paper_id": paper.id})


def _give_number_back(tx: Tx, document: Document, why: str) -> None:
    if document.book_id is not None and document.number is not None:
        numbering.release(tx, document.book_id, document.number, why)
    document.book_id = document.number = document.issued_on = None
    document.code = ""


def _attach(tx: Tx, document: Document, files: tuple[File, ...]) -> None:
    present = attachments_of(tx, document.id)
    if len(present) + len(files) > MAX_ATTACHMENTS:
        raise Invalid({"attachments": phrase("Nhiều nhất {limit} tệp đính kèm.", limit=MAX_ATTACHMENTS)})
    first = max((p.place for p in present), default=0) + 1
    for place, file in enumerate(files, start=first):
        add_paper(tx, document, file, "upload", role="attachment", place=place)


def _checked(tx: Tx, actor: Actor, draft: Draft, *, needs_body: bool) -> Draft:
    """The draft as it is stored, or Invalid with every field that is wrong."""
    require(actor, *DRAFTERS)
    tidy = tidied(draft)
    for received in (tidy.answers_id, tidy.copied_id):
        if received is not None:
            answered_for(tx, actor, received)
    wrong = wrong_in(tx, actor, tidy, needs_body=needs_body)
    if wrong:
        raise Invalid(wrong)
    return tidy


def editable(document: Document) -> None:
    """WrongState unless the document can be edited now; for the page that shows the form."""
    if document.state != DocumentState.DRAFT:
        raise WrongState(phrase("Văn bản đã trình ký, không sửa được nữa. Xin rút lại trước khi sửa."))
