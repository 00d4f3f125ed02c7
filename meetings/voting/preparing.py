"""The desk puts a question to the vote: its words, its choices, its rules."""

import hashlib
import json
from dataclasses import asdict, dataclass

from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid
from kernel.text import Phrase, nfc, one_line, phrase
from meetings import streams
from meetings.access import Right, item_for, meeting_for, must_allow
from meetings.holding import Answer, once
from meetings.models import Meeting
from meetings.planning import note
from meetings.quorum import QuorumRule
from meetings.states import Verb
from meetings.voting import secret_keys
from meetings.voting.live import LiveVote
from meetings.voting.models import Vote
from meetings.voting.states import HANDS, YES_NO, Majority, VoteKind

QUESTION_MAX, OPTION_MAX, OPTIONS_MAX, VOTES_MAX = 500, 200, 20, 200
SECONDS = (5, 600)


@dataclass(frozen=True)
class VoteFacts:
    """A vote as it is prepared. Without `options` it is for, against, abstain. `item_id`: None for no point."""

    question: str
    kind: VoteKind | None = VoteKind.NAMED
    options: tuple[str, ...] = ()
    most: int | None = 1
    quorum: QuorumRule | None = QuorumRule.HALF
    majority: Majority | None = Majority.HALF_OF_MEMBERS
    with_substitutes: bool = False
    item_id: int | None = None
    seconds: int | None = 30


def prepare(tx: Tx, actor: Actor, meeting_id: int, facts: VoteFacts, *, command_id: str | None = None) -> Answer:
    """Write a vote down. Nobody votes before it is opened. Answers its id."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    key = key_of(command_id, asdict(facts))
    return once(tx, meeting.id, key, lambda: {"vote": write(tx, actor, meeting, facts).id})


def key_of(command_id: str | None, said: object) -> str | None:
    """The id of a command together with what it says: whoever got no answer and then says something else gives another
    command, and is not answered with what became of the first."""
    if not command_id:
        return None
    return hashlib.sha256(json.dumps([command_id, said], sort_keys=True).encode()).hexdigest()


def write(tx: Tx, actor: Actor, meeting: Meeting, facts: VoteFacts) -> Vote:
    """The row of a vote, in a meeting that is locked."""
    must_allow(meeting, Verb.PREPARE_VOTE)
    question, options = nfc(facts.question).strip(), tuple(filter(None, map(one_line, facts.options)))
    problems = _problems(facts, question, options)
    if tx.session.query(Vote.id).where(Vote.meeting_id == meeting.id).count() >= VOTES_MAX:
        problems["question"] = phrase("Một cuộc họp có nhiều nhất {max} lần biểu quyết.", max=VOTES_MAX)
    if problems:
        raise Invalid(problems)
    if facts.item_id is not None:
        item_for(tx, meeting, facts.item_id)
    usual = HANDS if facts.kind is VoteKind.HANDS else YES_NO
    vote = Vote(
        meeting_id=meeting.id,
        item_id=facts.item_id,
        kind=facts.kind,
        question=question,
        options=list(options) or [one.vi for one in usual],
        is_list=bool(options),
        most=facts.most if options else 1,
        quorum=QuorumRule.NONE if facts.kind is VoteKind.HANDS else facts.quorum,
        majority=facts.majority,
        with_substitutes=facts.with_substitutes,
        seconds=facts.seconds if facts.kind is VoteKind.HANDS else 0,
        created_by_id=actor.person_id,
        created_at=clock.now(),
    )
    tx.session.add(vote)
    tx.session.flush()
    if vote.kind == VoteKind.SECRET:
        secret_keys.fix_draft(tx, meeting, vote)
    tell(tx, vote)
    note(tx, meeting, "vote.prepare", {"vote": vote.id, "kind": vote.kind})
    return vote


def _problems(facts: VoteFacts, question: str, options: tuple[str, ...]) -> dict[str, Phrase]:
    found: dict[str, Phrase] = {}
    if not question:
        found["question"] = phrase("Cần ghi nội dung biểu quyết.")
    elif len(question) > QUESTION_MAX:
        found["question"] = phrase("Nội dung biểu quyết dài nhất {max} ký tự.", max=QUESTION_MAX)
    if facts.kind is None:
        found["kind"] = phrase("Xin chọn cách biểu quyết.")
    if facts.quorum is None:
        found["quorum"] = phrase("Xin chọn điều kiện mở biểu quyết.")
    if facts.majority is None or (facts.majority is Majority.MOST and not options):
        found["majority"] = phrase("Xin chọn điều kiện thông qua.")
    if len(options) == 1 or len(options) > OPTIONS_MAX or len({o.casefold() for o in options}) < len(options):
        found["options"] = phrase("Danh sách cần từ 2 đến {max} dòng, không dòng nào trùng nhau.", max=OPTIONS_MAX)
    elif any(len(option) > OPTION_MAX for option in options):
        found["options"] = phrase("Mỗi dòng dài nhất {max} ký tự.", max=OPTION_MAX)
    if options and not 1 <= (facts.most or 0) <= len(options):
        found["most"] = phrase("Số lựa chọn của một phiếu từ 1 đến số dòng của danh sách.")
    if facts.kind is VoteKind.HANDS and not SECONDS[0] <= (facts.seconds or 0) <= SECONDS[1]:
        found["seconds"] = phrase("Thời gian giơ tay từ {least} đến {most} giây.", least=SECONDS[0], most=SECONDS[1])
    return found


def tell(tx: Tx, vote: Vote) -> None:
    """A vote as it is now, to who reads its point."""
    tx.publish(streams.about(tx, vote.meeting_id, vote.item_id), "vote", LiveVote.of(vote))
