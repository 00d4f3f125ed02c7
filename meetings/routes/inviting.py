"""Endpoints of inviting: the page of a meeting, people, convening, calling off, answers."""

from typing import Any

from flask import current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from directory.actor import Actor
from kernel.db import Tx
from kernel.errors import Invalid
from meetings import answering, convening, planning, queries
from meetings.access import meeting_for
from meetings.answering import Reply
from meetings.forms import numbers
from meetings.letters import Letters
from meetings.routes.base import Errors, routes
from meetings.routes.planning import back_to_builder, build_page
from meetings.states import Role, Verb
from notify import addresses
from notify.routes import calendar_file


@routes.get("/meetings/<int:meeting_id>")
def meeting(tx: Tx, actor: Actor, meeting_id: int) -> str:
    """Facts, agenda, papers, people and conclusions; moves live."""
    return _meeting_page(tx, actor, meeting_id)


def _meeting_page(tx: Tx, actor: Actor, meeting_id: int, errors: Errors | None = None) -> str:
    page = queries.page(tx, actor, meeting_id)
    part = "meetings/_meeting.html" if request.args.get("fragment") else "meetings/meeting.html"
    typed = request.form if errors else {}
    return render_template(part, page=page, errors=errors or {}, typed=typed, Verb=Verb)


@routes.get("/meetings/<int:meeting_id>/calendar.ics")
def calendar(tx: Tx, actor: Actor, meeting_id: int) -> AnyResponse:
    """The meeting as a file for a calendar."""
    found = meeting_for(tx, actor, meeting_id)
    ics = Letters(tx, found).calendar_copy(actor.locale)
    return calendar_file(addresses.with_base(current_app.extensions["lienthong"].config, ics))


@routes.post("/meetings/<int:meeting_id>/answer")
def answer(tx: Tx, actor: Actor, meeting_id: int) -> Any:
    """A signed-in participant says whether they come."""
    try:
        answering.answer(tx, actor, meeting_id, Reply.of(request.form))
    except Invalid as error:
        return _meeting_page(tx, actor, meeting_id, error.fields), error.status
    return redirect(url_for("meetings.meeting", meeting_id=meeting_id), 303)


@routes.post("/meetings/<int:meeting_id>/people")
def add_people(tx: Tx, actor: Actor, meeting_id: int) -> Any:
    """Seat the chosen people."""
    role = request.form.get("role", "")
    try:
        chosen = numbers(request.form.getlist("person"))
        planning.add_people(tx, actor, meeting_id, chosen, Role(role) if role in set(Role) else Role.DELEGATE)
    except Invalid as error:
        return build_page(tx, actor, meeting_id, error.fields, "people"), error.status
    return back_to_builder(meeting_id, "people")


@routes.post("/meetings/<int:meeting_id>/people/<int:participant_id>/drop")
def drop_person(tx: Tx, actor: Actor, meeting_id: int, participant_id: int) -> Any:
    """Take somebody off the list."""
    try:
        convening.drop_person(tx, actor, meeting_id, participant_id)
    except Invalid as error:
        return build_page(tx, actor, meeting_id, error.fields, "people"), error.status
    return back_to_builder(meeting_id, "people")


@routes.post("/meetings/<int:meeting_id>/convene")
def convene(tx: Tx, actor: Actor, meeting_id: int) -> Any:
    """Send the invitations that were not sent yet."""
    try:
        convening.convene(tx, actor, meeting_id)
    except Invalid as error:
        return build_page(tx, actor, meeting_id, error.fields, "convene"), error.status
    return back_to_builder(meeting_id, "people")


@routes.post("/meetings/<int:meeting_id>/cancel")
def cancel(tx: Tx, actor: Actor, meeting_id: int) -> Any:
    """Call the meeting off."""
    try:
        convening.cancel(tx, actor, meeting_id, request.form.get("reason", ""))
    except Invalid as error:
        return build_page(tx, actor, meeting_id, error.fields, "cancel"), error.status
    return redirect(url_for("meetings.meeting", meeting_id=meeting_id), 303)
