"""Endpoints of the room: its pages and snapshot, the current point, presence, the speakers' queue."""

from typing import Any

from flask import Response, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from directory.actor import Actor
from kernel.db import Tx
from kernel.errors import Invalid, NotFound
from kernel.forms import fresh_number
from meetings import attending, following, holding, queries, snapshots, speaking
from meetings.access import Right
from meetings.forms import number
from meetings.rooms import undoing
from meetings.rooms.record import record_of
from meetings.routes.base import WALLS, answered, command_id, routes, wants_json
from meetings.states import Verb
from meetings.voting.forms import VoteForm


@routes.get("/meetings/<int:meeting_id>/room")
def room(tx: Tx, actor: Actor, meeting_id: int) -> str:
    """The live room."""
    page = queries.page(tx, actor, meeting_id)
    if not page.can_join:
        raise NotFound()
    return render_template("meetings/room.html", **room_context(tx, actor, page))


@routes.get("/meetings/<int:meeting_id>/plain")
def plain(tx: Tx, actor: Actor, meeting_id: int) -> str:
    """The same state and acts as the room, without scripts."""
    page = queries.page(tx, actor, meeting_id)
    if not page.can_join:
        raise NotFound()
    return render_template("meetings/plain.html", **room_context(tx, actor, page))


def room_context(tx: Tx, actor: Actor | None, page: queries.MeetingPage) -> dict[str, Any]:
    """What the templates of the room, of its plain page and of a wall read."""
    return {
        "page": page,
        "snapshot": snapshots.snapshot(tx, actor, page.meeting.id).wire(),
        "choice": queries.people_for_tasks(tx, page) if page.desk else [],
        "number": fresh_number(),
        "errors": {},
        "typed": {},
        "vote_form": VoteForm(),
        "Verb": Verb,
        "record": record_of(tx, page),
        "undo": undoing.undoable(page),
    }


@routes.open_get("/meetings/<int:meeting_id>/wall", reason=WALLS)
def wall(tx: Tx, actor: Actor | None, meeting_id: int) -> Any:
    """The screen on the wall. A screen that lost its meeting goes back to showing a code."""
    try:
        page = queries.page(tx, actor, meeting_id, Right.FOLLOW)
    except NotFound:
        return redirect(url_for("meetings.screen"))
    return render_template("meetings/wall.html", **room_context(tx, actor, page))


@routes.open_get("/meetings/<int:meeting_id>/snapshot", reason=WALLS)
def snapshot(tx: Tx, actor: Actor | None, meeting_id: int) -> Response:
    """The whole state, with the stream numbers that it stands for, read in one transaction."""
    tag = f'"{snapshots.snapshot_tag(tx, actor, meeting_id)}"'
    if request.headers.get("If-None-Match") == tag:
        response = make_response("", 304)
    else:
        response = jsonify(snapshots.snapshot(tx, actor, meeting_id).wire())
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def back_to_room(meeting_id: int, data: dict[str, Any]) -> AnyResponse:
    """Back to the page from which the act was sent."""
    pages = {"plain": "meetings.plain", "meeting": "meetings.meeting", "build": "meetings.build"}
    endpoint = pages.get(request.form.get("from", ""), "meetings.room")
    return answered(redirect(url_for(endpoint, meeting_id=meeting_id), 303), data)


def refused(tx: Tx, actor: Actor, meeting_id: int, error: Invalid) -> Any:
    """A script gets the error, a form the plain page with it and with what was typed."""
    if wants_json():
        raise error
    context = room_context(tx, actor, queries.page(tx, actor, meeting_id))
    return render_template(
        "meetings/plain.html", **{**context, "errors": error.fields, "typed": request.form}
    ), error.status


@routes.post("/meetings/<int:meeting_id>/current")
def take_item(tx: Tx, actor: Actor, meeting_id: int) -> AnyResponse:
    """Make a point the current one on every screen."""
    item_id = number(request.form.get("item")) or 0
    rev = number(request.form.get("rev"))
    answer = holding.take_item(tx, actor, meeting_id, item_id, rev=rev, command_id=command_id())
    return back_to_room(meeting_id, answer)


@routes.post("/meetings/<int:meeting_id>/open")
def open_meeting(tx: Tx, actor: Actor, meeting_id: int) -> AnyResponse:
    """Begin the meeting."""
    return back_to_room(meeting_id, {"rev": holding.open_meeting(tx, actor, meeting_id).rev})


@routes.post("/meetings/<int:meeting_id>/pause")
def pause(tx: Tx, actor: Actor, meeting_id: int) -> AnyResponse:
    """Break off for a while."""
    return back_to_room(meeting_id, {"rev": holding.pause(tx, actor, meeting_id).rev})


