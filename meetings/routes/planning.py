"""Endpoints of planning: my meetings, a new one, its facts, the builder with agenda and papers."""

from collections.abc import Callable
from typing import Any

from flask import current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from directory import queries as directory
from directory.actor import Actor
from docex.routes.files import file_response
from kernel.db import Tx
from kernel.errors import Forbidden, Invalid, Stale
from meetings import access, convening, planning, queries
from meetings.access import Right, meeting_for
from meetings.forms import ItemForm, MeetingForm, number, numbers, tomorrow_morning
from meetings.pages import MeetingView
from meetings.planning import PaperFile
from meetings.routes.base import WALLS, Errors, answered, blobs, routes
from meetings.states import Role, Verb


@routes.get("/meetings")
def index(tx: Tx, actor: Actor) -> str:
    """My meetings: to answer, upcoming, in preparation, past."""
    lists = queries.my_meetings(tx, actor)
    part = "meetings/_index.html" if request.args.get("fragment") else "meetings/index.html"
    return render_template(part, lists=lists, may_plan=access.may_plan(actor))


@routes.get("/meetings/new")
def new(tx: Tx, actor: Actor) -> str:
    """The form of a new meeting."""
    if not access.may_plan(actor):
        raise Forbidden()
    form = MeetingForm()
    form.starts_on.data, form.starts_at.data, form.ends_at.data = tomorrow_morning()
    return _facts_page(tx, form, url_for("meetings.create"))


@routes.post("/meetings")
def create(tx: Tx, actor: Actor) -> Any:
    """Start a meeting and go on to its agenda."""
    form = MeetingForm(request.form)
    try:
        meeting = planning.plan(tx, actor, form.facts())
    except Invalid as error:
        return _facts_page(tx, form, url_for("meetings.create"), error.fields), error.status
    return redirect(url_for("meetings.build", meeting_id=meeting.id), 303)


def _facts_page(tx: Tx, form: MeetingForm, action: str, errors: Errors | None = None, **context: Any) -> str:
    form.offer(directory.people_for_choice(tx))
    return render_template("meetings/facts.html", form=form, action=action, errors=errors or {}, **context)


@routes.get("/meetings/<int:meeting_id>/facts")
def facts(tx: Tx, actor: Actor, meeting_id: int) -> str:
    """The form of the facts of a meeting that stands."""
    found = meeting_for(tx, actor, meeting_id, Right.DESK)
    form = MeetingForm().show(found)
    return _facts_page(
        tx, form, url_for("meetings.change", meeting_id=meeting_id), meeting=MeetingView.of(found), rev=found.rev
    )


@routes.post("/meetings/<int:meeting_id>/facts")
def change(tx: Tx, actor: Actor, meeting_id: int) -> Any:
    """Change the facts; after convening everybody invited hears of it."""
    form = MeetingForm(request.form)
    rev = number(request.form.get("rev")) or 0
    action = url_for("meetings.change", meeting_id=meeting_id)
    try:
        convening.change(tx, actor, meeting_id, form.facts(), rev)
    except (Invalid, Stale) as error:
        found = meeting_for(tx, actor, meeting_id, Right.DESK)
        errors = error.fields if isinstance(error, Invalid) else {"": error.message}
        return _facts_page(tx, form, action, errors, meeting=MeetingView.of(found), rev=found.rev), error.status
    return redirect(url_for("meetings.build", meeting_id=meeting_id), 303)


@routes.get("/meetings/<int:meeting_id>/build")
def build(tx: Tx, actor: Actor, meeting_id: int) -> str:
    """The secretary's page: agenda, papers, people, invitations with their delivery states."""
    return build_page(tx, actor, meeting_id)


def build_page(
    tx: Tx, actor: Actor, meeting_id: int, errors: Errors | None = None, at: str = "", form: ItemForm | None = None
) -> str:
    """`at` says which form of the page was refused: `item`, `item-7`, `paper-7`, `people`, `convene`, `cancel`."""
    found = meeting_for(tx, actor, meeting_id, Right.DESK)
    page = queries.page(tx, actor, meeting_id)
    if request.args.get("fragment"):
        return render_template("meetings/_invited.html", page=page, Verb=Verb)
    words = request.args.get("find") or request.args.get("q", "")
    sms_text, sms_segments = queries.sms_preview(tx, found)
    return render_template(
        "meetings/build.html",
        page=page,
        choice=queries.people_to_choose(tx, actor, page, words),
        q=words,
        item_form=form if form is not None and at == "item" else ItemForm(),
        refused_form=form,
        errors=errors or {},
        at=at,
        typed=request.form if errors else {},
        sms_text=sms_text,
        sms_segments=sms_segments,
        roles=[Role.DELEGATE, Role.GUEST],
        ROLE_WORDS=queries.ROLE_WORDS,
        Verb=Verb,
    )


