"""How many must be here: the rule of a meeting, as a function and as the desk sets it."""

import pytest
from flask import Flask

from kernel.db import Database
from kernel.errors import Forbidden, Invalid, WrongState
from meetings import attending, holding, queries, snapshots
from meetings.quorum import Quorum, QuorumRule, count
from tests.cast import Cast
from tests.meetings import stage as at
from tests.web.people import sign_in


@pytest.mark.parametrize(
    ("rule", "number", "invited", "needed"),
    [
        ("none", 0, 18, 0),
        ("half", 0, 18, 10),
        ("half", 0, 17, 9),
        ("half", 0, 0, 1),
        ("two_thirds", 0, 18, 12),
        ("two_thirds", 0, 19, 13),
        ("two_thirds", 0, 0, 0),
        ("number", 5, 18, 5),
    ],
)
def test_so_many_are_needed_and_one_less_is_too_few(rule: str, number: int, invited: int, needed: int) -> None:
    asked = Quorum(QuorumRule(rule), number, needed, invited)
    assert (asked.needed, asked.reached) == (needed, True)
    if needed:
        assert not Quorum(QuorumRule(rule), number, needed - 1, invited).reached


def test_only_chair_and_delegates_count() -> None:
    people = [("chair", True), ("secretary", True), ("delegate", False), ("guest", True)]
    assert count("half", 0, people) == Quorum(QuorumRule.HALF, 0, 1, 2)


def test_the_desk_sets_the_rule_until_the_meeting_is_over(db: Database, cast: Cast) -> None:
    stage = at.opened(db, cast)
    with db.write() as tx:
        attending.set_quorum(tx, cast.thu, stage.id, "number", 1)
        attending.check_in(tx, cast.lan, stage.id)
    with db.read() as tx:
        shown = queries.page(tx, cast.lan, stage.id).quorum
        meeting = snapshots.snapshot(tx, cast.lan, stage.id).state.meeting
    assert (shown.needed, shown.reached) == (1, True)
    assert (meeting.quorum_rule, meeting.quorum_number) == ("number", 1)
    with pytest.raises(Forbidden), db.write() as tx:
        attending.set_quorum(tx, cast.lan, stage.id, "none")
    for rule, number in (("all", None), ("number", None), ("number", 0), ("number", 10_001)):
        with pytest.raises(Invalid), db.write() as tx:
            attending.set_quorum(tx, cast.thu, stage.id, rule, number)
    with db.write() as tx:
        holding.close(tx, cast.binh, stage.id)
    with pytest.raises(WrongState), db.write() as tx:
        attending.set_quorum(tx, cast.thu, stage.id, "none")


def test_the_plain_page_warns_before_opening_and_keeps_what_was_typed(app: Flask, db: Database, cast: Cast) -> None:
    stage = at.convened(db, cast)
    thu = sign_in(app, "thu")
    assert "Mới có mặt 0/4, cần 3 người" in thu.get(f"/meetings/{stage.id}/plain").text
    form = {"quorum_rule": "number", "quorum_number": "0", "from": "plain"}
    refused = thu.post(f"/meetings/{stage.id}/quorum", data=form)
    assert refused.status_code == 422
    assert "Xin nhập số người phải có mặt" in refused.text
    assert '<option value="number" selected>' in refused.text
    done = thu.post(f"/meetings/{stage.id}/quorum", data={**form, "quorum_rule": "none"}, follow_redirects=True)
    assert "Mới có mặt" not in done.text
