"""The doors of this room: lists and pages, the builder, answers, the live room, walls."""

from collections.abc import Callable
from typing import Any

from flask import Response, current_app, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from directory import queries as directory
from directory.actor import Actor
from kernel.blobs import BlobStore
from kernel.db import Tx
from kernel.doors import Routes
from kernel.errors import Forbidden, Invalid, NotFound, Stale
from kernel.forms import fresh_number
from kernel.text import Phrase
from meetings import access, answering, attending, concluding, convening, holding, planning, queries, speaking, walls
from meetings.access import Right, meeting_for
from meetings.answering import Reply
from meetings.forms import ConclusionForm, ItemForm, MeetingForm, number, numbers, tomorrow_morning
from meetings.planning import PaperFile
from meetings.states import Role, Verb

routes = Routes("meetings")
_WALLS = "a wall screen has no person: its cookie is the proof, and access.py checks it against the meeting"

Errors = dict[str, Phrase]


# ---- lists and the page of a meeting ----


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


@routes.get("/meetings/<int:meeting_id>")
def meeting(tx: Tx, actor: Actor, meeting_id: int) -> str:
    """Facts, agenda, papers, people and conclusions; moves live."""
    return _meeting_page(tx, actor, meeting_id)


def _meeting_page(tx: Tx, actor: Actor, meeting_id: int, errors: Errors | None = None) -> str:
    page = queries.page(tx, actor, meeting_id)
    part = "meetings/_meeting.html" if request.args.get("fragment") else "meetings/meeting.html"
    typed = request.form if errors else {}
    return render_template(part, page=page, errors=errors or {}, typed=typed, Verb=Verb)


@routes.post("/meetings/<int:meeting_id>/answer")
def answer(tx: Tx, actor: Actor, meeting_id: int) -> Any:
    """A signed-in participant says whether they come."""
    try:
        answering.answer(tx, actor, meeting_id, Reply.of(request.form))
    except Invalid as error:
        return _meeting_page(tx, actor, meeting_id, error.fields), error.status
    return redirect(url_for("meetings.meeting", meeting_id=meeting_id), 303)


# ---- the builder ----


@routes.get("/meetings/<int:meeting_id>/facts")
def facts(tx: Tx, actor: Actor, meeting_id: int) -> str:
    """The form of the facts of a meeting that stands."""
    found = meeting_for(tx, actor, meeting_id, Right.DESK)
    form = MeetingForm().show(found)
    return _facts_page(tx, form, url_for("meetings.change", meeting_id=meeting_id), meeting=found, rev=found.rev)


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
        return _facts_page(tx, form, action, errors, meeting=found, rev=found.rev), error.status
    return redirect(url_for("meetings.build", meeting_id=meeting_id), 303)


@routes.get("/meetings/<int:meeting_id>/build")
def build(tx: Tx, actor: Actor, meeting_id: int) -> str:
    """The secretary's page: agenda, papers, people, invitations with their delivery states."""
    return _build_page(tx, actor, meeting_id)