def back_to_builder(meeting_id: int, anchor: str = "") -> AnyResponse:
    """A redirect to the builder, at the part that was changed."""
    return redirect(url_for("meetings.build", meeting_id=meeting_id, _anchor=anchor or None), 303)


@routes.post("/meetings/<int:meeting_id>/items")
def add_item(tx: Tx, actor: Actor, meeting_id: int) -> Any:
    """Put a point at the end of the agenda."""
    form = ItemForm(request.form)
    try:
        item = planning.add_item(tx, actor, meeting_id, form.facts())
    except Invalid as error:
        return build_page(tx, actor, meeting_id, error.fields, "item", form), error.status
    return back_to_builder(meeting_id, f"item-{item.id}")


@routes.post("/meetings/<int:meeting_id>/items/<int:item_id>")
def change_item(tx: Tx, actor: Actor, meeting_id: int, item_id: int) -> Any:
    """Rewrite a point."""
    form = ItemForm(request.form)
    rev = number(request.form.get("rev")) or 0
    try:
        planning.change_item(tx, actor, meeting_id, item_id, form.facts(), rev)
    except (Invalid, Stale) as error:
        errors = error.fields if isinstance(error, Invalid) else {"title": error.message}
        return build_page(tx, actor, meeting_id, errors, f"item-{item_id}", form), error.status
    return back_to_builder(meeting_id, f"item-{item_id}")


@routes.post("/meetings/<int:meeting_id>/items/<int:item_id>/drop")
def drop_item(tx: Tx, actor: Actor, meeting_id: int, item_id: int) -> Any:
    """Take a point off the agenda."""
    try:
        planning.drop_item(tx, actor, meeting_id, item_id)
    except Invalid as error:
        return build_page(tx, actor, meeting_id, error.fields, f"item-{item_id}"), error.status
    return back_to_builder(meeting_id, "agenda")


@routes.post("/meetings/<int:meeting_id>/order")
def reorder(tx: Tx, actor: Actor, meeting_id: int) -> Any:
    """Give the agenda its whole new order, as a list of ids."""
    planning.reorder(tx, actor, meeting_id, numbers(request.form.getlist("order")))
    return answered(back_to_builder(meeting_id, "agenda"), {})


def _store_paper(tx: Tx, actor: Actor, meeting_id: int, **_path: int) -> PaperFile:
    meeting_for(tx, actor, meeting_id, Right.DESK)
    tx.release()  # the store may be far away
    return _uploaded()


@routes.post("/meetings/<int:meeting_id>/items/<int:item_id>/papers", before=_store_paper)
def add_paper(tx: Tx, actor: Actor, meeting_id: int, item_id: int, brought: Callable[[], PaperFile]) -> Any:
    """Upload a PDF under a point, or a new version of one."""
    meeting_for(tx, actor, meeting_id, Right.DESK)
    try:
        replaces = number(request.form.get("replaces"))
        planning.add_paper(tx, actor, meeting_id, item_id, brought(), replaces=replaces)
    except Invalid as error:
        return build_page(tx, actor, meeting_id, error.fields, f"paper-{item_id}"), error.status
    return back_to_builder(meeting_id, f"item-{item_id}")


def _uploaded() -> PaperFile:
    upload = request.files.get("file")
    data = upload.read() if upload else b""
    limit = current_app.extensions["lienthong"].config.upload_max_bytes
    pages = planning.read_paper(data, limit)
    assert upload is not None
    upload.seek(0)
    name = (upload.filename or "").replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".pdf")
    title = request.form.get("paper_title", "").strip() or name[: planning.LINE_MAX]
    return PaperFile(title, blobs().put(upload.stream, max_bytes=limit), pages)


@routes.post("/meetings/<int:meeting_id>/papers/<int:paper_id>/drop")
def drop_paper(tx: Tx, actor: Actor, meeting_id: int, paper_id: int) -> Any:
    """Take a paper away."""
    planning.drop_paper(tx, actor, meeting_id, paper_id)
    return back_to_builder(meeting_id, "agenda")


@routes.open_get("/meetings/<int:meeting_id>/papers/<int:paper_id>", reason=WALLS)
def paper(tx: Tx, actor: Actor | None, meeting_id: int, paper_id: int) -> AnyResponse:
    """One version of a paper, or a range of it: its address never shows other bytes."""
    found = access.paper_for(tx, actor, meeting_id, paper_id)
    response = file_response(found.sha256, found.size)
    if response.status_code == 416:
        return response
    response.mimetype = "application/pdf"
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    response.headers["Content-Disposition"] = f'inline; filename="tai-lieu-{found.id}.pdf"'
    return response.make_conditional(request.environ) if response.status_code == 200 else response
