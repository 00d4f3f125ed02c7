"""Inviting people: one e-mail with a calendar request and one SMS each, and again when time, place or state change.

Mail, calendar object and SMS are made in one transaction from the same rows, so they agree.
"""

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid, Stale
from kernel.text import Phrase, one_line, phrase
from meetings import planning, streams
from meetings.access import Right, meeting_for, must_allow, participant_for
from meetings.letters import ANSWER_LINK, Letters, ref_of
from meetings.models import Meeting, Participant
from meetings.places import place_of, place_words
from meetings.planning import MeetingFacts, SettledFacts, note
from meetings.speaking import end_turn_of
from meetings.states import MeetingState, Role, Verb
from notify import links
from notify.wording import span


def participants_of(tx: Tx, meeting_id: int) -> list[Participant]:
    """Everybody in the meeting: chair, secretary, then the others in the order in which they were seated."""
    rank = sa.case({Role.CHAIR: 0, Role.SECRETARY: 1}, value=Participant.role, else_=2)
    query = sa.select(Participant).where(Participant.meeting_id == meeting_id).order_by(rank, Participant.id)
    return list(tx.session.scalars(query))


def convene(tx: Tx, actor: Actor, meeting_id: int) -> list[Participant]:
    """Invite everybody who was not invited yet. Answers who that was.

    Later it invites those who were added since; pressing twice invites nobody twice.
    """
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    target = must_allow(meeting, Verb.CONVENE)
    people = participants_of(tx, meeting.id)
    if meeting.state == MeetingState.DRAFT:
        _must_be_ready(meeting, people)
        meeting.state, meeting.convened_at = target, clock.now()
        meeting.rev += 1
        streams.tell_meeting(tx, meeting)
    invited = [p for p in people if p.invited_sequence is None]
    Letters(tx, meeting).invite(invited)
    if invited:
        note(tx, meeting, "meeting.convene", {"people": [p.person_id for p in invited]})
    return invited


def _must_be_ready(meeting: Meeting, people: list[Participant]) -> None:
    wrong: dict[str, Phrase] = {}
    if not meeting.item_order:
        wrong["agenda"] = phrase("Chương trình họp chưa có nội dung nào. Xin thêm ít nhất một nội dung.")
    if not [p for p in people if p.role in (Role.DELEGATE, Role.GUEST)]:
        wrong["people"] = phrase("Chưa mời ai ngoài chủ trì và thư ký. Xin thêm người dự họp.")
    if meeting.starts_at <= clock.now():
        wrong["starts_at"] = phrase("Giờ bắt đầu đã qua. Xin chọn một giờ sắp tới.")
    if wrong:
        raise Invalid(wrong, phrase("Chưa gửi được giấy mời."))


def change(tx: Tx, actor: Actor, meeting_id: int, facts: MeetingFacts, rev: int) -> Meeting:
    """Rewrite the facts of a meeting. Once it is convened, everybody invited gets the new version, with the next
    calendar sequence; when the time moved they are asked again. Stale when somebody else changed it since `rev`."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    must_allow(meeting, Verb.MOVE_TIME)
    if meeting.rev != rev:
        raise Stale({"title": meeting.title, "place": meeting.place, "rev": meeting.rev})
    settled = planning.checked(tx, facts)
    changes = _differences(tx, meeting, settled)
    if not changes:
        return meeting
    moved = (settled.starts_at, settled.ends_at) != (meeting.starts_at, meeting.ends_at)
    meeting.kind, meeting.title, meeting.place = settled.kind, settled.title, settled.place
    meeting.online_url, meeting.starts_at, meeting.ends_at = settled.online_url, settled.starts_at, settled.ends_at
    planning.seat_chair(tx, meeting, settled.chair_id)
    meeting.rev += 1
    if meeting.state != MeetingState.DRAFT:
        meeting.sequence += 1
        Letters(tx, meeting).tell_changes(changes, ask_again=moved)
    streams.tell_meeting(tx, meeting)
    note(tx, meeting, "meeting.change", {"changes": [c.vi for c in changes], "sequence": meeting.sequence})
    return meeting


def _differences(tx: Tx, meeting: Meeting, facts: SettledFacts) -> list[Phrase]:
    changes: list[Phrase] = []
    if facts.title != meeting.title:
        changes.append(phrase("Tên cuộc họp: {new} (trước là: {old}).", new=facts.title, old=meeting.title))
    if facts.starts_at != meeting.starts_at or facts.ends_at != meeting.ends_at:
        new, old = span(facts.starts_at, facts.ends_at), span(meeting.starts_at, meeting.ends_at)
        changes.append(phrase("Thời gian: {new} (trước là: {old}). Xin trả lời lại.", new=new, old=old))
    new_place = place_of(facts.kind, facts.place, facts.online_url)
    if new_place != place_words(meeting):
        old_place = place_words(meeting)
        changes.append(phrase("Địa điểm: {new} (trước là: {old}).", new=new_place, old=old_place))
    elif facts.kind != meeting.kind:
        changes.append(phrase("Hình thức họp đã đổi."))
    if facts.chair_id != meeting.chair_id:
        changes.append(phrase("Chủ trì họp: {name}.", name=directory.person(tx, facts.chair_id).name))
    return changes


def cancel(tx: Tx, actor: Actor, meeting_id: int, reason: str) -> Meeting:
    """Call the meeting off. Everybody who was invited is told and their calendars drop it; their answer links say so
    until the time at which it would have ended."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    target = must_allow(meeting, Verb.CANCEL)
    reason = one_line(reason)
    if meeting.state != MeetingState.DRAFT and not reason:
        raise Invalid({"reason": phrase("Xin nêu lý do hủy, người được mời sẽ đọc lý do này.")})
    if len(reason) > 1000:
        raise Invalid({"reason": phrase("Lý do dài quá {max} ký tự.", max=1000)})
    meeting.state, meeting.cancel_reason = target, reason
    meeting.rev += 1
    meeting.sequence += 1
    Letters(tx, meeting).call_off(participants_of(tx, meeting.id), reason)
    streams.tell_meeting(tx, meeting)
    note(tx, meeting, "meeting.cancel", {"reason": reason})
    return meeting


def drop_person(tx: Tx, actor: Actor, meeting_id: int, participant_id: int) -> None:
    """Take somebody off the list; who was invited already is told that they need not come."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK, lock=True)
    must_allow(meeting, Verb.EDIT)
    participant = participant_for(tx, meeting, participant_id)
    if participant.person_id in (meeting.chair_id, meeting.secretary_id):
        raise Invalid({"people": phrase("Chủ trì và thư ký không bỏ khỏi danh sách được.")})
    if participant.checked_in_at is not None:
        raise Invalid({"people": phrase("Người này đã có mặt nên không bỏ khỏi danh sách được.")})
    if participant.invited_sequence is not None:
        reason = phrase("Danh sách dự họp đã thay đổi.").vi
        # The next version: calendars and the ledger take one word of each, and they may be invited again.
        meeting.sequence += 1
        Letters(tx, meeting).call_off([participant], reason)
        links.revoke(tx, ref_of(meeting), purpose=ANSWER_LINK, person_id=participant.person_id)
    end_turn_of(tx, meeting, participant)
    streams.tell_left(tx, participant)
    note(tx, meeting, "meeting.drop_person", {"person": participant.person_id})
    tx.session.delete(participant)