def _build_page(
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


def _built(meeting_id: int, anchor: str = "") -> AnyResponse:
    return redirect(url_for("meetings.build", meeting_id=meeting_id, _anchor=anchor or None), 303)


@routes.post("/meetings/<int:meeting_id>/items")
def add_item(tx: Tx, actor: Actor, meeting_id: int) -> Any:
    """Put a point at the end of the agenda."""
    form = ItemForm(request.form)
    try:
        item = planning.add_item(tx, actor, meeting_id, form.facts())
    except Invalid as error:
        return _build_page(tx, actor, meeting_id, error.fields, "item", form), error.status
    return _built(meeting_id, f"item-{item.id}")


@routes.post("/meetings/<int:meeting_id>/items/<int:item_id>")
def change_item(tx: Tx, actor: Actor, meeting_id: int, item_id: int) -> Any:
    """Rewrite a point."""
    form = ItemForm(request.form)
    rev = number(request.form.get("rev")) or 0
    try:
        planning.change_item(tx, actor, meeting_id, item_id, form.facts(), rev)
    except (Invalid, Stale) as error:
        errors = error.fields if isinstance(error, Invalid) else {"title": error.message}
        return _build_page(tx, actor, meeting_id, errors, f"item-{item_id}", form), error.status
    return _built(meeting_id, f"item-{item_id}")


@routes.post("/meetings/<int:meeting_id>/items/<int:item_id>/drop")
def drop_item(tx: Tx, actor: Actor, meeting_id: int, item_id: int) -> Any:
    """Take a point off the agenda."""
    try:
        planning.drop_item(tx, actor, meeting_id, item_id)
    except Invalid as error:
        return _build_page(tx, actor, meeting_id, error.fields, f"item-{item_id}"), error.status
    return _built(meeting_id, "agenda")


@routes.post("/meetings/<int:meeting_id>/order")
def reorder(tx: Tx, actor: Actor, meeting_id: int) -> Any:
    """Give the agenda its whole new order, as a list of ids."""
    planning.reorder(tx, actor, meeting_id, numbers(request.form.getlist("order")))
    return _done(_built(meeting_id, "agenda"), {})


def _store_paper(tx: Tx, actor: Actor, meeting_id: int, **_path: int) -> PaperFile:
    meeting_for(tx, actor, meeting_id, Right.DESK)
    tx.let_go()  # the store may be far away
    return _uploaded()


@routes.post("/meetings/<int:meeting_id>/items/<int:item_id>/papers", before=_store_paper)
def add_paper(tx: Tx, actor: Actor, meeting_id: int, item_id: int, brought: Callable[[], PaperFile]) -> Any:
    """Upload a PDF under a point, or a new version of one."""
    meeting_for(tx, actor, meeting_id, Right.DESK)
    try:
        replaces = number(request.form.get("replaces"))
        planning.add_paper(tx, actor, meeting_id, item_id, brought(), replaces=replaces)
    except Invalid as error:
        return _build_page(tx, actor, meeting_id, error.fields, f"paper-{item_id}"), error.status
    return _built(meeting_id, f"item-{item_id}")


def _uploaded() -> PaperFile:
    upload = request.files.get("file")
    data = upload.read() if upload else b""
    limit = current_app.extensions["lienthong"].config.upload_max_bytes
    pages = planning.read_paper(data, limit)
    assert upload is not None
    upload.seek(0)
    name = (upload.filename or "").replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".pdf")
    title = request.form.get("paper_title", "").strip() or name[: planning.LINE_MAX]
    return PaperFile(title, _blobs().put(upload.stream, max_bytes=limit), pages)


def _blobs() -> BlobStore:
    store: BlobStore = current_app.extensions["lienthong"].blobs
    return store


@routes.post("/meetings/<int:meeting_id>/papers/<int:paper_id>/drop")
def drop_paper(tx: Tx, actor: Actor, meeting_id: int, paper_id: int) -> Any:
    """Take a paper away."""
    planning.drop_paper(tx, actor, meeting_id, paper_id)
    return _built(meeting_id, "agenda")


@routes.open_get("/meetings/<int:meeting_id>/papers/<int:paper_id>", reason=_WALLS)
def paper(tx: Tx, actor: Actor | None, meeting_id: int, paper_id: int) -> Response:
    """One version of a paper: its address never shows other bytes."""
    found = access.paper_for(tx, actor, meeting_id, paper_id)
    tag = f'"{found.sha256[:32]}"'
    if request.headers.get("If-None-Match") == tag:
        response = make_response("", 304)
    else:
        file = _blobs().open(found.sha256)
        response = Response(iter(lambda: file.read(1 << 16), b""), mimetype="application/pdf")
        response.call_on_close(file.close)
        response.content_length = found.size
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    response.headers["Content-Disposition"] = f'inline; filename="tai-lieu-{found.id}.pdf"'
    return response


