"""The endpoints of the forms: letters that are written here, and those that were made elsewhere."""

from collections.abc import Callable
from typing import Any, Literal

from flask import current_app, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from directory import queries as directory
from directory.actor import Actor, Role, require
from docex.documents.access import DRAFTERS, Right, document_for
from docex.documents.drafting import outgoing, recipient_groups
from docex.documents.drafting.draft import Draft
from docex.documents.drafting.forms import LetterForm, number
from docex.documents.drafting.pending_uploads import Brought, kept, taken_up
from docex.documents.drafting.returned_drafts import returned
from docex.documents.models import Document
from docex.documents.papers.files import File
from docex.documents.papers.uploads import receive, refuse_hazards, with_hazards
from docex.routes.pages import Errors, routes, to_document
from kernel.db import Tx
from kernel.errors import Invalid, Stale
from kernel.text import phrase

NOTHING = Brought(None, (), {})


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
        document = outgoing.write(tx, actor, _draft(tx, actor, form), given.attachments)
    except Invalid as error:
        action = url_for("docex.create")
        return _form_page(tx, actor, form, "written", action, error.fields, given=given), error.status
    return to_document(document.id)


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
        document = outgoing.upload(tx, actor, _draft(tx, actor, form), _whole(given), given.attachments)
    except Invalid as error:
        action = url_for("docex.upload")
        return _form_page(tx, actor, form, "uploaded", action, error.fields, given=given), error.status
    return to_document(document.id)


@routes.get("/documents/out/<int:document_id>/edit")
def edit(tx: Tx, actor: Actor, document_id: int) -> str:
    """The form of a draft."""
    document = document_for(tx, actor, document_id, Right.EDIT)
    outgoing.editable(document)
    action = url_for("docex.save", document_id=document_id)
    return _form_page(
        tx,
        actor,
        LetterForm().show(document, outgoing.reply_of(tx, document), outgoing.copied_from(tx, document)),
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
        outgoing.edit(tx, actor, document_id, rev, _draft(tx, actor, form), given.attachments, paper)
    except Invalid as error:
        return _edit_again(tx, actor, document, form, given, error.fields, rev), error.status
    except Stale as error:  # what was typed stands beside a way to what stands now; saving again decides for the former
        return _edit_again(tx, actor, document, form, given, {"": error.message}, document.text_rev), error.status
    return to_document(document_id)


def _edit_again(
    tx: Tx, actor: Actor, document: Document, form: LetterForm, given: Brought, errors: Errors, rev: int | None
) -> str:
    action = url_for("docex.save", document_id=document.id)
    return _form_page(tx, actor, form, document.source, action, errors, document, rev=rev, given=given)


@routes.post("/documents/out/<int:document_id>/papers/<int:paper_id>/detach")
def detach(tx: Tx, actor: Actor, document_id: int, paper_id: int) -> AnyResponse:
    """Take an attachment off a draft."""
    outgoing.detach(tx, actor, document_id, paper_id)
    return to_document(document_id)


def _draft(tx: Tx, actor: Actor, form: LetterForm) -> Draft:
    """The typed draft, with the groups that were ticked as their agencies."""
    return form.draft(recipient_groups.expand(tx, actor.agency_id, form.group_ids()))


def _begun(tx: Tx, actor: Actor) -> LetterForm:
    """An empty form; with `?answers=` one that is addressed to the sender of that received document, with `?copies=`
    one of a copy of it."""
    require(actor, *DRAFTERS)
    if answered := number(request.args.get("answers")):
        return LetterForm().answer(outgoing.answered_for(tx, actor, answered))
    if copied := number(request.args.get("copies")):
        return LetterForm().copy(outgoing.answered_for(tx, actor, copied))
    return LetterForm()


def _form_page(
    tx: Tx,
    actor: Actor,
    form: LetterForm,
    source: str,
    action: str,
    errors: Errors | None = None,
    document: Document | None = None,
    rev: int | None = None,
    given: Brought = NOTHING,
) -> str:
    require(actor, *DRAFTERS)
    secret = current_app.extensions["lienthong"].config.signing_secret()
    leaders = directory.people_with_role(tx, actor.agency_id, Role.LEADER)
    form.offer(directory.agencies_for_choice(tx), leaders, actor.agency_id, upload=source == "uploaded")
    chiefs = directory.people_with_role(tx, actor.agency_id, Role.OFFICE_CHIEF)
    form.offer_desk(recipient_groups.groups_of(tx, actor.agency_id), chiefs)
    form.file.flags.required = document is None
    return render_template(
        "docex/form.html",
        form=form,
        source=source,
        action=action,
        errors=errors or {},
        document_id=document.id if document else None,
        returned=returned(tx, [document]).get(document.id) if document else None,
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
        outgoing.check(tx, actor, _draft(tx, actor, LetterForm(request.form)), needs_body=needs_body)
    except Invalid as error:
        wrong |= error.fields
    services = current_app.extensions["lienthong"]
    tx.release()  # the store may be far away

    def again(field: str) -> tuple[File, ...]:
        return taken_up(services.config.signing_secret(), actor, request.form.getlist(field), services.blobs)

    papers: tuple[File, ...] = ()
    if main != "none":
        papers = (*_stored("file", wrong, pdf_only=True), *again("kept_main"))
    if main == "required" and not papers and "file" not in wrong:
        wrong["file"] = phrase("Cần chọn tệp PDF.")
    given = (*again("kept"), *_stored("attachments", wrong))
    attachments = tuple(with_hazards(services.blobs, one) for one in given)
    return Brought(papers[0] if papers else None, attachments, wrong)


def _stored(field: str, wrong: Errors, *, pdf_only: bool = False) -> tuple[File, ...]:
    """The files that were uploaded in a field, stored; what is wrong with one of them is put into `wrong`."""
    services = current_app.extensions["lienthong"]
    given = [file for file in request.files.getlist(field) if file.filename]
    if len(given) > outgoing.MAX_ATTACHMENTS:
        wrong[field] = phrase("Nhiều nhất {limit} tệp đính kèm.", limit=outgoing.MAX_ATTACHMENTS)
        return ()
    most, stored = services.config.upload_max_bytes, []
    for file in given:
        try:
            name = file.filename or ""
            taken = receive(services.blobs, file.stream, name, field, max_bytes=most, pdf_only=pdf_only)
            if pdf_only:
                refuse_hazards(services.blobs, taken, field)
            stored.append(taken)
        except Invalid as error:
            wrong |= error.fields
    return tuple(stored)


def _whole(given: Brought) -> Any:
    """The main file of a form in which nothing was wrong; Invalid names what was."""
    if given.wrong:
        raise Invalid(given.wrong)
    return given.main
