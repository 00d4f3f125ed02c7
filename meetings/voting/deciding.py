"""A vote runs: it opens for who is there, each casts one ballot, it closes and is announced.

A ballot of a vote by name, or a raised hand, may be changed until the vote closes; the last one counts. The list of who
may vote is made at the opening and stays: who comes in later votes in the next one.
"""

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.errors import Forbidden, Invalid, NotFound, WrongState
from kernel.streams import StreamName
from kernel.text import Phrase, phrase
from meetings import streams
from meetings.access import Right, clearance_of, meeting_for, must_allow, own_place_for
from meetings.audiences import cleared_for
from meetings.convening import participants_of
from meetings.holding import Answer as Done
from meetings.holding import once
from meetings.live import Gone
from meetings.models import AgendaItem, Meeting, Participant
from meetings.planning import note
from meetings.quorum import QuorumRule
from meetings.states import LEADING, Answer, Audience, Role, Verb
from meetings.voting import secret_keys
from meetings.voting.live import Cast, LiveRoll
from meetings.voting.models import Vote, Voter
from meetings.voting.preparing import key_of, tell
from meetings.voting.rules import Turnout, carried, count, enough, reaches
from meetings.voting.states import COUNTING, MOVES, SECRET_KINDS, Majority, VoteKind, VoteState, VoteVerb

GRACE = timedelta(seconds=2)
"""A hand that was raised in time and came a moment late on a slow network still counts."""

VOTING_ROLES = (Role.CHAIR, Role.DELEGATE)


def open_vote(tx: Tx, actor: Actor, meeting_id: int, vote_id: int) -> Vote:
    """Let everybody vote who is there and may; refused without a quorum, or while another vote runs."""
    meeting, vote = _led(tx, actor, meeting_id, vote_id)
    must_allow(meeting, Verb.VOTE)
    state = after(vote, VoteVerb.OPEN)
    _finish_hands(tx, meeting)
    running = sa.select(Vote.id).where(Vote.meeting_id == meeting.id, Vote.state == VoteState.OPEN)
    if tx.session.scalars(running).first() is not None:
        raise WrongState(phrase("Đang có một lần biểu quyết khác. Xin đóng lần đó trước."))
    members = members_of(tx, vote)
    present = [p for p in members if p.checked_in_at is not None and _votes(p, vote)]
    if not enough(len(present), len(members), QuorumRule(vote.quorum)):
        raise WrongState(
            phrase(
                "Chưa đủ số người để biểu quyết: có mặt {present}/{members}. Xin điểm danh đủ rồi mở lại.",
                present=len(present),
                members=len(members),
            )
        )
    tx.session.add_all(
        Voter(vote_id=vote.id, participant_id=p.id, name=p.name, position=p.position, choices=None) for p in present
    )
    now = clock.now()
    vote.state, vote.members, vote.opened_at = state, len(members), now
    vote.ends_at = now + timedelta(seconds=vote.seconds) if vote.kind == VoteKind.HANDS else None
    vote.rev += 1
    vote.roll_rev += 1
    tx.session.flush()
    if vote.kind == VoteKind.SECRET:
        secret_keys.open_election(tx, meeting, vote, voters_of(tx, vote.id))
    tell(tx, vote)
    tx.publish(roll_stream(tx, vote), "roll", LiveRoll.of(vote, voters_of(tx, vote.id)))
    note(tx, meeting, "vote.open", {"vote": vote.id, "present": len(present), "members": len(members)})
    return vote


def open_prepared(tx: Tx, actor: Actor, meeting_id: int, vote_id: int) -> None:
    """Open a vote that the same press has prepared; a press that is sent again finds it open. A secret one waits for
    its keys."""
    meeting, vote = _led(tx, actor, meeting_id, vote_id)
    waits = vote.kind == VoteKind.SECRET and not secret_keys.are_ready(tx, meeting, vote)
    if vote.state == VoteState.PREPARED and not waits:
        open_vote(tx, actor, meeting.id, vote.id)


def members_of(tx: Tx, vote: Vote) -> list[Participant]:
    """Who has a vote in this meeting, there or not: the chair and the delegates, of a confidential point those who
    read it."""
    people = [p for p in participants_of(tx, vote.meeting_id) if p.role in VOTING_ROLES]
    item = tx.session.get(AgendaItem, vote.item_id) if vote.item_id is not None else None
    if item is None or item.audience == Audience.EVERYONE:
        return people
    cleared = cleared_for(tx, item.id)
    return [p for p in people if p.id in cleared or p.role in LEADING]


