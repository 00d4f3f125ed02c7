"""Votes as pages read them."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.text import Phrase, phrase
from meetings.access import at_desk, clearance_of, participant_of
from meetings.models import AgendaItem, Meeting
from meetings.states import Verb, after
from meetings.voting.deciding import vote_for, voters_of
from meetings.voting.live import LiveRoll, LiveVote, result_of
from meetings.voting.models import Vote, Voter
from meetings.voting.secret_keys import are_ready
from meetings.voting.states import (
    COUNTING,
    KIND_WORDS,
    MAJORITY_WORDS,
    MOVES,
    QUORUM_WORDS,
    SECRET_KINDS,
    STATE_WORDS,
    VoteKind,
    VoteState,
    VoteVerb,
)


@dataclass(frozen=True)
class OptionLine:
    """A line of the result. `share`: of the ballots, in percent, for the bar beside the number."""

    number: int
    words: str
    votes: int
    share: int
    carried: bool


@dataclass(frozen=True)
class VoterLine:
    """Somebody who may vote. `choice` in words: what they may be shown to the reader, else empty."""

    participant: int | None
    name: str
    position: str
    voted_at: datetime | None
    written_by_desk: bool
    choice: str


@dataclass(frozen=True)
class VoteView:
    """A vote on a page, as one person sees it. `mine`: what the reader chose, None when they have not voted."""

    id: int
    meeting_id: int
    kind: str
    kind_word: Phrase
    question: str
    item: str
    options: list[str]
    is_list: bool
    most: int
    quorum_word: Phrase
    majority_word: Phrase
    state: str
    state_word: Phrase
    tone: str
    members: int
    present: int
    voted: int
    opened_at: datetime | None
    ends_at: datetime | None
    is_over: bool  # a show of hands whose time is up
    announced_at: datetime | None
    outcome: Phrase | None
    lines: list[OptionLine]
    voters: list[VoterLine]
    may_vote: bool
    mine: list[int] | None
    can: frozenset[VoteVerb]


def votes_for(tx: Tx, actor: Actor | None, meeting: Meeting) -> list[VoteView]:
    """The votes of a meeting, newest first; without those on points that are not for the reader."""
    return [_view(tx, actor, meeting, vote) for vote in reversed(rows_for(tx, actor, meeting))]


def vote_view(tx: Tx, actor: Actor, meeting: Meeting, vote_id: int) -> VoteView:
    """One vote; NotFound for who may not know of it."""
    return _view(tx, actor, meeting, vote_for(tx, actor, meeting, vote_id))


def rows_for(tx: Tx, actor: Actor | None, meeting: Meeting) -> list[Vote]:
    """The votes of a meeting that are for the reader, in the order in which they were prepared."""
    clearance = clearance_of(tx, actor, meeting)
    query = sa.select(Vote, AgendaItem).outerjoin(AgendaItem, AgendaItem.id == Vote.item_id)
    rows = tx.session.execute(query.where(Vote.meeting_id == meeting.id).order_by(Vote.id))
    return [vote for vote, item in rows if item is None or clearance.reads(item)]


def live_votes(tx: Tx, actor: Actor | None, meeting: Meeting) -> tuple[dict[str, LiveVote], dict[str, LiveRoll]]:
    """What the snapshot holds of them: the votes, and the rolls of those that are not announced."""
    rows = rows_for(tx, actor, meeting)
    rolls = {str(v.id): LiveRoll.of(v, voters_of(tx, v.id)) for v in rows if v.state in COUNTING}
    return {str(vote.id): LiveVote.of(vote) for vote in rows}, rolls


def _view(tx: Tx, actor: Actor | None, meeting: Meeting, vote: Vote) -> VoteView:
    desk = at_desk(actor, meeting)
    voters = voters_of(tx, vote.id)
    own = participant_of(tx, actor, meeting.id)
    me = next((v for v in voters if own is not None and v.participant_id == own.id), None)
    item = tx.session.get(AgendaItem, vote.item_id) if vote.item_id is not None else None
    word, tone = STATE_WORDS[vote.state]
    is_over = vote.ends_at is not None and clock.now() > vote.ends_at
    running = vote.state == VoteState.OPEN and not is_over
    return VoteView(
        id=vote.id,
        meeting_id=meeting.id,
        kind=vote.kind,
        kind_word=KIND_WORDS[vote.kind],
        question=vote.question,
        item=item.title if item is not None else "",
        options=list(vote.options),
        is_list=vote.is_list,
        most=vote.most,
        quorum_word=QUORUM_WORDS[vote.quorum],
        majority_word=MAJORITY_WORDS[vote.majority],
        state=vote.state,
        state_word=word,
        tone=tone,
        members=vote.members,
        present=len(voters),
        voted=sum(1 for v in voters if v.voted_at is not None),
        opened_at=vote.opened_at,
        ends_at=vote.ends_at,
        is_over=is_over,
        announced_at=vote.announced_at,
        outcome=_outcome(vote) if vote.state == VoteState.ANNOUNCED else None,
        lines=_lines(vote, desk),
        voters=[_line(vote, voter) for voter in voters],
        may_vote=_may_vote(meeting, vote, me) and running,
        mine=me.choices if me is not None else None,
        can=_acts(tx, meeting, vote) if desk else frozenset(),
    )


def _may_vote(meeting: Meeting, vote: Vote, me: Voter | None) -> bool:
    """A ballot by name can be changed, a secret one is cast once, one on paper is not cast here."""
    if me is None or vote.kind == VoteKind.PAPER or (vote.kind == VoteKind.SECRET and me.voted_at is not None):
        return False
    return after(meeting.state, Verb.VOTE) is not None


def _acts(tx: Tx, meeting: Meeting, vote: Vote) -> frozenset[VoteVerb]:
    needed = {
        VoteVerb.OPEN: Verb.VOTE,
        VoteVerb.CAST: Verb.VOTE,
        VoteVerb.CLOSE: Verb.COUNT,
        VoteVerb.ANNOUNCE: Verb.COUNT,
        VoteVerb.CANCEL: Verb.COUNT if vote.state in COUNTING else Verb.PREPARE_VOTE,
    }
    return frozenset(
        verb
        for verb, asked in needed.items()
        if (VoteState(vote.state), verb) in MOVES and after(meeting.state, asked) is not None
    ) - _not_yet(tx, meeting, vote)


def _not_yet(tx: Tx, meeting: Meeting, vote: Vote) -> set[VoteVerb]:
    """What the kind of a vote does not let the desk do, or not now."""
    found = {VoteVerb.CAST} if vote.kind in SECRET_KINDS else set()
    if vote.kind == VoteKind.PAPER:
        found.add(VoteVerb.CLOSE)  # entering the result closes it
    if vote.kind == VoteKind.SECRET and not are_ready(tx, meeting, vote):
        found.add(VoteVerb.OPEN)
    return found if vote.result is not None else {*found, VoteVerb.ANNOUNCE}


def _lines(vote: Vote, desk: bool) -> list[OptionLine]:
    """The result, once it is for the reader: the desk sees it before it is announced."""
    if vote.result is None or not (desk or vote.state == VoteState.ANNOUNCED):
        return []
    result = result_of(vote.result)
    return [
        OptionLine(
            number=place,
            words=words,
            votes=votes,
            share=round(100 * votes / result.ballots) if result.ballots else 0,
            carried=place in result.carried,
        )
        for place, (words, votes) in enumerate(zip(vote.options, result.counts, strict=True))
    ]


def _line(vote: Vote, voter: Voter) -> VoterLine:
    shown = vote.state == VoteState.ANNOUNCED and vote.kind == VoteKind.NAMED and voter.choices is not None
    return VoterLine(
        participant=voter.participant_id,
        name=voter.name,
        position=voter.position,
        voted_at=voter.voted_at,
        written_by_desk=bool(voter.written_by),
        choice="; ".join(vote.options[option] for option in voter.choices or []) if shown else "",
    )


def _outcome(vote: Vote) -> Phrase:
    """The sentence that the chair reads out."""
    assert vote.result is not None
    result = result_of(vote.result)
    if vote.kind == VoteKind.HANDS:
        return phrase("{n} người đã trả lời. Giơ tay không có giá trị quyết định.", n=result.ballots)
    if vote.is_list:
        chosen = ", ".join(vote.options[option] for option in result.carried)
        return phrase("Được chọn: {names}", names=chosen) if chosen else phrase("Không lựa chọn nào đủ phiếu.")
    told = {"yes": result.counts[0], "members": vote.members}
    if result.carried:
        return phrase("Được thông qua với {yes}/{members} phiếu tán thành.", **told)
    return phrase("Không được thông qua: {yes}/{members} phiếu tán thành.", **told)