@routes.post("/meetings/<int:meeting_id>/people")
def add_people(tx: Tx, actor: Actor, meeting_id: int) -> Any:
    """Seat the chosen people."""
    role = request.form.get("role", "")
    try:
        chosen = numbers(request.form.getlist("person"))
        planning.add_people(tx, actor, meeting_id, chosen, Role(role) if role in set(Role) else Role.DELEGATE)
    except Invalid as error:
        return _build_page(tx, actor, meeting_id, error.fields, "people"), error.status
    return _built(meeting_id, "people")


@routes.post("/meetings/<int:meeting_id>/people/<int:participant_id>/drop")
def drop_person(tx: Tx, actor: Actor, meeting_id: int, participant_id: int) -> Any:
    """Take somebody off the list."""
    try:
        convening.drop_person(tx, actor, meeting_id, participant_id)
    except Invalid as error:
        return _build_page(tx, actor, meeting_id, error.fields, "people"), error.status
    return _built(meeting_id, "people")


@routes.post("/meetings/<int:meeting_id>/convene")
def convene(tx: Tx, actor: Actor, meeting_id: int) -> Any:
    """Send the invitations that were not sent yet."""
    try:
        convening.convene(tx, actor, meeting_id)
    except Invalid as error:
        return _build_page(tx, actor, meeting_id, error.fields, "convene"), error.status
    return _built(meeting_id, "people")


@routes.post("/meetings/<int:meeting_id>/cancel")
def cancel(tx: Tx, actor: Actor, meeting_id: int) -> Any:
    """Call the meeting off."""
    try:
        convening.cancel(tx, actor, meeting_id, request.form.get("reason", ""))
    except Invalid as error:
        return _build_page(tx, actor, meeting_id, error.fields, "cancel"), error.status
    return redirect(url_for("meetings.meeting", meeting_id=meeting_id), 303)


# ---- the room ----


@routes.get("/meetings/<int:meeting_id>/room")
def room(tx: Tx, actor: Actor, meeting_id: int) -> str:
    """The live room."""
    page = queries.page(tx, actor, meeting_id)
    if not page.can_join:
        raise NotFound()
    return render_template("meetings/room.html", **_room_context(tx, actor, page))


@routes.get("/meetings/<int:meeting_id>/plain")
def plain(tx: Tx, actor: Actor, meeting_id: int) -> str:
    """The same state and acts as the room, without scripts."""
    page = queries.page(tx, actor, meeting_id)
    if not page.can_join:
        raise NotFound()
    return render_template("meetings/plain.html", **_room_context(tx, actor, page))


def _room_context(tx: Tx, actor: Actor | None, page: queries.MeetingPage) -> dict[str, Any]:
    return {
        "page": page,
        "snapshot": queries.snapshot(tx, actor, page.meeting.id).wire(),
        "choice": queries.people_for_tasks(tx, page) if page.desk else [],
        "number": fresh_number(),
        "errors": {},
        "typed": {},
        "Verb": Verb,
    }


@routes.open_get("/meetings/<int:meeting_id>/wall", reason=_WALLS)
def wall(tx: Tx, actor: Actor | None, meeting_id: int) -> Any:
    """The screen on the wall. A screen that lost its meeting goes back to showing a code."""
    try:
        page = queries.page(tx, actor, meeting_id, Right.FOLLOW)
    except NotFound:
        return redirect(url_for("meetings.screen"))
    return render_template("meetings/wall.html", **_room_context(tx, actor, page))


@routes.open_get("/meetings/<int:meeting_id>/snapshot", reason=_WALLS)
def snapshot(tx: Tx, actor: Actor | None, meeting_id: int) -> Response:
    """The whole state, with the stream numbers that it stands for, read in one transaction."""
    tag = f'"{queries.snapshot_tag(tx, actor, meeting_id)}"'
    if request.headers.get("If-None-Match") == tag:
        response = make_response("", 304)
    else:
        response = jsonify(queries.snapshot(tx, actor, meeting_id).wire())
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _wants_json() -> bool:
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def _done(page: AnyResponse, data: dict[str, Any]) -> AnyResponse:
    """A script gets JSON, a form its page."""
    return jsonify(data) if _wants_json() else page