@routes.post("/meetings/<int:meeting_id>/resume")
def resume(tx: Tx, actor: Actor, meeting_id: int) -> AnyResponse:
    """Go on."""
    return back_to_room(meeting_id, {"rev": holding.resume(tx, actor, meeting_id).rev})


@routes.post("/meetings/<int:meeting_id>/close")
def close(tx: Tx, actor: Actor, meeting_id: int) -> AnyResponse:
    """End the meeting."""
    return back_to_room(meeting_id, {"rev": holding.close(tx, actor, meeting_id).rev})


@routes.post("/meetings/<int:meeting_id>/undo-open")
def undo_open(tx: Tx, actor: Actor, meeting_id: int) -> AnyResponse:
    """The opening was pressed by mistake."""
    return back_to_room(meeting_id, {"rev": undoing.undo_open(tx, actor, meeting_id).rev})


@routes.post("/meetings/<int:meeting_id>/undo-close")
def undo_close(tx: Tx, actor: Actor, meeting_id: int) -> AnyResponse:
    """The closing was pressed by mistake."""
    return back_to_room(meeting_id, {"rev": undoing.undo_close(tx, actor, meeting_id).rev})


@routes.post("/meetings/<int:meeting_id>/check-in")
def check_in(tx: Tx, actor: Actor, meeting_id: int) -> AnyResponse:
    """I am here."""
    return back_to_room(meeting_id, {"rev": attending.check_in(tx, actor, meeting_id).rev})


@routes.post("/meetings/<int:meeting_id>/people/<int:participant_id>/check-in")
def check_in_for(tx: Tx, actor: Actor, meeting_id: int, participant_id: int) -> AnyResponse:
    """The desk notes that somebody is here."""
    return back_to_room(meeting_id, {"rev": attending.check_in_for(tx, actor, meeting_id, participant_id).rev})


@routes.post("/meetings/<int:meeting_id>/people/<int:participant_id>/take-back")
def take_back(tx: Tx, actor: Actor, meeting_id: int, participant_id: int) -> AnyResponse:
    """The desk corrects a check-in."""
    return back_to_room(meeting_id, {"rev": attending.take_back(tx, actor, meeting_id, participant_id).rev})


@routes.post("/meetings/<int:meeting_id>/quorum")
def set_quorum(tx: Tx, actor: Actor, meeting_id: int) -> Any:
    """Say how many must be here."""
    rule, wanted = request.form.get("quorum_rule", ""), number(request.form.get("quorum_number"))
    try:
        meeting = attending.set_quorum(tx, actor, meeting_id, rule, wanted)
    except Invalid as error:
        return refused(tx, actor, meeting_id, error)
    return back_to_room(meeting_id, {"rev": meeting.rev})


@routes.post("/meetings/<int:meeting_id>/speak")
def ask_to_speak(tx: Tx, actor: Actor, meeting_id: int) -> AnyResponse:
    """Register to speak."""
    return back_to_room(meeting_id, {"turn": speaking.ask_to_speak(tx, actor, meeting_id).id})


@routes.post("/meetings/<int:meeting_id>/speak/withdraw")
def withdraw(tx: Tx, actor: Actor, meeting_id: int) -> AnyResponse:
    """Take the request, or the floor, back."""
    speaking.withdraw(tx, actor, meeting_id)
    return back_to_room(meeting_id, {})


@routes.post("/meetings/<int:meeting_id>/turns/<int:turn_id>/floor")
def give_floor(tx: Tx, actor: Actor, meeting_id: int, turn_id: int) -> AnyResponse:
    """Let somebody speak."""
    return back_to_room(meeting_id, {"turn": speaking.give_floor(tx, actor, meeting_id, turn_id).id})


@routes.post("/meetings/<int:meeting_id>/turns/<int:turn_id>/end")
def end_turn(tx: Tx, actor: Actor, meeting_id: int, turn_id: int) -> AnyResponse:
    """Take the floor back."""
    return back_to_room(meeting_id, {"turn": speaking.end_turn(tx, actor, meeting_id, turn_id).id})


@routes.post("/meetings/<int:meeting_id>/follow")
def lead(tx: Tx, actor: Actor, meeting_id: int) -> AnyResponse:
    """Bring every reader to a place of a paper; without a paper, set them free. `rev` null: come again."""
    page, y = number(request.form.get("page")) or 1, number(request.form.get("y")) or 0
    place = following.lead(tx, actor, meeting_id, number(request.form.get("paper")), page, y)
    return back_to_room(meeting_id, {"rev": place.rev if place else None})
