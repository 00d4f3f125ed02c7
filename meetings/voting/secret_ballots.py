"""A secret vote runs: keys, encrypted ballots, shares, the result. What was chosen never comes here in the clear."""

from collections.abc import Mapping, Sequence
from typing import Any

from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.errors import Conflict, Forbidden, Invalid, WrongState
from kernel.text import phrase
from meetings.access import Right, meeting_for, must_allow, own_place_for
from meetings.ballots.group import Malformed
from meetings.ballots.record import Election, SealedBallot
from meetings.planning import note
from meetings.states import Verb
from meetings.voting import secret_keys
from meetings.voting.deciding import after, not_listed, roll_stream, store_result, vote_for, voters_of
from meetings.voting.live import Cast
from meetings.voting.models import BallotRow, Vote, Voter
from meetings.voting.preparing import tell
from meetings.voting.states import VoteKind, VoteState, VoteVerb

Answer = dict[str, Any]
Data = Mapping[str, Any]


def publish_key(tx: Tx, actor: Actor, meeting_id: int, vote_id: int, data: Data) -> Answer:
    """The chair or the secretary made a key for this vote in their browser; here is its public half."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    vote = vote_for(tx, actor, meeting, vote_id)
    secret_keys.must_be_trustee(tx, actor, meeting)
    _must_be_secret(vote)
    must_allow(meeting, Verb.PREPARE_VOTE)
    after(vote, VoteVerb.OPEN)
    secret_keys.publish_key(tx, actor, meeting, vote, data)
    vote.rev += 1
    tell(tx, vote)
    note(tx, meeting, "vote.key", {"vote": vote.id})
    return {"vote": vote.id, "ready": secret_keys.are_ready(tx, meeting, vote)}


def cast_sealed(tx: Tx, actor: Actor, meeting_id: int, vote_id: int, data: Data) -> Answer:
    """Put an encrypted ballot into the box. Once and for all: a second one is refused, the same one sent again gets the
    same answer, also when the vote has closed in between. The command is not written down with who sent it, as other
    commands of the room are: that would say whose ballot it is."""
    meeting, participant = own_place_for(tx, actor, meeting_id)
    vote = vote_for(tx, actor, meeting, vote_id)
    _must_be_secret(vote)
    part = secret_keys.sealed_part(tx, vote)
    if part.election is None:
        after(vote, VoteVerb.CAST)  # says why not
    election = Election.of(part.election)
    ballot = _read(data)
    receipt = ballot.receipt(election)
    voters = voters_of(tx, vote.id)
    voter = next((one for one in voters if one.participant_id == participant.id), None)
    if voter is None:
        raise Forbidden(not_listed())
    is_there = tx.session.get(BallotRow, (vote.id, receipt)) is not None
    if voter.voted_at is not None:
        if is_there:
            return {"vote": vote.id, "receipt": receipt}
        raise Conflict(phrase("Bạn đã bỏ phiếu. Bỏ phiếu kín không bỏ lại được."))
    must_allow(meeting, Verb.VOTE)
    after(vote, VoteVerb.CAST)
    if is_there or not ballot.valid(election):
        raise _refused()
    tx.session.add(BallotRow(vote_id=vote.id, receipt=receipt, ballot=ballot.data))
    _mark(tx, vote, voter, voters)
    return {"vote": vote.id, "receipt": receipt}


def _mark(tx: Tx, vote: Vote, voter: Voter, voters: list[Voter]) -> None:
    voter.voted_at = clock.now()
    vote.roll_rev += 1
    tx.publish(roll_stream(tx, vote), "roll", Cast.of(vote, voters))


def _read(data: Data) -> SealedBallot:
    try:
        return SealedBallot.of(dict(data))
    except Malformed as error:
        raise _refused() from error


def _refused() -> Invalid:
    return Invalid({"ballot": phrase("Phiếu không hợp lệ, chưa được ghi nhận. Xin tải lại trang và bỏ phiếu lại.")})


def add_share(tx: Tx, actor: Actor, meeting_id: int, vote_id: int, data: Data) -> Answer:
    """A trustee's browser opened its part of the sums. With the last part the result is there, for the desk to see and
    the chair to announce."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    vote = vote_for(tx, actor, meeting, vote_id)
    own = secret_keys.key_for(tx, actor, vote)
    must_allow(meeting, Verb.COUNT)
    if vote.state != VoteState.CLOSED:
        after(vote, VoteVerb.ANNOUNCE)  # says what has to come first
    if vote.result is None:
        counts = secret_keys.add_share(tx, own, vote, data)
        note(tx, meeting, "vote.share", {"vote": vote.id})
        if counts is not None:
            store_result(tx, vote, counts, len([v for v in voters_of(tx, vote.id) if v.voted_at is not None]))
        vote.rev += 1
        tell(tx, vote)
    return {"vote": vote.id, "opened": vote.result is not None}


def count_paper(
    tx: Tx, actor: Actor, meeting_id: int, vote_id: int, ballots: int | None, counts: Sequence[int | None]
) -> Vote:
    """The secretary enters what the ballots on paper said: how many came back, how many are for each option. It closes
    the vote; until it is announced the numbers can be entered anew."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    vote = vote_for(tx, actor, meeting, vote_id)
    if vote.kind != VoteKind.PAPER:
        raise WrongState(phrase("Lần biểu quyết này không bỏ phiếu bằng giấy."))
    must_allow(meeting, Verb.COUNT)
    state = VoteState.CLOSED if vote.state == VoteState.CLOSED else after(vote, VoteVerb.CLOSE)
    found = _paper_problems(vote, len(voters_of(tx, vote.id)), ballots, counts)
    if found:
        raise Invalid(found)
    assert ballots is not None
    if vote.state != state:
        vote.state, vote.closed_at = state, clock.now()
    store_result(tx, vote, [one or 0 for one in counts], ballots)
    vote.rev += 1
    tell(tx, vote)
    note(tx, meeting, "vote.paper", {"vote": vote.id, "result": vote.result})
    return vote


def _paper_problems(vote: Vote, present: int, ballots: int | None, counts: Sequence[int | None]) -> dict[str, Any]:
    if ballots is None or not 0 <= ballots <= present:
        return {"ballots": phrase("Số phiếu thu về từ 0 đến {present} (số người có mặt).", present=present)}
    wanted = len(vote.options)
    if len(counts) != wanted or any(one is None or not 0 <= one <= ballots for one in counts):
        return {"counts": phrase("Số phiếu của mỗi dòng từ 0 đến số phiếu thu về.")}
    if sum(one or 0 for one in counts) > ballots * vote.most:
        return {"counts": phrase("Cộng lại nhiều hơn số phiếu thu về cho phép.")}
    return {}


def _must_be_secret(vote: Vote) -> None:
    if vote.kind != VoteKind.SECRET:
        raise WrongState(phrase("Lần biểu quyết này không phải bỏ phiếu kín."))