def _votes(participant: Participant, vote: Vote) -> bool:
    """Whether somebody who is there may vote: not through a substitute where the rules of the vote forbid it."""
    return vote.with_substitutes or participant.answer != Answer.SUBSTITUTE


def cast(
    tx: Tx, actor: Actor, meeting_id: int, vote_id: int, choices: Sequence[int], *, command_id: str | None = None
) -> Done:
    """Vote, or vote anew. The same command twice is one ballot, also when another came in between."""
    meeting, participant = own_place_for(tx, actor, meeting_id)
    vote = vote_for(tx, actor, meeting, vote_id)
    key = key_of(command_id, [vote.id, sorted(choices)])
    return once(tx, meeting.id, key, lambda: _cast(tx, meeting, vote, participant.id, choices))


def cast_for(tx: Tx, actor: Actor, meeting_id: int, vote_id: int, participant_id: int, choices: Sequence[int]) -> Done:
    """The desk writes down the vote of somebody whose device does not work; the record says that it did."""
    meeting, vote = _led(tx, actor, meeting_id, vote_id)
    done = _cast(tx, meeting, vote, participant_id, choices, written_by=actor.by)
    note(tx, meeting, "vote.cast_for", {"vote": vote.id, "participant": participant_id})
    return done


def _cast(
    tx: Tx, meeting: Meeting, vote: Vote, participant_id: int, choices: Sequence[int], *, written_by: str = ""
) -> Done:
    must_allow(meeting, Verb.VOTE)
    after(vote, VoteVerb.CAST)
    if vote.kind in SECRET_KINDS:
        raise WrongState(phrase("Đây là bỏ phiếu kín: không ai gửi hoặc ghi hộ phiếu theo cách này."))
    now = clock.now()
    if vote.ends_at is not None and now > vote.ends_at + GRACE:
        raise WrongState(_OVER)
    voters = voters_of(tx, vote.id)
    voter = next((v for v in voters if v.participant_id == participant_id), None)
    if voter is None:
        raise Forbidden(not_listed())
    voter.choices, voter.voted_at, voter.written_by = _checked(vote, choices), now, written_by
    vote.roll_rev += 1
    tx.publish(roll_stream(tx, vote), "roll", Cast.of(vote, voters))
    return {"vote": vote.id, "voted": True}


def _checked(vote: Vote, choices: Sequence[int]) -> list[int]:
    chosen = sorted(set(choices))
    if not chosen or any(not 0 <= option < len(vote.options) for option in chosen):
        raise Invalid({"choice": phrase("Xin chọn một ý kiến rồi gửi.")})
    if len(chosen) > vote.most:
        raise Invalid({"choice": phrase("Chỉ được chọn nhiều nhất {most}.", most=vote.most)})
    return chosen


def close_vote(tx: Tx, actor: Actor, meeting_id: int, vote_id: int) -> Vote:
    """No more ballots; what was cast is counted. A show of hands is announced with it."""
    meeting, vote = _led(tx, actor, meeting_id, vote_id)
    must_allow(meeting, Verb.COUNT)
    _close(tx, meeting, vote)
    return vote


def _close(tx: Tx, meeting: Meeting, vote: Vote) -> None:
    if vote.kind == VoteKind.PAPER:
        raise WrongState(phrase("Bỏ phiếu bằng giấy đóng khi nhập kết quả kiểm phiếu."))
    vote.state = after(vote, VoteVerb.CLOSE)
    vote.closed_at = clock.now()
    voters = voters_of(tx, vote.id)
    if vote.kind == VoteKind.SECRET:
        secret_keys.close_election(tx, vote, voters)
    else:
        ballots = [v.choices for v in voters if v.choices is not None]
        store_result(tx, vote, count(len(vote.options), ballots), len(ballots))
    vote.rev += 1
    note(tx, meeting, "vote.close", {"vote": vote.id, "ballots": sum(1 for v in voters if v.voted_at is not None)})
    if vote.kind == VoteKind.HANDS:
        _announce(tx, meeting, vote)
    else:
        tell(tx, vote)


def _finish_hands(tx: Tx, meeting: Meeting) -> None:
    """A show of hands whose time is over ends when the next vote opens."""
    query = sa.select(Vote).where(
        Vote.meeting_id == meeting.id, Vote.state == VoteState.OPEN, Vote.ends_at < clock.now()
    )
    for vote in tx.session.scalars(query):
        _close(tx, meeting, vote)


