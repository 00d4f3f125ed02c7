"""Screens on the wall, and who may follow which stream."""

from datetime import timedelta

import pytest

from kernel import clock
from kernel.db import Database
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.streams import may_join, snapshot_url
from meetings import convening, queries, snapshots, walls
from meetings.access import Right
from tests.cast import Cast
from tests.meetings import stage as at


def test_a_paired_wall_follows_its_meeting_and_nothing_else(db: Database, cast: Cast) -> None:
    stage, other = at.convened(db, cast), at.convened(db, cast)
    with db.write() as tx:
        screen = walls.show_code(tx)
        assert walls.actor_for_wall(tx, screen.token) is None
    with db.write() as tx:
        walls.pair(tx, cast.thu, stage.id, f" {screen.code[:3].lower()}-{screen.code[3:]} ")
    with db.read() as tx:
        wall = walls.actor_for_wall(tx, screen.token)
        assert may_join(tx, wall, f"meeting:{stage.id}")
        assert not may_join(tx, wall, f"meeting:{stage.id}/desk")
        assert not may_join(tx, wall, f"meeting:{other.id}")
        assert queries.page(tx, wall, stage.id, Right.FOLLOW).meeting.id == stage.id
        assert snapshots.snapshot(tx, wall, stage.id).state.answers == {}
        with pytest.raises(NotFound):
            queries.page(tx, wall, other.id)
        assert walls.actor_for_wall(tx, "another") is None
        assert walls.actor_for_wall(tx, None) is None


def test_a_code_works_once_and_not_for_long(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    with db.write() as tx:
        screen, late = walls.show_code(tx), walls.show_code(tx)
    with db.write() as tx:
        walls.pair(tx, cast.thu, stage.id, screen.code)
    for code in (screen.code, "", "ZZZZZZ", "🤔" * 500):
        with pytest.raises(Invalid), db.write() as tx:
            walls.pair(tx, cast.thu, stage.id, code)
    with clock.frozen(clock.now() + timedelta(minutes=16)), pytest.raises(Invalid), db.write() as tx:
        walls.pair(tx, cast.thu, stage.id, late.code)


def test_only_the_desk_pairs_and_unpairs(db: Database, cast: Cast) -> None:
    stage, other = at.convened(db, cast), at.convened(db, cast)
    with db.write() as tx:
        screen = walls.show_code(tx)
    with pytest.raises(Forbidden), db.write() as tx:
        walls.pair(tx, cast.lan, stage.id, screen.code)
    with db.write() as tx:
        wall = walls.pair(tx, cast.thu, stage.id, screen.code)
    with pytest.raises(NotFound), db.write() as tx:
        walls.unpair(tx, cast.thu, other.id, wall.id)
    with db.write() as tx:
        walls.unpair(tx, cast.thu, stage.id, wall.id)
    with db.read() as tx:
        assert walls.actor_for_wall(tx, screen.token) is None


def test_streams_have_their_audiences(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    whole, desk = f"meeting:{stage.id}", f"meeting:{stage.id}/desk"
    wanted = {"binh": {whole, desk}, "thu": {whole, desk}, "lan": {whole}, "nam": {whole}, "oanh": set()}
    with db.read() as tx:
        for who, audience in wanted.items():
            actor = getattr(cast, who)
            assert {n for n in (whole, desk, f"{whole}/secret") if may_join(tx, actor, n)} == audience, who
        assert not may_join(tx, None, whole)


def test_unknown_streams_have_no_audience(db: Database, cast: Cast) -> None:
    with db.read() as tx:
        for name in ("meeting:", "meeting:x", "meeting:-1", "meeting:999999", "meeting:" + "9" * 40, "meeting:٣"):
            assert not may_join(tx, cast.binh, name)


def test_who_is_taken_off_the_list_is_no_audience_any_more(db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    with db.write() as tx:
        convening.drop_person(tx, cast.thu, stage.id, stage.people["lan"])
    with db.read() as tx:
        assert not may_join(tx, cast.lan, f"meeting:{stage.id}")
        assert snapshot_url(f"meeting:{stage.id}/desk") == f"/meetings/{stage.id}/snapshot"
