"""The list of meetings and the endpoints of each agree, whoever looks."""

import re

import pytest
from flask import Flask

from directory.actor import Actor
from kernel.db import Database
from meetings import convening, holding, planning, queries
from tests.cast import Cast
from tests.meetings import stage as at
from tests.web.people import sign_in

#: One for each role, inside and outside the agency, with and without a place in the meetings.
EVERYBODY = ["ha", "binh", "thu", "son", "yen", "quantri", "lan", "nam", "dung", "phuc", "oanh", "hanh"]


@pytest.fixture
def stages(db: Database, cast: Cast) -> dict[str, int]:
    """A meeting of Thư's in each state, and a draft of Sơn's, the office chief."""
    made = {"draft": at.planned(db, cast), "convened": at.convened(db, cast), "open": at.opened(db, cast)}
    made |= {"paused": at.opened(db, cast), "closed": at.opened(db, cast), "cancelled": at.convened(db, cast)}
    with db.write(cast.binh.by) as tx:
        holding.pause(tx, cast.binh, made["paused"].id)
    with db.write(cast.binh.by) as tx:
        holding.close(tx, cast.binh, made["closed"].id)
    with db.write(cast.thu.by) as tx:
        convening.cancel(tx, cast.thu, made["cancelled"].id, "Chủ trì đi công tác")
    with db.write(cast.son.by) as tx:
        own = planning.plan(tx, cast.son, at.facts(cast)).id
    return {name: stage.id for name, stage in made.items()} | {"son": own}


def test_the_day_of_a_meeting_is_said_in_the_language_of_the_page(app: Flask, stages: dict[str, int]) -> None:
    lan = sign_in(app, "lan")
    assert re.search(r"\d\d:\d\d–\d\d:\d\d (Thứ|Chủ)", lan.get("/").text)
    lan.set_cookie("lt_locale", "en")
    assert re.search(r"\d\d:\d\d–\d\d:\d\d [A-Z][a-z]+day", lan.get("/").text)


def listed(db: Database, actor: Actor) -> set[int]:
    with db.read() as tx:
        lists = queries.my_meetings(tx, actor)
    return {row.id for row in (*lists.running, *lists.to_answer, *lists.upcoming, *lists.drafts, *lists.past)}


@pytest.mark.usefixtures("stages")
def test_every_link_of_the_list_opens_for_whom_it_is_shown(app: Flask) -> None:
    for who in EVERYBODY:
        browser = sign_in(app, who)
        page = browser.get("/meetings").text
        for path in set(re.findall(r'href="(/meetings/[^"#]+)', page)):
            assert browser.get(path).status_code == 200, f"{who}: {path}"


def test_what_is_not_on_the_list_is_not_found(app: Flask, db: Database, cast: Cast, stages: dict[str, int]) -> None:
    for who in EVERYBODY:
        browser = sign_in(app, who)
        seen = listed(db, getattr(cast, {"quantri": "admin"}.get(who, who)))
        for name, meeting_id in stages.items():
            wanted = 200 if meeting_id in seen else 404
            assert browser.get(f"/meetings/{meeting_id}").status_code == wanted, f"{who}: {name}"


def test_the_secretary_has_the_meetings_of_the_agency_and_the_office_chief_their_own(
    db: Database, cast: Cast, stages: dict[str, int]
) -> None:
    assert listed(db, cast.thu) == set(stages.values())
    assert listed(db, cast.son) == {stages["son"]}
    assert listed(db, cast.lan) == set(stages.values()) - {stages["draft"], stages["son"]}
    assert listed(db, cast.ha) == set()
