"""The doors of this room: lists, the forms, the pages of documents, their acts and their papers."""

from collections.abc import Callable, Iterator
from typing import IO, Any, Literal

from flask import Response, current_app, flash, redirect, render_template, request, stream_with_context, url_for
from werkzeug.http import parse_range_header
from werkzeug.wrappers import Response as AnyResponse

from directory import queries as directory
from directory.actor import Actor, Role, require
from docex import drafting, handling, issuing, preserving, sheets
from docex.access import DRAFTERS, Right, document_for, incoming_for, paper_for
from docex.desk import groups
from docex.desk import pages as desk_pages
from docex.device.pages import device_view
from docex.drafting import File
from docex.drafts import Draft
from docex.forms import LetterForm, number
from docex.kept import Brought, kept, taken_up
from docex.models import Dispatch
from docex.openings import record_opening
from docex.papers import disposition, file_name
from docex.receiving import PDF, receive
from docex.registers import routes as lists
from kernel.db import Tx
from kernel.doors import Routes
from kernel.errors import Invalid
from kernel.text import Phrase, phrase

routes = Routes("docex")

Errors = dict[str, Phrase]
NOTHING = Brought(None, (), {})
FILE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
PDF_POLICY = "default-src 'none'; object-src 'self'; plugin-types application/pdf; style-src 'unsafe-inline'; \
frame-ancestors 'self'"
PIECE = 256 * 1024


# ---- lists ----


@routes.get("/documents/in")
def inbox(tx: Tx, actor: Actor) -> str:
    """What came to the agency; moves live."""
    return lists.inbox_page(tx, actor)


@routes.get("/documents/out")
def outbox(tx: Tx, actor: Actor) -> str:
    """What the agency issues; moves live."""
    return lists.outbox_page(tx, actor)


@routes.get("/search")
def search(tx: Tx, actor: Actor) -> str:
    """Documents of both directions, with and without accents, also by the text of their papers."""
    return lists.search_page(tx, actor)


# ---- writing and uploading ----


@routes.get("/documents/out/new")
def new(tx: Tx, actor: Actor) -> str:
    """The form of a new letter, or of a reply to a received document."""
    return _form_page(tx, actor, _begun(tx, actor), "written", url_for("docex.create"))


def _store_letter(tx: Tx, actor: Actor) -> Brought:
    return _brought(tx, actor, needs_body=True)


@routes.post("/documents/out/new", before=_store_letter)
def create(tx: Tx, actor: Actor, brought: Callable[[], Brought]) -> Any:
    """Start a letter whose paper is made here."""
    form, given = LetterForm(request.form), brought()
    try:
        _whole(given)
        document = drafting.write(tx, actor, _draft(tx, actor, form), given.attachments)
    except Invalid as error:
        action = url_for("docex.create")
        return _form_page(tx, actor, form, "written", action, error.fields, given=given), error.status
    return _to_document(document.id)


@routes.get("/documents/out/upload")
def new_upload(tx: Tx, actor: Actor) -> str:
    """The form for a letter that was made elsewhere."""
    return _form_page(tx, actor, _begun(tx, actor), "uploaded", url_for("docex.upload"))


def _store_upload(tx: Tx, actor: Actor) -> Brought:
    return _brought(tx, actor, needs_body=False, main="required")


@routes.post("/documents/out/upload", before=_store_upload)
def upload(tx: Tx, actor: Actor, brought: Callable[[], Brought]) -> Any:
    """Start a letter from a PDF."""
    form, given = LetterForm(request.form), brought()
    try:
        document = drafting.upload(tx, actor, _draft(tx, actor, form), _whole(given), given.attachments)
    except Invalid as error:
        action = url_for("docex.upload")
        return _form_page(tx, actor, form, "uploaded", action, error.fields, given=given), error.status
    return _to_document(document.id)


@routes.get("/documents/out/<int:document_id>/edit")
def edit(tx: Tx, actor: Actor, document_id: int) -> str:
    """The form of a draft."""
    document = document_for(tx, actor, document_id, Right.EDIT)
    drafting.editable(document)
    action = url_for("docex.save", document_id=document_id)
    return _form_page(
        tx,
        actor,
        LetterForm().show(document, drafting.reply_of(tx, document), drafting.copied_from(tx, document)),
        document.source,
        action,
        document=document,
    )


def _store_changes(tx: Tx, actor: Actor, document_id: int) -> Brought:
    written = document_for(tx, actor, document_id, Right.EDIT).source == "written"
    return _brought(tx, actor, needs_body=written, main="none" if written else "wanted")