def _roomed(meeting_id: int, data: dict[str, Any]) -> AnyResponse:
    """Back to the page from which the act was sent."""
    pages = {"plain": "meetings.plain", "meeting": "meetings.meeting", "build": "meetings.build"}
    endpoint = pages.get(request.form.get("from", ""), "meetings.room")
    return _done(redirect(url_for(endpoint, meeting_id=meeting_id), 303), data)


def _command() -> str | None:
    return request.form.get("command_id") or None


@routes.post("/meetings/<int:meeting_id>/current")
def take_item(tx: Tx, actor: Actor, meeting_id: int) -> AnyResponse:
    """Make a point the current one on every screen."""
    item_id = number(request.form.get("item")) or 0
    rev = number(request.form.get("rev"))
    answer = holding.take_item(tx, actor, meeting_id, item_id, rev=rev, command_id=_command())
    return _roomed(meeting_id, answer)


@routes.post("/meetings/<int:meeting_id>/open")
def open_meeting(tx: Tx, actor: Actor, meeting_id: int) -> AnyResponse:
    """Begin the meeting."""
    return _roomed(meeting_id, {"rev": holding.open_meeting(tx, actor, meeting_id).rev})


@routes.post("/meetings/<int:meeting_id>/pause")
def pause(tx: Tx, actor: Actor, meeting_id: int) -> AnyResponse:
    """Break off for a while."""
    return _roomed(meeting_id, {"rev": holding.pause(tx, actor, meeting_id).rev})


@routes.post("/meetings/<int:meeting_id>/resume")
def resume(tx: Tx, actor: Actor, meeting_id: int) -> AnyResponse:
    """Go on."""
    return _roomed(meeting_id, {"rev": holding.resume(tx, actor, meeting_id).rev})


@routes.post("/meetings/<int:meeting_id>/close")
def close(tx: Tx, actor: Actor, meeting_id: int) -> AnyResponse:
    """End the meeting."""
    return _roomed(meeting_id, {"rev": holding.close(tx, actor, meeting_id).rev})


@routes.post("/meetings/<int:meeting_id>/check-in")
def check_in(tx: Tx, actor: Actor, meeting_id: int) -> AnyResponse:
    """I am here."""
    return _roomed(meeting_id, {"rev": attending.check_in(tx, actor, meeting_id).rev})


@routes.post("/meetings/<int:meeting_id>/people/<int:participant_id>/check-in")
def check_in_for(tx: Tx, actor: Actor, meeting_id: int, participant_id: int) -> AnyResponse:
    """The desk notes that somebody is here."""
    return _roomed(meeting_id, {"rev": attending.check_in_for(tx, actor, meeting_id, participant_id).rev})


@routes.post("/meetings/<int:meeting_id>/people/<int:participant_id>/take-back")
def take_back(tx: Tx, actor: Actor, meeting_id: int, participant_id: int) -> AnyResponse:
    """The desk corrects a check-in."""
    return _roomed(meeting_id, {"rev": attending.take_back(tx, actor, meeting_id, participant_id).rev})


@routes.post("/meetings/<int:meeting_id>/speak")
def ask_to_speak(tx: Tx, actor: Actor, meeting_id: int) -> AnyResponse:
    """Register to speak."""
    return _roomed(meeting_id, {"turn": speaking.ask_to_speak(tx, actor, meeting_id).id})


@routes.post("/meetings/<int:meeting_id>/speak/withdraw")
def withdraw(tx: Tx, actor: Actor, meeting_id: int) -> AnyResponse:
    """Take the request, or the floor, back."""
    speaking.withdraw(tx, actor, meeting_id)
    return _roomed(meeting_id, {})


@routes.post("/meetings/<int:meeting_id>/turns/<int:turn_id>/floor")
def give_floor(tx: Tx, actor: Actor, meeting_id: int, turn_id: int) -> AnyResponse:
    """Let somebody speak."""
    return _roomed(meeting_id, {"turn": speaking.give_floor(tx, actor, meeting_id, turn_id).id})


