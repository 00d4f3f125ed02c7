"""Endpoints of coming and going: the screen at the door with its code, the phone that scans it, who was there when."""

from datetime import datetime
from typing import Any

import segno
from flask import Response, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from meetings import attending, queries
from meetings.access import Right, own_place_for
from meetings.rooms import codes, presence
from meetings.rooms import entrance as entry
from meetings.routes.base import WALLS, routes
from meetings.routes.room import back_to_room
from meetings.states import Verb

HERE = "lt_here"
"""The cookie of a phone that scanned the code at a door."""


def _key() -> str:
    secret: str = current_app.extensions["lienthong"].config.signing_secret()
    return secret


@routes.open_get("/meetings/<int:meeting_id>/entrance", reason=WALLS)
def entrance(tx: Tx, actor: Actor | None, meeting_id: int) -> str:
    """The screen at the door; for the desk too, on a device of its own."""
    words = request.args.get("find", "")[:100]
    page = entry.entrance_page(tx, actor, meeting_id, words, request.args.get("came", type=int))
    return render_template("meetings/entrance.html", page=page, words=words, changes_at=codes.changes_at(clock.now()))


@routes.open_get("/meetings/<int:meeting_id>/entrance/code", reason=WALLS)
def entrance_code(tx: Tx, actor: Actor | None, meeting_id: int) -> Response:
    """The code of this minute as a picture, for the screens of the meeting and its desk."""
    entry.must_show_code(tx, actor, meeting_id)
    now = clock.now()
    address = _scanned_at(meeting_id, now)
    svg = segno.make(address, error="m", micro=False).svg_inline(scale=8, border=3, dark="#16202B", light="#ffffff")
    response = Response(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1), mimetype="image/svg+xml")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Changes-In"] = str(round((codes.changes_at(now) - now).total_seconds() * 1000))
    return response


def _scanned_at(meeting_id: int, now: datetime) -> str:
    base: str = current_app.extensions["lienthong"].config.base_url
    code = codes.code_at(_key(), meeting_id, now)
    return base.rstrip("/") + url_for("meetings.scanned", meeting_id=meeting_id, code=code)


@routes.open_post("/meetings/<int:meeting_id>/entrance/people/<int:participant_id>", reason=WALLS)
def check_in_at_entrance(tx: Tx, actor: Actor | None, meeting_id: int, participant_id: int) -> AnyResponse:
    """Somebody found their name at the door and pressed."""
    entry.check_in_at_entrance(tx, actor, meeting_id, participant_id)
    return redirect(url_for("meetings.entrance", meeting_id=meeting_id, came=participant_id), 303)


@routes.open_get(
    "/here/<int:meeting_id>/<code>", reason="a phone has scanned the code at a door; the pass it gets needs a sign-in"
)
def scanned(tx: Tx, actor: Actor | None, meeting_id: int, code: str) -> AnyResponse | tuple[str, int]:
    """The phone scanned in time: it gets a pass and goes on to its sign-in. Says nothing about the meeting, not even
    whether there is one."""
    now = clock.now()
    if not codes.is_code(_key(), meeting_id, code, now):
        return render_template("meetings/here.html", page=None, is_late=True, own=None), 404
    response = redirect(url_for("meetings.here", meeting_id=meeting_id))
    secure = current_app.extensions["lienthong"].config.base_url.startswith("https:")
    kept = codes.pass_for(_key(), meeting_id, now)
    seconds = int(codes.PASS_TIME.total_seconds())
    response.set_cookie(HERE, kept, max_age=seconds, httponly=True, samesite="Lax", secure=secure)
    return response


@routes.get("/meetings/<int:meeting_id>/here")
def here(tx: Tx, actor: Actor, meeting_id: int) -> str:
    """One button: I am here."""
    return _here_page(tx, actor, meeting_id, is_late=not _has_pass(meeting_id))


def _here_page(tx: Tx, actor: Actor, meeting_id: int, is_late: bool) -> str:
    page = queries.page(tx, actor, meeting_id)
    own = page.person(page.me.id) if page.me is not None else None
    return render_template("meetings/here.html", page=page, is_late=is_late, own=own, Verb=Verb)


@routes.post("/meetings/<int:meeting_id>/here")
def come(tx: Tx, actor: Actor, meeting_id: int) -> Any:
    """I am here, at the door whose code I scanned."""
    own_place_for(tx, actor, meeting_id)
    if not _has_pass(meeting_id):
        return _here_page(tx, actor, meeting_id, is_late=True), 409
    attending.check_in(tx, actor, meeting_id, at_entrance=True)
    return redirect(url_for("meetings.here", meeting_id=meeting_id), 303)


def _has_pass(meeting_id: int) -> bool:
    return codes.is_pass(_key(), meeting_id, request.cookies.get(HERE, ""), clock.now())


@routes.post("/meetings/<int:meeting_id>/leave")
def leave(tx: Tx, actor: Actor, meeting_id: int) -> AnyResponse:
    """I am leaving before the end."""
    return back_to_room(meeting_id, {"rev": attending.leave(tx, actor, meeting_id).rev})


@routes.post("/meetings/<int:meeting_id>/people/<int:participant_id>/leave")
def leave_for(tx: Tx, actor: Actor, meeting_id: int, participant_id: int) -> AnyResponse:
    """The desk notes that somebody left."""
    return back_to_room(meeting_id, {"rev": attending.leave_for(tx, actor, meeting_id, participant_id).rev})


@routes.post("/meetings/<int:meeting_id>/at-entrance")
def set_at_entrance(tx: Tx, actor: Actor, meeting_id: int) -> AnyResponse:
    """Whether people check in at the door only."""
    meeting = attending.set_at_entrance(tx, actor, meeting_id, "only" in request.form)
    return back_to_room(meeting_id, {"rev": meeting.rev})


@routes.get("/meetings/<int:meeting_id>/attendance")
def attendance(tx: Tx, actor: Actor, meeting_id: int) -> str:
    """Who came when, who came late, who left early; for the desk."""
    page = queries.page(tx, actor, meeting_id, Right.DESK)
    return render_template("meetings/attendance.html", page=page, record=presence.presence_of(tx, page))