@routes.post("/documents/out/<int:document_id>/edit", before=_store_changes)
def save(tx: Tx, actor: Actor, document_id: int, brought: Callable[[], Brought]) -> Any:
    """Keep the changes of a draft."""
    document = document_for(tx, actor, document_id, Right.EDIT)
    form, rev, given = LetterForm(request.form), number(request.form.get("rev")), brought()
    try:
        paper = _whole(given)
        drafting.edit(tx, actor, document_id, rev, _draft(tx, actor, form), given.attachments, paper)
    except Invalid as error:
        action = url_for("docex.save", document_id=document_id)
        page = _form_page(tx, actor, form, document.source, action, error.fields, document, rev=rev, given=given)
        return page, error.status
    return _to_document(document_id)


@routes.post("/documents/out/<int:document_id>/papers/<int:paper_id>/detach")
def detach(tx: Tx, actor: Actor, document_id: int, paper_id: int) -> AnyResponse:
    """Take an attachment off a draft."""
    drafting.detach(tx, actor, document_id, paper_id)
    return _to_document(document_id)


# ---- an own document ----


@routes.get("/documents/out/<int:document_id>")
def document(tx: Tx, actor: Actor, document_id: int) -> str:
    """The paper, the facts, the states at each recipient, the timeline; moves live."""
    return document_page(tx, actor, document_id)


@routes.post("/documents/out/<int:document_id>/submit")
def submit(tx: Tx, actor: Actor, document_id: int) -> AnyResponse:
    """Hand it to the leader."""
    drafting.submit(tx, actor, document_id)
    return _to_document(document_id)


@routes.post("/documents/out/<int:document_id>/withdraw")
def withdraw(tx: Tx, actor: Actor, document_id: int) -> AnyResponse:
    """Take it back from the leader."""
    drafting.withdraw(tx, actor, document_id)
    return _to_document(document_id)


@routes.post("/documents/out/<int:document_id>/return")
def return_(tx: Tx, actor: Actor, document_id: int) -> Any:
    """Give it back to whoever drafted it, with a reason."""
    try:
        drafting.return_(tx, actor, document_id, request.form.get("reason", ""))
    except Invalid as error:
        return document_page(tx, actor, document_id, error.fields), error.status
    return _to_document(document_id)


@routes.post("/documents/out/<int:document_id>/sign")
def sign(tx: Tx, actor: Actor, document_id: int) -> AnyResponse:
    """The leader presses "Ký số"."""
    issuing.sign(tx, actor, document_id, number(request.form.get("seen")) or None)
    return _to_document(document_id)


@routes.post("/documents/out/<int:document_id>/seal")
def seal(tx: Tx, actor: Actor, document_id: int) -> AnyResponse:
    """The clerk presses "Đóng dấu và gửi"."""
    issuing.seal(tx, actor, document_id)
    return _to_document(document_id)


@routes.post("/documents/out/<int:document_id>/send")
def send_again(tx: Tx, actor: Actor, document_id: int) -> AnyResponse:
    """Have it sent again after a failure."""
    issuing.send_again(tx, actor, document_id)
    return _to_document(document_id)


# ---- a received document ----


@routes.get("/documents/in/<int:incoming_id>")
def incoming(tx: Tx, actor: Actor, incoming_id: int) -> str:
    """The papers as they came, the verdict, what the clerk can do; moves live."""
    return incoming_page(tx, actor, incoming_id)


@routes.post("/documents/in/<int:incoming_id>/register")
def register(tx: Tx, actor: Actor, incoming_id: int) -> AnyResponse:
    """The clerk takes it in: 03."""
    row = handling.register(tx, actor, incoming_id)
    flash(phrase("Đã vào sổ văn bản đến, số {number}.", number=f"{row.number:02d}").in_locale(actor.locale), "good")
    return _to_incoming(incoming_id)


@routes.post("/documents/in/<int:incoming_id>/refuse")
def refuse(tx: Tx, actor: Actor, incoming_id: int) -> Any:
    """The clerk does not take it in: 02, with a reason."""
    try:
        handling.refuse(tx, actor, incoming_id, request.form.get("reason", ""))
    except Invalid as error:
        return incoming_page(tx, actor, incoming_id, error.fields), error.status
    return _to_incoming(incoming_id)


@routes.post("/documents/in/<int:incoming_id>/recall/agree")
def agree_recall(tx: Tx, actor: Actor, incoming_id: int) -> AnyResponse:
    """The clerk gives it back: 15."""
    handling.agree_recall(tx, actor, incoming_id)
    return _to_incoming(incoming_id)


@routes.post("/documents/in/<int:incoming_id>/recall/refuse")
def refuse_recall(tx: Tx, actor: Actor, incoming_id: int) -> Any:
    """The clerk keeps it: 16, with a reason."""
    try:
        handling.refuse_recall(tx, actor, incoming_id, request.form.get("reason", ""))
    except Invalid as error:
        return incoming_page(tx, actor, incoming_id, {"recall_reason": error.fields["reason"]}), error.status
    return _to_incoming(incoming_id)