@routes.post("/meetings/<int:meeting_id>/turns/<int:turn_id>/end")
def end_turn(tx: Tx, actor: Actor, meeting_id: int, turn_id: int) -> AnyResponse:
    """Take the floor back."""
    return _roomed(meeting_id, {"turn": speaking.end_turn(tx, actor, meeting_id, turn_id).id})


# ---- conclusions ----


@routes.post("/meetings/<int:meeting_id>/conclusions")
def conclude(tx: Tx, actor: Actor, meeting_id: int) -> Any:
    """Write a conclusion; with the box ticked it becomes a task in the same press."""
    form = ConclusionForm(request.form)
    try:
        answer = concluding.conclude(
            tx, actor, meeting_id, form.words(), assign=form.assign.data, command_id=_command()
        )
    except Invalid as error:
        if _wants_json():
            raise
        page = queries.page(tx, actor, meeting_id)
        context = {**_room_context(tx, actor, page), "errors": error.fields, "typed": request.form}
        return render_template("meetings/plain.html", **context), error.status
    return _roomed(meeting_id, answer)


@routes.post("/meetings/<int:meeting_id>/conclusions/<int:conclusion_id>/task")
def assign(tx: Tx, actor: Actor, meeting_id: int, conclusion_id: int) -> AnyResponse:
    """One press: the conclusion becomes a task and its lead gets an SMS."""
    return _roomed(meeting_id, concluding.assign(tx, actor, meeting_id, conclusion_id))


@routes.post("/meetings/<int:meeting_id>/conclusions/<int:conclusion_id>/drop")
def drop_conclusion(tx: Tx, actor: Actor, meeting_id: int, conclusion_id: int) -> AnyResponse:
    """Take a conclusion back that is no task yet."""
    concluding.drop(tx, actor, meeting_id, conclusion_id)
    return _roomed(meeting_id, {})


# ---- walls ----


@routes.open_get("/wall", reason="a screen without a person shows the code with which it is paired")
def screen(tx: Tx, actor: Actor | None) -> Any:
    """What a screen on the wall opens: its meeting while it may follow it, else the way to a code."""
    pairing = walls.pairing_of(tx, request.cookies.get(walls.COOKIE))
    followed = walls.followed_by(tx, actor, pairing)
    if followed is not None:
        return redirect(url_for("meetings.wall", meeting_id=followed))
    return render_template("meetings/screen.html", pairing=pairing)


@routes.open_post("/wall", reason="asks for a code; a code opens nothing until the desk enters it")
def show_code(tx: Tx, actor: Actor | None) -> AnyResponse:
    """Give the screen a code to show and a cookie to be known by."""
    new_screen = walls.show_code(tx, request.cookies.get(walls.COOKIE))
    response = redirect(url_for("meetings.screen"), 303)
    secure = current_app.extensions["lienthong"].config.base_url.startswith("https:")
    response.set_cookie(
        walls.COOKIE, new_screen.token, max_age=365 * 86400, httponly=True, samesite="Lax", secure=secure
    )
    return response


@routes.post("/meetings/<int:meeting_id>/walls")
def pair_wall(tx: Tx, actor: Actor, meeting_id: int) -> Any:
    """Let the screen that shows this code follow the meeting."""
    try:
        walls.pair(tx, actor, meeting_id, request.form.get("code", ""))
    except Invalid as error:
        return _build_page(tx, actor, meeting_id, error.fields, "wall"), error.status
    return _built(meeting_id, "walls")


@routes.post("/meetings/<int:meeting_id>/walls/<int:wall_id>/drop")
def unpair_wall(tx: Tx, actor: Actor, meeting_id: int, wall_id: int) -> AnyResponse:
    """Take the meeting off a screen."""
    walls.unpair(tx, actor, meeting_id, wall_id)
    return _built(meeting_id, "walls")
