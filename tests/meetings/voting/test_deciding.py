"""Votes by name: who may, when, how often, and what comes out; double votes, late votes, two at the desk at once."""

from typing import Any

import pytest
import sqlalchemy as sa

from kernel.db import Database
from kernel.errors import Conflict, Forbidden, Invalid, NotFound, WrongState
from kernel.streams import Event, between, heads
from meetings import answering, attending, audiences, convening, holding
from meetings.answering import Reply
from meetings.audiences import AudienceFacts
from meetings.quorum import QuorumRule
from meetings.states import Answer, Audience
from meetings.streams import room
from meetings.voting import deciding, preparing, queries
from meetings.voting.models import Voter
from meetings.voting.preparing import VoteFacts
from meetings.voting.states import Majority, VoteState
from tests.cast import Cast
from tests.meetings import stage as at
from tests.meetings.voting.scene import choose, finish, in_session, prepared, row, running

pytestmark = pytest.mark.both_databases


def ballots(db: Database, vote_id: int) -> dict[str, Any]:
    with db.read() as tx:
        return {v.name: v.choices for v in tx.session.scalars(sa.select(Voter).where(Voter.vote_id == vote_id))}


def told(db: Database, stage: at.Stage) -> list[Event]:
    with db.read() as tx:
        name = room(stage.id)
        return list(between(tx, name, 0, heads(tx, [name])[name]))


