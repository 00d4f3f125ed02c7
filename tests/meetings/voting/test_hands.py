"""A show of hands: open at once, seconds long, counted before everybody's eyes, and not binding."""

from datetime import timedelta

import pytest

from kernel import clock
from kernel.db import Database
from kernel.errors import WrongState
from meetings import snapshots
from meetings.voting import deciding, queries
from meetings.voting.states import VoteKind, VoteState
from tests.cast import Cast
from tests.meetings import stage as at
from tests.meetings.voting.scene import choose, in_session, row, running


def test_hands_are_counted_while_they_are_raised_and_who_is_silent_is_known(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    vote_id = running(db, cast, stage, kind=VoteKind.HANDS, question="Nghỉ 15 phút?")
    choose(db, cast, stage, vote_id, lan=0, nam=1)
    with db.read() as tx:
        roll = snapshots.snapshot(tx, cast.dung, stage.id).state.rolls[str(vote_id)]
    assert roll.hands == (1, 1)
    assert set(roll.voters) - set(roll.voted) == {stage.people["binh"], stage.people["dung"]}
    with db.write(cast.thu.by) as tx:
        deciding.close_vote(tx, cast.thu, stage.id, vote_id)
    with db.read() as tx:
        view = queries.vote_view(tx, cast.lan, at.meeting(db, stage), vote_id)
        state = snapshots.snapshot(tx, cast.dung, stage.id).state
    assert (view.state, [line.votes for line in view.lines]) == (VoteState.ANNOUNCED, [1, 1])
    assert {voter.choice for voter in view.voters} == {""}
    assert state.rolls == {}


def test_a_hand_after_the_time_is_refused_and_the_next_vote_ends_it(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    vote_id = running(db, cast, stage, kind=VoteKind.HANDS, seconds=15)
    ends_at = row(db, vote_id).ends_at
    assert ends_at is not None
    with clock.frozen(ends_at + timedelta(seconds=1)):  # on its way when the time ended
        choose(db, cast, stage, vote_id, lan=0)
    with clock.frozen(ends_at + timedelta(seconds=5)):
        with pytest.raises(WrongState):
            choose(db, cast, stage, vote_id, nam=0)
        running(db, cast, stage)
    assert row(db, vote_id).result == {"ballots": 1, "present": 4, "counts": [1, 0], "carried": []}
