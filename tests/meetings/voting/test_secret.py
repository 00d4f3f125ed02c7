"""Secret votes: keys of two, one ballot each, sums that only both open; and nothing that says who chose what."""

import json

import pytest
import sqlalchemy as sa
from flask import Flask

from kernel.db import Database
from kernel.errors import Conflict, Forbidden, Invalid, NotFound, WrongState
from kernel.schema import Base
from meetings import audiences, snapshots
from meetings.audiences import AudienceFacts
from meetings.ballots.recount import recount
from meetings.states import Audience
from meetings.voting import deciding, secret_ballots
from meetings.voting.models import BallotRow, Voter
from meetings.voting.states import VoteKind, VoteState
from tests.cast import Cast
from tests.meetings.ballots.voter import Trustee, sealed
from tests.meetings.voting.scene import in_session, prepared, row
from tests.meetings.voting.secret import Secret
from tests.web.people import sign_in


@pytest.mark.both_databases
def test_a_secret_vote_is_opened_cast_summed_and_announced(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    vote = Secret(db, cast, stage).open()
    receipts = vote.vote(binh=0, lan=0, nam=1)
    vote.close()
    assert vote.row.result is None
    assert recount(vote.file).counts is None
    assert vote.share("binh") is False
    assert vote.share("thu") is True
    assert vote.row.result == {"ballots": 3, "present": 4, "counts": [2, 1, 0], "carried": []}
    found = recount(vote.file)
    assert (found.complete, found.counts, list(found.receipts)) == (True, (2, 1, 0), sorted(receipts))
    with db.write(cast.binh.by) as tx:
        deciding.announce(tx, cast.binh, stage.id, vote.id)
    assert vote.row.state == VoteState.ANNOUNCED


def test_a_list_takes_up_to_its_number_and_a_blank_ballot(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    vote = Secret(db, cast, stage, options=("An", "Bình", "Cường"), most=2).open()
    vote.vote(binh=(0, 1), lan=(1,), nam=())
    with pytest.raises(Invalid):
        vote.vote(dung=(0, 1, 2))
    vote.close()
    vote.share("thu")
    vote.share("binh")
    assert vote.row.result is not None
    assert vote.row.result["counts"] == [1, 2, 0]
    assert recount(vote.file).complete


def test_it_opens_only_with_the_keys_of_the_chair_and_the_secretary(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    vote = Secret(db, cast, stage)
    vote.key("binh")
    with pytest.raises(WrongState), db.write(cast.thu.by) as tx:
        deciding.open_vote(tx, cast.thu, stage.id, vote.id)
    with pytest.raises(Forbidden):
        vote.key("lan")
    vote.key("thu")
    vote.key("thu")  # a reload lost the first one
    vote.open()
    with pytest.raises(WrongState):
        vote.key("thu")
    vote.vote(lan=2)
    vote.close()
    vote.share("binh")
    assert vote.share("thu") is True


def test_a_key_without_its_secret_half_is_refused(db: Database, cast: Cast) -> None:
    vote = Secret(db, cast, in_session(db, cast))
    stranger = Trustee("Người khác")  # the proof is made for another name
    with pytest.raises(Invalid):
        vote.key("binh", stranger)


def test_one_person_has_one_ballot_and_the_same_one_again_has_the_same_answer(db: Database, cast: Cast) -> None:
    vote = Secret(db, cast, in_session(db, cast)).open()
    ballot = vote.ballot(0)
    receipt = vote.send("lan", ballot)
    assert vote.send("lan", ballot) == receipt
    with pytest.raises(Conflict):
        vote.vote(lan=1)
    with pytest.raises(Invalid):
        vote.send("nam", ballot)  # somebody else's ballot, copied
    vote.close()
    assert vote.send("lan", ballot) == receipt  # the answer was lost and the vote closed meanwhile
    with pytest.raises(WrongState):
        vote.vote(nam=0)
    assert len(recount(vote.file).receipts) == 1


def test_a_ballot_for_another_vote_a_broken_or_an_overfull_one_is_refused(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    other = Secret(db, cast, stage)
    for name in ("binh", "thu"):
        other.key(name)
    vote = Secret(db, cast, stage)
    vote.keepers = {}
    for name, (trustee, _) in other.keepers.items():
        vote.key(name, trustee)  # the same keys, so that only the context differs
    vote.open()
    foreign = sealed(vote.election, [0])
    vote.close()
    other.open()
    point, good = other.ballot(0)["choices"][0]["a"], other.ballot(0)
    broken = [
        foreign,
        {},
        {"choices": [], "sum": good["sum"]},
        {**good, "choices": good["choices"][:2]},
        {**good, "name": "Lan"},
        {**good, "choices": [{**good["choices"][0], "a": "01" + "00" * 31}, *good["choices"][1:]]},
        {**good, "choices": [{**good["choices"][0], "a": point.upper()}, *good["choices"][1:]]},
        {**good, "choices": [{**good["choices"][0], "a": "ff" * 32}, *good["choices"][1:]]},
        {**good, "choices": [good["choices"][1], good["choices"][0], good["choices"][2]]},
        other.ballot(0, 1),
        other.ballot(),
    ]
    for ballot in broken:
        with pytest.raises(Invalid):
            other.send("lan", ballot)
    assert other.send("lan", good)


def test_a_share_by_another_key_is_refused_and_the_good_one_is_taken_after_it(db: Database, cast: Cast) -> None:
    vote = Secret(db, cast, in_session(db, cast)).open()
    vote.vote(lan=0)
    with pytest.raises(WrongState):
        vote.share("binh", {})
    vote.close()
    bad = vote.share_of("thu")
    with pytest.raises(Invalid):
        vote.share("binh", bad)
    with pytest.raises(Forbidden):
        vote.share("lan", bad)
    with pytest.raises(WrongState), db.write(cast.binh.by) as tx:
        deciding.announce(tx, cast.binh, vote.stage.id, vote.id)
    vote.share("binh")
    assert vote.share("thu")


def test_nothing_that_is_stored_leads_from_a_voter_to_a_ballot(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    vote = Secret(db, cast, stage).open()
    with pytest.raises(WrongState):
        _ = vote.file  # while it runs, what appears when would tell whose it is
    (receipt,) = vote.vote(lan=1)
    assert {column.name for column in BallotRow.__table__.columns} == {"vote_id", "receipt", "ballot"}
    with db.read() as tx:
        voter = tx.session.scalars(sa.select(Voter).where(Voter.voted_at.is_not(None))).one()
        assert (voter.choices, voter.written_by) == (None, "")
        ballot = tx.session.get_one(BallotRow, (vote.id, receipt)).ballot
        marks = [receipt, ballot["choices"][0]["a"], ballot["choices"][0]["proof"][0]["c"]]
        for table in Base.metadata.sorted_tables:
            if table.name != "sealed_ballot":
                told = str([tuple(one) for one in tx.session.execute(sa.select(table))])
                assert not any(mark in told for mark in marks), table.name
        state = json.dumps(snapshots.snapshot(tx, cast.thu, stage.id).wire())
    assert not any(mark in state for mark in marks)


def test_nobody_writes_a_secret_ballot_down_for_somebody(db: Database, cast: Cast) -> None:
    vote = Secret(db, cast, in_session(db, cast)).open()
    with pytest.raises(WrongState), db.write(cast.thu.by) as tx:
        deciding.cast_for(tx, cast.thu, vote.stage.id, vote.id, vote.stage.people["lan"], [0])
    with pytest.raises(WrongState), db.write(cast.lan.by) as tx:
        deciding.cast(tx, cast.lan, vote.stage.id, vote.id, [0])


def test_the_file_of_a_confidential_point_is_for_who_reads_it(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    with db.write(cast.thu.by) as tx:
        chosen = AudienceFacts(Audience.CLOSED, frozenset({stage.people["lan"]}))
        audiences.change_audience(tx, cast.thu, stage.id, stage.items[0], chosen)
    vote = Secret(db, cast, stage, item_id=stage.items[0]).open()
    assert [name for name, _ in vote.election.voters] == [cast.binh.name, cast.lan.name]
    with pytest.raises(NotFound):
        vote.facts("nam")
    with pytest.raises(NotFound):
        vote.send("nam", vote.ballot(0))


def test_a_secret_vote_on_paper_is_entered_by_the_secretary(db: Database, cast: Cast) -> None:
    stage = in_session(db, cast)
    vote_id = prepared(db, cast, stage, kind=VoteKind.PAPER)
    with db.write(cast.thu.by) as tx:
        deciding.open_vote(tx, cast.thu, stage.id, vote_id)
    for ballots, counts in (
        (None, [1, 1, 1]),
        (5, [1, 1, 1]),
        (4, [3, 2, 0]),
        (4, [3, None, 0]),
        (4, [3, 1]),
        (2, [3, 0, 0]),
    ):
        with pytest.raises(Invalid), db.write(cast.thu.by) as tx:
            secret_ballots.count_paper(tx, cast.thu, stage.id, vote_id, ballots, counts)
    with pytest.raises(Forbidden), db.write(cast.lan.by) as tx:
        secret_ballots.count_paper(tx, cast.lan, stage.id, vote_id, 4, [3, 0, 0])
    for counts in ([2, 1, 0], [3, 0, 0]):  # typed, and put right
        with db.write(cast.thu.by) as tx:
            secret_ballots.count_paper(tx, cast.thu, stage.id, vote_id, 4, counts)
    with db.write(cast.binh.by) as tx:
        deciding.announce(tx, cast.binh, stage.id, vote_id)
    assert row(db, vote_id).result == {"ballots": 4, "present": 4, "counts": [3, 0, 0], "carried": [0]}
    with pytest.raises(WrongState), db.write(cast.thu.by) as tx:
        secret_ballots.count_paper(tx, cast.thu, stage.id, vote_id, 4, [4, 0, 0])


def test_what_is_wrong_with_a_count_on_paper_is_said_and_the_vote_stays_open(
    app: Flask, db: Database, cast: Cast
) -> None:
    stage = in_session(db, cast)
    vote_id = prepared(db, cast, stage, kind=VoteKind.PAPER)
    with db.write(cast.thu.by) as tx:
        deciding.open_vote(tx, cast.thu, stage.id, vote_id)
    answer = sign_in(app, "thu").post(
        f"/meetings/{stage.id}/votes/{vote_id}/paper", data={"ballots": "99", "count": ["2", "1", "0"]}
    )
    assert answer.status_code == 422
    assert "Số phiếu thu về từ 0 đến 4" in answer.text
    assert 'value="99"' in answer.text
    assert "Chờ công bố" not in answer.text
    assert "Chưa gửi" not in answer.text  # nobody sends a ballot on paper
