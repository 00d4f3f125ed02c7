"""Endpoints of the screens on the wall: showing a code, pairing it with a meeting."""

from typing import Any

from flask import current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from directory.actor import Actor
from kernel.db import Tx
from kernel.errors import Invalid
from meetings import walls
from meetings.pages import ScreenView
from meetings.routes.base import routes
from meetings.routes.planning import back_to_builder, build_page


@routes.open_get("/wall", reason="a screen without a person shows the code with which it is paired")
def screen(tx: Tx, actor: Actor | None) -> Any:
    """What a screen on the wall opens: its meeting while it may follow it, else the way to a code."""
    pairing = walls.pairing_of(tx, request.cookies.get(walls.COOKIE))
    followed = walls.followed_by(tx, actor, pairing)
    if followed is not None:
        at_entrance = pairing is not None and pairing.kind == walls.ENTRANCE
        return redirect(url_for("meetings.entrance" if at_entrance else "meetings.wall", meeting_id=followed))
    return render_template("meetings/screen.html", pairing=ScreenView.of(pairing))


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
        walls.pair(tx, actor, meeting_id, request.form.get("code", ""), request.form.get("kind", ""))
    except Invalid as error:
        return build_page(tx, actor, meeting_id, error.fields, "wall"), error.status
    return back_to_builder(meeting_id, "walls")


@routes.post("/meetings/<int:meeting_id>/walls/<int:wall_id>/drop")
def unpair_wall(tx: Tx, actor: Actor, meeting_id: int, wall_id: int) -> AnyResponse:
    """Take the meeting off a screen."""
    walls.unpair(tx, actor, meeting_id, wall_id)
    return back_to_builder(meeting_id, "walls")