@routes.get("/documents/in/<int:incoming_id>/envelope")
def envelope(tx: Tx, actor: Actor, incoming_id: int) -> Response:
    """The edXML file exactly as the sender handed it in."""
    row = incoming_for(tx, actor, incoming_id)
    dispatch = tx.session.get_one(Dispatch, row.dispatch_id)
    response = file_response(dispatch.sha256, dispatch.size)
    response.mimetype = "application/octet-stream"
    name = file_name(row.code, row.subject, "edxml")
    response.headers["Content-Disposition"] = disposition(name)
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response


# ---- papers ----


@routes.get("/documents/papers/<int:paper_id>")
def paper(tx: Tx, actor: Actor, paper_id: int) -> Response:
    """A file, for reading in the page or for download; its bytes are as they came."""
    row = paper_for(tx, actor, paper_id)
    log_opening(actor, row.id)
    if row.media_type == PDF:
        return pdf_response(row.sha256, row.size, row.name, inline=not request.args.get("download"))
    response = file_response(row.sha256, row.size)
    response.mimetype = row.media_type
    response.headers["Content-Disposition"] = disposition(row.name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response


@routes.get("/documents/papers/<int:paper_id>/kept")
def kept_paper(tx: Tx, actor: Actor, paper_id: int) -> Response:
    """The file that a paper has grown into: the same bytes, and what proves their signatures in later years."""
    row, found = preserving.grown_for(tx, actor, paper_id)
    log_opening(actor, row.id)
    name = f"{row.name.removesuffix('.pdf')}-{found.level.value}.pdf"
    return pdf_response(found.newest, found.size, name, inline=False)


def log_opening(actor: Actor, paper_id: int) -> None:
    """Reading is a read; that it happened is written beside it, in a transaction of its own."""
    if not request.headers.get("Range", "bytes=0-").startswith("bytes=0-"):
        return
    with current_app.extensions["lienthong"].db.write(actor.by) as tx:
        record_opening(tx, actor, paper_id)


def pdf_response(sha256: str, size: int, name: str, *, inline: bool) -> Response:
    """The first `size` bytes of a PDF, for reading in the page or for download; all of them, or an earlier revision."""
    response = file_response(sha256, size)
    response.mimetype = PDF
    response.headers["Content-Disposition"] = disposition(name, inline=inline)
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Browsers' own PDF viewers refuse to work in a sandbox; they run no script of the file as ours.
    response.headers["Content-Security-Policy"] = PDF_POLICY if inline else FILE_POLICY
    return response


def file_response(sha256: str, size: int) -> Response:
    """The first `size` bytes of a file or the range of them that was asked for, in pieces. The name of a blob is its
    validator."""
    wanted = parse_range_header(request.headers.get("Range"))
    span = wanted.range_for_length(size) if wanted is not None and len(wanted.ranges) == 1 else None
    if request.headers.get("Range") and span is None and wanted is not None:
        return Response(status=416, headers={"Content-Range": f"bytes */{size}"})
    start, end = span if span is not None else (0, size)
    file: IO[bytes] = current_app.extensions["lienthong"].blobs.open(sha256)
    response = Response(stream_with_context(_pieces(file, start, end)), status=206 if span else 200)
    response.headers.update({"Accept-Ranges": "bytes", "Content-Length": str(end - start), "ETag": f'"{sha256}"'})
    if span:
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    response.headers["Cache-Control"] = "private, max-age=0, must-revalidate"
    return response


def _pieces(file: IO[bytes], start: int, end: int) -> Iterator[bytes]:
    with file:
        _skip(file, start)
        left = end - start
        while left and (piece := file.read(min(PIECE, left))):
            left -= len(piece)
            yield piece


def _skip(file: IO[bytes], start: int) -> None:
    """Files on disk can jump; a body from S3 is read over."""
    if file.seekable():
        file.seek(start)
        return
    while start > 0 and (piece := file.read(min(PIECE, start))):
        start -= len(piece)


# ---- shared by the views ----


def _to_document(document_id: int) -> AnyResponse:
    return redirect(url_for("docex.document", document_id=document_id), 303)


def _to_incoming(incoming_id: int) -> AnyResponse:
    return redirect(url_for("docex.incoming", incoming_id=incoming_id), 303)


def document_page(tx: Tx, actor: Actor, document_id: int, errors: Errors | None = None) -> str:
    """The page of an own document, or the fragment of it that was asked for."""
    sheet = sheets.document_sheet(tx, actor, document_id)
    part = {"acts": "docex/_document_acts.html", "sheet": "docex/_document.html"}.get(request.args.get("fragment", ""))
    typed = request.form if errors else {}
    desk = desk_pages.document_desk(tx, actor, document_id)
    device = device_view(tx, actor, document_id, current_app.extensions["lienthong"].config)
    page = part or "docex/document.html"
    return render_template(page, sheet=sheet, desk=desk, device=device, errors=errors or {}, typed=typed)


def incoming_page(tx: Tx, actor: Actor, incoming_id: int, errors: Errors | None = None) -> str:
    """The page of a received document, or the fragment of it that was asked for."""
    sheet = sheets.incoming_sheet(tx, actor, incoming_id)
    part = {"acts": "docex/_incoming_acts.html", "sheet": "docex/_incoming.html"}.get(request.args.get("fragment", ""))
    typed = request.form if errors else {}
    desk = desk_pages.incoming_desk(tx, actor, incoming_id)
    return render_template(part or "docex/incoming.html", sheet=sheet, desk=desk, errors=errors or {}, typed=typed)


def _draft(tx: Tx, actor: Actor, form: LetterForm) -> Draft:
    """What was typed, with the groups that were ticked as their agencies."""
    return form.draft(groups.expand(tx, actor.agency_id, form.group_ids()))


def _begun(tx: Tx, actor: Actor) -> LetterForm:
    """An empty form; with `?answers=` one that is addressed to the sender of that received document, with `?copies=`
    one of a copy of it."""
    require(actor, *DRAFTERS)
    if answered := number(request.args.get("answers")):
        return LetterForm().answer(drafting.answered_for(tx, actor, answered))
    if copied := number(request.args.get("copies")):
        return LetterForm().copy(drafting.answered_for(tx, actor, copied))
    return LetterForm()


def _form_page(
    tx: Tx,
    actor: Actor,
    form: LetterForm,
    source: str,
    action: str,
    errors: Errors | None = None,
    document: Any = None,
    rev: int | None = None,
    given: Brought = NOTHING,
) -> str:
    require(actor, *DRAFTERS)
    secret = current_app.extensions["lienthong"].config.signing_secret()
    leaders = directory.people_with_role(tx, actor.agency_id, Role.LEADER)
    form.offer(directory.agencies_for_choice(tx), leaders, actor.agency_id, upload=source == "uploaded")
    chiefs = directory.people_with_role(tx, actor.agency_id, Role.OFFICE_CHIEF)
    form.offer_desk(groups.groups_of(tx, actor.agency_id), chiefs)
    form.file.flags.required = document is None
    return render_template(
        "docex/form.html",
        form=form,
        source=source,
        action=action,
        errors=errors or {},
        document=document,
        rev=rev if rev is not None else (document.text_rev if document else None),
        kept_main=kept(secret, actor, [given.main] if given.main else []),
        kept=kept(secret, actor, given.attachments),
    )


def _brought(
    tx: Tx, actor: Actor, *, needs_body: bool, main: Literal["required", "wanted", "none"] = "none"
) -> Brought:
    """Check what was typed and store what was uploaded: everything that is wrong is told at once, and a file that is
    right is not asked for again."""
    require(actor, *DRAFTERS)
    wrong: Errors = {}
    try:
        drafting.check(tx, actor, _draft(tx, actor, LetterForm(request.form)), needs_body=needs_body)
    except Invalid as error:
        wrong |= error.fields
    services = current_app.extensions["lienthong"]

    def again(field: str) -> tuple[File, ...]:
        return taken_up(services.config.signing_secret(), actor, request.form.getlist(field), services.blobs)

    papers: tuple[File, ...] = ()
    if main != "none":
        papers = (*_stored("file", wrong, pdf_only=True), *again("kept_main"))
    if main == "required" and not papers and "file" not in wrong:
        wrong["file"] = phrase("Cần chọn tệp PDF.")
    attachments = (*again("kept"), *_stored("attachments", wrong))
    return Brought(papers[0] if papers else None, attachments, wrong)


def _stored(field: str, wrong: Errors, *, pdf_only: bool = False) -> tuple[File, ...]:
    """The files that were uploaded in a field, stored; what is wrong with one of them is put into `wrong`."""
    services = current_app.extensions["lienthong"]
    given = [file for file in request.files.getlist(field) if file.filename]
    if len(given) > drafting.MOST_ATTACHMENTS:
        wrong[field] = phrase("Nhiều nhất {limit} tệp đính kèm.", limit=drafting.MOST_ATTACHMENTS)
        return ()
    most, stored = services.config.upload_max_bytes, []
    for file in given:
        try:
            stored.append(
                receive(services.blobs, file.stream, file.filename or "", field, max_bytes=most, pdf_only=pdf_only)
            )
        except Invalid as error:
            wrong |= error.fields
    return tuple(stored)


def _whole(given: Brought) -> Any:
    """The main file of a form in which nothing was wrong; Invalid names what was."""
    if given.wrong:
        raise Invalid(given.wrong)
    return given.main
