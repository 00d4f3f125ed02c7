"""Endpoints of what a meeting decides: conclusions and the tasks that they become."""

from typing import Any

from flask import render_template, request
from werkzeug.wrappers import Response as AnyResponse

from directory.actor import Actor
from kernel.db import Tx
from kernel.errors import Invalid
from meetings import concluding, queries
from meetings.forms import ConclusionForm
from meetings.routes.base import command_id, routes, wants_json
from meetings.routes.room import back_to_room, room_context


@routes.post("/meetings/<int:meeting_id>/conclusions")
def conclude(tx: Tx, actor: Actor, meeting_id: int) -> Any:
    """Write a conclusion; with the box ticked it becomes a task in the same press."""
    form = ConclusionForm(request.form)
    try:
        answer = concluding.conclude(
            tx, actor, meeting_id, form.words(), assign=form.assign.data, command_id=command_id()
        )
    except Invalid as error:
        if wants_json():
            raise
        page = queries.page(tx, actor, meeting_id)
        context = {**room_context(tx, actor, page), "errors": error.fields, "typed": request.form}
        return render_template("meetings/plain.html", **context), error.status
    return back_to_room(meeting_id, answer)


@routes.post("/meetings/<int:meeting_id>/conclusions/<int:conclusion_id>/task")
def assign(tx: Tx, actor: Actor, meeting_id: int, conclusion_id: int) -> AnyResponse:
    """One press: the conclusion becomes a task and its lead gets an SMS."""
    return back_to_room(meeting_id, concluding.assign(tx, actor, meeting_id, conclusion_id))


@routes.post("/meetings/<int:meeting_id>/conclusions/<int:conclusion_id>/drop")
def drop_conclusion(tx: Tx, actor: Actor, meeting_id: int, conclusion_id: int) -> AnyResponse:
    """Take a conclusion back that is no task yet."""
    concluding.drop(tx, actor, meeting_id, conclusion_id)
    return back_to_room(meeting_id, {})
