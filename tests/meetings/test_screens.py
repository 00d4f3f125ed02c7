"""What a browser on the wall is answered: never sent in circles, paired anew whatever its meeting became."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from kernel import clock
from kernel.db import Database
from kernel.errors import Invalid
from meetings import convening, holding, walls
from tests.cast import Cast
from tests.meetings import stage as at
from tests.meetings.stage import Stage
from tests.web.people import sign_in

DAY = timedelta(days=1)


def pair(db: Database, cast: Cast, screen: FlaskClient, stage: Stage) -> None:
    """The screen shows a code, and Thư enters it."""
    screen.application.config["WTF_CSRF_ENABLED"] = False
    assert screen.post("/wall").location == "/wall"
    shown = re.search(r'wall-code"[^>]*>([^<]+)<', screen.get("/wall").text)
    assert shown is not None
    with db.write(cast.thu.by) as tx:
        walls.pair(tx, cast.thu, stage.id, shown[1])


def wall_of(stage: Stage) -> str:
    return f"/meetings/{stage.id}/wall"


def shown_by(screen: FlaskClient, path: str = "/wall") -> tuple[str, str]:
    """Where a browser ends that goes where it is sent, and what it reads there; the client refuses to go in circles."""
    answer = screen.get(path, follow_redirects=True)
    assert answer.status_code == 200
    return answer.request.path, answer.text


def cancelled(db: Database, cast: Cast, stage: Stage) -> None:
    with db.write(cast.thu.by) as tx:
        convening.cancel(tx, cast.thu, stage.id, "Chủ trì đi công tác")


def closed(db: Database, cast: Cast, stage: Stage) -> None:
    with db.write(cast.binh.by) as tx:
        holding.open_meeting(tx, cast.binh, stage.id)
    with db.write(cast.binh.by) as tx:
        holding.close(tx, cast.binh, stage.id)


@contextmanager
def after_its_end(db: Database, stage: Stage, late: timedelta) -> Iterator[None]:
    with clock.frozen(at.meeting(db, stage).ends_at + late):
        yield


def test_the_screen_of_a_cancelled_meeting_shows_the_form_and_is_paired_anew(
    app: Flask, db: Database, cast: Cast
) -> None:
    stage, other = at.convened(db, cast), at.convened(db, cast)
    screen = app.test_client()
    pair(db, cast, screen, stage)
    assert shown_by(screen)[0] == wall_of(stage)
    cancelled(db, cast, stage)
    for path in ("/wall", wall_of(stage)):
        where, page = shown_by(screen, path)
        assert (where, 'id="show-code"' in page) == ("/wall", True)
    pair(db, cast, screen, other)
    assert shown_by(screen)[0] == wall_of(other)


def test_the_screen_of_a_meeting_that_was_closed_long_ago_shows_the_form_and_is_paired_anew(
    app: Flask, db: Database, cast: Cast
) -> None:
    stage, other = at.convened(db, cast), at.convened(db, cast)
    screen = app.test_client()
    pair(db, cast, screen, stage)
    closed(db, cast, stage)
    with after_its_end(db, stage, DAY):
        assert shown_by(screen)[0] == wall_of(stage)
    with after_its_end(db, stage, DAY + timedelta(seconds=1)):
        for path in ("/wall", wall_of(stage)):
            where, page = shown_by(screen, path)
            assert (where, 'id="show-code"' in page) == ("/wall", True)
        pair(db, cast, screen, other)
        assert shown_by(screen)[0] == wall_of(other)


def test_a_screen_on_which_a_stranger_is_signed_in_says_so_and_keeps_its_meeting_until_they_leave(
    app: Flask, db: Database, cast: Cast
) -> None:
    stage = at.convened(db, cast)
    screen = sign_in(app, "oanh")
    pair(db, cast, screen, stage)
    for path in ("/wall", wall_of(stage)):
        where, page = shown_by(screen, path)
        assert where == "/wall"
        assert cast.oanh.name in page
        assert 'action="/sign-out"' in page
        assert 'action="/wall"' in page
        assert 'id="show-code"' not in page, "the script would throw the pairing away"
    screen.post("/sign-out")
    assert shown_by(screen)[0] == wall_of(stage)


def test_a_screen_on_which_a_participant_is_signed_in_follows(app: Flask, db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    for who in ("lan", "thu"):
        screen = sign_in(app, who)
        pair(db, cast, screen, stage)
        assert shown_by(screen)[0] == wall_of(stage)


def test_no_screen_is_paired_with_a_meeting_that_it_may_not_follow(app: Flask, db: Database, cast: Cast) -> None:
    draft, off, over = at.planned(db, cast), at.convened(db, cast), at.convened(db, cast)
    cancelled(db, cast, off)
    closed(db, cast, over)
    screen = app.test_client()
    with after_its_end(db, over, 2 * DAY):
        for stage in (draft, off, over):
            with pytest.raises(Invalid) as refusal:
                pair(db, cast, screen, stage)
            assert list(refusal.value.fields) == ["code"]
            assert "wall-code" in shown_by(screen)[1]