def test_a_vote_is_prepared_opened_cast_closed_and_announced(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    vote_id = running(db, cast, stage)
    choose(db, cast, stage, vote_id, binh=0, lan=0, nam=1, dung=0)
    vote = finish(db, cast, stage, vote_id)
    assert vote.state == VoteState.ANNOUNCED
    assert vote.result == {"ballots": 4, "present": 4, "counts": [3, 1, 0], "carried": [0]}
    with db.read() as tx:
        view = queries.vote_view(tx, cast.lan, at.meeting(db, stage), vote_id)
    assert view.outcome is not None
    assert view.outcome.vi == "Được thông qua với 3/4 phiếu tán thành."
    assert {v.name: v.choice for v in view.voters}[cast.nam.name] == "Không tán thành"


def test_one_person_has_one_vote_and_the_last_choice_before_closing_counts(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    vote_id = running(db, cast, stage)
    choose(db, cast, stage, vote_id, lan=1)
    choose(db, cast, stage, vote_id, lan=0)
    assert ballots(db, vote_id)[cast.lan.name] == [0]
    assert finish(db, cast, stage, vote_id).result == {
        "ballots": 1,
        "present": 4,
        "counts": [1, 0, 0],
        "carried": [],
    }


def test_a_ballot_that_is_sent_again_late_does_not_overwrite_a_newer_one(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    vote_id = running(db, cast, stage)
    for command, choice in (("c-1", 0), ("c-2", 1), ("c-1", 0)):
        with db.write(cast.lan.by) as tx:
            deciding.cast(tx, cast.lan, stage.id, vote_id, [choice], command_id=command)
    assert ballots(db, vote_id)[cast.lan.name] == [1]
    with pytest.raises(Conflict), db.write(cast.nam.by) as tx:
        deciding.cast(tx, cast.nam, stage.id, vote_id, [0], command_id="c-1")


def test_a_vote_after_closing_is_refused_and_changes_nothing(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    vote_id = running(db, cast, stage)
    with db.write(cast.thu.by) as tx:
        deciding.close_vote(tx, cast.thu, stage.id, vote_id)
    with pytest.raises(WrongState), db.write(cast.lan.by) as tx:
        deciding.cast(tx, cast.lan, stage.id, vote_id, [0])
    assert ballots(db, vote_id)[cast.lan.name] is None


def test_two_at_the_desk_who_press_at_once_do_it_once(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    vote_id = running(db, cast, stage)
    with pytest.raises(WrongState), db.write(cast.binh.by) as tx:
        deciding.open_vote(tx, cast.binh, stage.id, vote_id)
    finish(db, cast, stage, vote_id)
    with pytest.raises(WrongState), db.write(cast.thu.by) as tx:
        deciding.announce(tx, cast.thu, stage.id, vote_id)
    with db.read() as tx:
        assert tx.session.scalar(sa.select(sa.func.count()).select_from(Voter)) == 4


def test_without_a_quorum_no_vote_opens(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast, ["binh", "lan"])  # two of four are not more than half
    vote_id = prepared(db, cast, stage)
    with pytest.raises(WrongState, match="2/4"), db.write(cast.thu.by) as tx:
        deciding.open_vote(tx, cast.thu, stage.id, vote_id)
    free = prepared(db, cast, stage, quorum=QuorumRule.NONE)
    with db.write(cast.thu.by) as tx:
        deciding.open_vote(tx, cast.thu, stage.id, free)


def test_one_vote_runs_at_a_time(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    running(db, cast, stage)
    other = prepared(db, cast, stage, question="Việc khác")
    with pytest.raises(WrongState), db.write(cast.thu.by) as tx:
        deciding.open_vote(tx, cast.thu, stage.id, other)


def test_guests_strangers_absent_and_the_secretary_do_not_vote(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast, ["binh", "lan", "nam", "phuc", "thu"])
    vote_id = running(db, cast, stage)
    for name, refusal in (("phuc", Forbidden), ("thu", Forbidden), ("dung", Forbidden), ("ha", NotFound)):
        actor = getattr(cast, name)
        with pytest.raises(refusal), db.write(actor.by) as tx:
            deciding.cast(tx, actor, stage.id, vote_id, [0])
    assert set(ballots(db, vote_id)) == {cast.binh.name, cast.lan.name, cast.nam.name}


@pytest.mark.parametrize("allowed", [False, True])
def test_a_substitute_votes_only_where_the_vote_allows_it(db: Database, cast: Cast, allowed: bool) -> None:
    stage = in_session(db, cast)
    with db.write(cast.dung.by) as tx:
        answering.answer(tx, cast.dung, stage.id, Reply(Answer.SUBSTITUTE, "", "Trần Văn Ví", "Chuyên viên", ""))
    vote_id = running(db, cast, stage, with_substitutes=allowed)
    assert (cast.dung.name in ballots(db, vote_id)) is allowed
    assert row(db, vote_id).members == 4


def test_the_desk_writes_down_a_vote_and_the_record_says_so(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    vote_id = running(db, cast, stage)
    with db.write(cast.thu.by) as tx:
        deciding.cast_for(tx, cast.thu, stage.id, vote_id, stage.people["nam"], [1])
    with pytest.raises(Forbidden), db.write(cast.lan.by) as tx:
        deciding.cast_for(tx, cast.lan, stage.id, vote_id, stage.people["nam"], [0])
    finish(db, cast, stage, vote_id)
    with db.read() as tx:
        view = queries.vote_view(tx, cast.lan, at.meeting(db, stage), vote_id)
    assert [(v.name, v.choice) for v in view.voters if v.written_by_desk] == [(cast.nam.name, "Không tán thành")]


def test_nobody_reads_a_choice_or_a_count_before_it_is_announced(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    vote_id = running(db, cast, stage)
    choose(db, cast, stage, vote_id, lan=1, nam=0)
    with db.write(cast.thu.by) as tx:
        deciding.close_vote(tx, cast.thu, stage.id, vote_id)
    for event in told(db, stage):
        assert event.data.get("result") is None
        assert not event.data.get("hands")
    with db.read() as tx:
        view = queries.vote_view(tx, cast.lan, at.meeting(db, stage), vote_id)
        desk = queries.vote_view(tx, cast.thu, at.meeting(db, stage), vote_id)
    assert view.lines == []
    assert {v.choice for v in view.voters} == {""}
    assert [line.votes for line in desk.lines] == [1, 1, 0]


def test_a_list_elects_the_strongest_and_leaves_out_equals_at_the_edge(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    names = ("An", "Bảo", "Chi")
    vote_id = running(db, cast, stage, options=names, most=2, majority=Majority.MOST)
    choose(db, cast, stage, vote_id, binh=(0, 1), lan=(0, 2), nam=0, dung=0)
    assert finish(db, cast, stage, vote_id).result == {
        "ballots": 4,
        "present": 4,
        "counts": [4, 1, 1],
        "carried": [0],
    }
    with pytest.raises(Invalid), db.write() as tx:
        preparing.prepare(tx, cast.thu, stage.id, VoteFacts("?", options=("An", "an")))


@pytest.mark.parametrize("choices", [[], [3], [-1], [0, 1]])
def test_a_ballot_that_is_none_is_refused(db: Database, cast: Cast, choices: list[int]) -> None:
    stage = in_session(db, cast)
    vote_id = running(db, cast, stage)
    with pytest.raises(Invalid), db.write(cast.lan.by) as tx:
        deciding.cast(tx, cast.lan, stage.id, vote_id, choices)


def test_who_leaves_the_list_of_the_meeting_keeps_the_vote_that_was_cast(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    vote_id = running(db, cast, stage)
    choose(db, cast, stage, vote_id, nam=0)
    with db.write(cast.thu.by) as tx:
        attending.take_back(tx, cast.thu, stage.id, stage.people["nam"])
        convening.drop_person(tx, cast.thu, stage.id, stage.people["nam"])
    assert ballots(db, vote_id)[cast.nam.name] == [0]


def test_a_vote_can_be_cancelled_until_it_is_announced(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    vote_id = running(db, cast, stage)
    with db.write(cast.thu.by) as tx:
        deciding.cancel(tx, cast.thu, stage.id, vote_id)
    assert row(db, vote_id).state == VoteState.CANCELLED
    done = running(db, cast, stage)
    finish(db, cast, stage, done)
    with pytest.raises(WrongState), db.write() as tx:
        deciding.cancel(tx, cast.thu, stage.id, done)


def test_a_vote_that_was_open_when_the_meeting_closed_is_counted_but_takes_no_ballot(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    vote_id = running(db, cast, stage)
    choose(db, cast, stage, vote_id, lan=0)
    with db.write(cast.binh.by) as tx:
        holding.close(tx, cast.binh, stage.id)
    with pytest.raises(WrongState), db.write(cast.nam.by) as tx:
        deciding.cast(tx, cast.nam, stage.id, vote_id, [0])
    assert finish(db, cast, stage, vote_id).result == {"ballots": 1, "present": 4, "counts": [1, 0, 0], "carried": []}


def test_a_vote_on_a_confidential_point_is_for_who_reads_it(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    with db.write(cast.thu.by) as tx:
        chosen = AudienceFacts(Audience.CLOSED, frozenset({stage.people["lan"]}))
        audiences.change_audience(tx, cast.thu, stage.id, stage.items[0], chosen)
    before = len(told(db, stage))
    vote_id = running(db, cast, stage, item_id=stage.items[0])
    choose(db, cast, stage, vote_id, binh=0, lan=0)
    assert len(told(db, stage)) == before
    assert set(ballots(db, vote_id)) == {cast.binh.name, cast.lan.name}
    with pytest.raises(NotFound), db.write(cast.nam.by) as tx:
        deciding.cast(tx, cast.nam, stage.id, vote_id, [0])
    with db.read() as tx:
        assert queries.votes_for(tx, cast.nam, at.meeting(db, stage)) == []
        assert len(queries.votes_for(tx, cast.lan, at.meeting(db, stage))) == 1
