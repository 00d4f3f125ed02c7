"""Endpoints of votes: preparing, voting, counting; each also without scripts."""

from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from directory.actor import Actor
from kernel.db import Tx
from kernel.errors import Invalid
from kernel.forms import fresh_number
from meetings import queries
from meetings.access import meeting_for
from meetings.forms import number, numbers
from meetings.routes.base import Errors, answered, command_id, routes, wants_json
from meetings.routes.room import back_to_room
from meetings.voting import deciding
from meetings.voting import queries as voting
from meetings.voting.forms import VoteForm
from meetings.voting.preparing import prepare
from meetings.voting.secret_queries import secret_view


@routes.get("/meetings/<int:meeting_id>/votes")
def votes(tx: Tx, actor: Actor, meeting_id: int) -> str:
    """The votes of a meeting; for the desk with the form that prepares one."""
    return votes_page(tx, actor, meeting_id, VoteForm())


def votes_page(tx: Tx, actor: Actor, meeting_id: int, form: VoteForm, errors: Errors | None = None) -> str:
    """The page of all votes, with what was typed and refused."""
    page = queries.page(tx, actor, meeting_id)
    current = page.current.id if page.current else None
    return render_template(
        "meetings/voting/votes.html",
        page=page,
        form=form,
        errors=errors or {},
        number=request.form.get("command_id") or fresh_number(),
        chosen_item=number(form.item.data) if errors else current,
    )


@routes.post("/meetings/<int:meeting_id>/votes")
def prepare_vote(tx: Tx, actor: Actor, meeting_id: int) -> Any:
    """Write a vote down; with `open` it begins in the same press."""
    form = VoteForm(request.form)
    try:
        answer = prepare(tx, actor, meeting_id, form.facts(), command_id=command_id())
        if request.form.get("open"):
            deciding.open_prepared(tx, actor, meeting_id, answer["vote"])
    except Invalid as error:
        if wants_json():
            raise
        return votes_page(tx, actor, meeting_id, form, error.fields), error.status
    return back_to_vote(meeting_id, answer["vote"], answer)


@routes.get("/meetings/<int:meeting_id>/votes/<int:vote_id>")
def vote(tx: Tx, actor: Actor, meeting_id: int, vote_id: int) -> str:
    """One vote: the ballot, who has voted, the result."""
    return vote_page(tx, actor, meeting_id, vote_id)


def vote_page(tx: Tx, actor: Actor, meeting_id: int, vote_id: int, errors: Errors | None = None) -> str:
    """The page of a vote, with what was refused."""
    page = queries.page(tx, actor, meeting_id)
    meeting = meeting_for(tx, actor, meeting_id)
    shown = voting.vote_view(tx, actor, meeting, vote_id)
    secret = secret_view(tx, actor, meeting, vote_id)
    return render_template(
        "meetings/voting/vote.html", page=page, vote=shown, secret=secret, errors=errors or {}, number=fresh_number()
    )


def back_to_vote(meeting_id: int, vote_id: int, data: dict[str, Any]) -> AnyResponse:
    """Back to where the act was sent from; by itself that is the page of the vote."""
    if request.form.get("from"):
        return back_to_room(meeting_id, data)
    return answered(redirect(url_for("meetings.vote", meeting_id=meeting_id, vote_id=vote_id), 303), data)


@routes.post("/meetings/<int:meeting_id>/votes/<int:vote_id>/open")
def open_vote(tx: Tx, actor: Actor, meeting_id: int, vote_id: int) -> AnyResponse:
    """Let everybody vote."""
    return back_to_vote(meeting_id, vote_id, {"rev": deciding.open_vote(tx, actor, meeting_id, vote_id).rev})


@routes.post("/meetings/<int:meeting_id>/votes/<int:vote_id>/ballot")
def cast_vote(tx: Tx, actor: Actor, meeting_id: int, vote_id: int) -> Any:
    """My vote; or, with `participant`, one that the desk writes down."""
    choices, other = numbers(request.form.getlist("choice")), number(request.form.get("participant"))
    try:
        if other is None:
            answer = deciding.cast(tx, actor, meeting_id, vote_id, choices, command_id=command_id())
        else:
            answer = deciding.cast_for(tx, actor, meeting_id, vote_id, other, choices)
    except Invalid as error:
        if wants_json():
            raise
        return vote_page(tx, actor, meeting_id, vote_id, error.fields), error.status
    return back_to_vote(meeting_id, vote_id, answer)


@routes.post("/meetings/<int:meeting_id>/votes/<int:vote_id>/close")
def close_vote(tx: Tx, actor: Actor, meeting_id: int, vote_id: int) -> AnyResponse:
    """No more ballots."""
    return back_to_vote(meeting_id, vote_id, {"rev": deciding.close_vote(tx, actor, meeting_id, vote_id).rev})


@routes.post("/meetings/<int:meeting_id>/votes/<int:vote_id>/announce")
def announce_vote(tx: Tx, actor: Actor, meeting_id: int, vote_id: int) -> AnyResponse:
    """The result on all screens."""
    return back_to_vote(meeting_id, vote_id, {"rev": deciding.announce(tx, actor, meeting_id, vote_id).rev})


@routes.post("/meetings/<int:meeting_id>/votes/<int:vote_id>/cancel")
def cancel_vote(tx: Tx, actor: Actor, meeting_id: int, vote_id: int) -> AnyResponse:
    """Drop the vote."""
    return back_to_vote(meeting_id, vote_id, {"rev": deciding.cancel(tx, actor, meeting_id, vote_id).rev})
