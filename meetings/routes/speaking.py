"""Endpoints of who speaks: the rules and the order of the queue, the floor for who did not ask, the record."""

from typing import Any

from flask import render_template, request
from werkzeug.wrappers import Response as AnyResponse

from directory.actor import Actor
from kernel.db import Tx
from kernel.errors import Invalid
from meetings import queries, speaking
from meetings.forms import number
from meetings.rooms.record import record_of
from meetings.routes.base import routes
from meetings.routes.room import back_to_room, refused


@routes.post("/meetings/<int:meeting_id>/people/<int:participant_id>/floor")
def call_on(tx: Tx, actor: Actor, meeting_id: int, participant_id: int) -> AnyResponse:
    """Let somebody speak who did not ask."""
    return back_to_room(meeting_id, {"turn": speaking.call_on(tx, actor, meeting_id, participant_id).id})


@routes.post("/meetings/<int:meeting_id>/floor")
def call_on_chosen(tx: Tx, actor: Actor, meeting_id: int) -> Any:
    """The same, for whom a form names."""
    try:
        turn = speaking.call_on(tx, actor, meeting_id, number(request.form.get("participant")))
    except Invalid as error:
        return refused(tx, actor, meeting_id, error)
    return back_to_room(meeting_id, {"turn": turn.id})


@routes.post("/meetings/<int:meeting_id>/turns/<int:turn_id>/place")
def move_turn(tx: Tx, actor: Actor, meeting_id: int, turn_id: int) -> AnyResponse:
    """Another place in the queue; 0 is next."""
    place = number(request.form.get("place")) or 0
    return back_to_room(meeting_id, {"turn": speaking.move_turn(tx, actor, meeting_id, turn_id, place).id})


@routes.post("/meetings/<int:meeting_id>/turns/<int:turn_id>/time")
def set_time(tx: Tx, actor: Actor, meeting_id: int, turn_id: int) -> Any:
    """Another time in all for who speaks."""
    seconds = number(request.form.get("seconds")) or 0
    try:
        turn = speaking.set_time(tx, actor, meeting_id, turn_id, seconds)
    except Invalid as error:
        return refused(tx, actor, meeting_id, error)
    return back_to_room(meeting_id, {"seconds": turn.seconds})


@routes.post("/meetings/<int:meeting_id>/speaking")
def set_speaking_rules(tx: Tx, actor: Actor, meeting_id: int) -> Any:
    """The time of each speaker, and whether who has spoken less goes first."""
    limit, quiet_first = number(request.form.get("limit")), "quiet_first" in request.form
    try:
        meeting = speaking.set_rules(tx, actor, meeting_id, limit or 0, quiet_first)
    except Invalid as error:
        return refused(tx, actor, meeting_id, error)
    return back_to_room(meeting_id, {"rev": meeting.queue_rev})


@routes.get("/meetings/<int:meeting_id>/speeches")
def speeches(tx: Tx, actor: Actor, meeting_id: int) -> str:
    """Who spoke on what and how long, and who has not spoken."""
    page = queries.page(tx, actor, meeting_id)
    return render_template("meetings/speeches.html", page=page, record=record_of(tx, page))