def store_result(tx: Tx, vote: Vote, counts: Sequence[int], ballots: int) -> None:
    """Write down what came out, and what of it is carried by the rules of the vote."""
    present = len(voters_of(tx, vote.id))
    vote.result = {
        "ballots": ballots,
        "present": present,
        "counts": list(counts),
        "carried": _carried(vote, counts, Turnout(vote.members, present, ballots)),
    }


def _carried(vote: Vote, counts: Sequence[int], turnout: Turnout) -> list[int]:
    majority = Majority(vote.majority)
    if vote.is_list:
        return list(carried(counts, turnout, majority, vote.most))
    return [0] if reaches(counts[0], turnout, majority) else []


def announce(tx: Tx, actor: Actor, meeting_id: int, vote_id: int) -> Vote:
    """The chair makes the result known: it stands on all screens, and of a vote by name who chose what."""
    meeting, vote = _led(tx, actor, meeting_id, vote_id)
    must_allow(meeting, Verb.COUNT)
    _announce(tx, meeting, vote)
    return vote


def _announce(tx: Tx, meeting: Meeting, vote: Vote) -> None:
    state = after(vote, VoteVerb.ANNOUNCE)
    if vote.result is None:
        raise WrongState(phrase("Chưa có kết quả: chủ trì và thư ký cần giải mã, mỗi người trên máy của mình."))
    vote.state, vote.announced_at = state, clock.now()
    vote.rev += 1
    tell(tx, vote)
    _tell_roll_gone(tx, vote)
    note(tx, meeting, "vote.announce", {"vote": vote.id, "result": vote.result})


def cancel(tx: Tx, actor: Actor, meeting_id: int, vote_id: int) -> Vote:
    """Drop a vote that was not announced. It stays on the record as cancelled, without a result."""
    meeting, vote = _led(tx, actor, meeting_id, vote_id)
    must_allow(meeting, Verb.COUNT if vote.state in COUNTING else Verb.PREPARE_VOTE)
    was_counting = vote.state in COUNTING
    vote.state = after(vote, VoteVerb.CANCEL)
    vote.result = None
    vote.rev += 1
    tell(tx, vote)
    if was_counting:
        _tell_roll_gone(tx, vote)
    note(tx, meeting, "vote.cancel", {"vote": vote.id})
    return vote


def _tell_roll_gone(tx: Tx, vote: Vote) -> None:
    vote.roll_rev += 1
    tx.publish(roll_stream(tx, vote), "roll", Gone(vote.id, vote.roll_rev))


# ---- loading ----


def vote_for(tx: Tx, actor: Actor, meeting: Meeting, vote_id: int) -> Vote:
    """A vote of this meeting; one on a point that is not for `actor` is not found."""
    vote = tx.session.get(Vote, vote_id)
    if vote is None or vote.meeting_id != meeting.id:
        raise NotFound()
    item = tx.session.get(AgendaItem, vote.item_id) if vote.item_id is not None else None
    if item is not None and not clearance_of(tx, actor, meeting).reads(item):
        raise NotFound()
    return vote


def voters_of(tx: Tx, vote_id: int) -> list[Voter]:
    """The list of a vote, in the order of the participants."""
    return list(tx.session.scalars(sa.select(Voter).where(Voter.vote_id == vote_id).order_by(Voter.id)))


def _led(tx: Tx, actor: Actor, meeting_id: int, vote_id: int) -> tuple[Meeting, Vote]:
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    return meeting, vote_for(tx, actor, meeting, vote_id)


def after(vote: Vote, verb: VoteVerb) -> VoteState:
    """The state to which the verb leads; WrongState with what stands in its way."""
    target = MOVES.get((VoteState(vote.state), verb))
    if target is None:
        raise WrongState(_REFUSALS[VoteState(vote.state)])
    return target


def not_listed() -> Phrase:
    """What is said to who has no vote in it."""
    return phrase("Bạn không có trong danh sách biểu quyết của lần này, do thư ký lập khi mở biểu quyết.")


def roll_stream(tx: Tx, vote: Vote) -> StreamName:
    """Where it is told who has voted."""
    return streams.about(tx, vote.meeting_id, vote.item_id)


_OVER = phrase("Biểu quyết đã đóng, không nhận thêm phiếu.")
_REFUSALS: dict[VoteState, Phrase] = {
    VoteState.PREPARED: phrase("Biểu quyết chưa mở."),
    VoteState.OPEN: phrase("Biểu quyết đang mở. Xin đóng trước."),
    VoteState.CLOSED: _OVER,
    VoteState.ANNOUNCED: phrase("Kết quả đã công bố, không thay đổi được nữa."),
    VoteState.CANCELLED: phrase("Lần biểu quyết này đã hủy."),
}
