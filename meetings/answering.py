"""Answering an invitation: by the link of the message, without signing in, or on the meeting's page.

The link shows title, time and place only. Opening it changes nothing; only its form acts, and sending the same answer
twice changes nothing the second time.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid, NotFound, WrongState
from kernel.refs import Ref
from kernel.text import Phrase, one_line, phone_number, phrase
from meetings import streams
from meetings.access import must_allow, own_place_for
from meetings.letters import ANSWER_LINK, Letters
from meetings.models import Meeting, Participant
from meetings.places import place_words
from meetings.planning import LINE_MAX, note
from meetings.states import LEADING, ROOM_STATES, Answer, MeetingState, Verb, after
from notify.links import Gone, LinkPage, LinkPurpose, link_purpose
from notify.models import Link
from notify.wording import span

REASON_MAX = 500


@dataclass(frozen=True)
class Reply:
    """What an invited person says."""

    answer: Answer | None
    reason: str = ""
    substitute_name: str = ""
    substitute_position: str = ""
    substitute_phone: str = ""

    @classmethod
    def of(cls, form: Mapping[str, str]) -> "Reply":
        """What a form holds; words that do not belong to the chosen answer are left out."""
        chosen = form.get("answer", "")
        answer = Answer(chosen) if chosen in {"yes", "no", "substitute"} else None
        substitute = answer is Answer.SUBSTITUTE
        return cls(
            answer,
            one_line(form.get("reason", "")) if answer in (Answer.NO, Answer.SUBSTITUTE) else "",
            one_line(form.get("substitute_name", "")) if substitute else "",
            one_line(form.get("substitute_position", "")) if substitute else "",
            form.get("substitute_phone", "").strip() if substitute else "",
        )


def answer(tx: Tx, actor: Actor, meeting_id: int, reply: Reply) -> Participant:
    """A signed-in participant answers."""
    meeting, participant = own_place_for(tx, actor, meeting_id)
    store(tx, meeting, participant, reply)
    return participant


def store(tx: Tx, meeting: Meeting, participant: Participant, reply: Reply) -> None:
    """Keep an answer, or a changed one, until the meeting is over. Invalid names what is missing."""
    must_allow(meeting, Verb.ANSWER)
    if clock.now() >= meeting.ends_at:
        raise WrongState(phrase("Cuộc họp đã qua, không trả lời được nữa."))
    reply = _checked(reply)
    assert reply.answer is not None
    if reply == _reply_of(participant):
        return
    participant.answer = reply.answer
    participant.reason = reply.reason
    participant.substitute_name = reply.substitute_name
    participant.substitute_position = reply.substitute_position
    participant.substitute_phone = reply.substitute_phone
    participant.answered_at = clock.now()
    participant.rev += 1
    streams.tell_answer(tx, participant)
    note(tx, meeting, "meeting.answer", {"person": participant.person_id, "answer": str(reply.answer)})


def _reply_of(participant: Participant) -> Reply:
    known = Answer(participant.answer)
    return Reply(
        None if known is Answer.NONE else known,
        participant.reason,
        participant.substitute_name,
        participant.substitute_position,
        participant.substitute_phone,
    )


def _checked(reply: Reply) -> Reply:
    wrong: dict[str, Phrase] = {}
    phone = reply.substitute_phone
    if reply.answer is None:
        wrong["answer"] = phrase("Xin chọn một câu trả lời.")
    if reply.answer is Answer.NO and not reply.reason:
        wrong["reason"] = phrase("Xin nêu lý do vắng mặt.")
    if len(reply.reason) > REASON_MAX:
        wrong["reason"] = phrase("Lý do dài quá {max} ký tự.", max=REASON_MAX)
    if reply.answer is Answer.SUBSTITUTE:
        if not 2 <= len(reply.substitute_name) <= LINE_MAX:
            wrong["substitute_name"] = phrase("Xin nhập họ tên người dự thay.")
        if len(reply.substitute_position) > LINE_MAX:
            wrong["substitute_position"] = phrase("Chức vụ dài quá {max} ký tự.", max=LINE_MAX)
        if phone:
            phone = phone_number(phone) or ""
            if not phone:
                wrong["substitute_phone"] = phrase("Số điện thoại không đúng. Ví dụ: 0912 345 678.")
    if wrong:
        raise Invalid(wrong)
    return Reply(reply.answer, reply.reason, reply.substitute_name, reply.substitute_position, phone)


@link_purpose(ANSWER_LINK)
class AnswerLink(LinkPurpose):
    """The short link of an invitation."""

    def page(self, tx: Tx, link: Link) -> LinkPage:
        """Title, time and place, and the form while an answer is still of use."""
        meeting, participant = _invited(tx, link)
        chair = directory.person(tx, meeting.chair_id)
        return LinkPage(
            title=meeting.title,
            facts=(
                (phrase("Thời gian"), span(meeting.starts_at, meeting.ends_at)),
                (phrase("Địa điểm"), place_words(meeting)),
            ),
            done=_why_no_answer(meeting, participant),
            template="meetings/answer.html",
            context={
                "reply": _reply_of(participant),
                "name": participant.name,
                "answered_at": participant.answered_at,
                "starts_at": meeting.starts_at,
                "ends_at": meeting.ends_at,
                "place": place_words(meeting),
                "chair": ", ".join(filter(None, [chair.name, chair.title])),
                "host": directory.agency(tx, meeting.agency_id).name,
                "meeting": meeting.id,
                "is_cancelled": meeting.state == MeetingState.CANCELLED,
                "can_join": meeting.state in ROOM_STATES,
            },
        )

    def act(self, tx: Tx, link: Link, form: Mapping[str, str]) -> None:
        """Keep the answer."""
        meeting, participant = _invited(tx, link, lock=True)
        store(tx, meeting, participant, Reply.of(form))

    def calendar(self, tx: Tx, link: Link) -> str:
        """Title, time and place for the calendar of who has the link; the agenda is for who signs in."""
        meeting, _ = _invited(tx, link)
        if meeting.state == MeetingState.CANCELLED:
            raise NotFound()
        return Letters(tx, meeting).bare_calendar_copy()

    def gone(self, tx: Tx, link: Link) -> Gone | None:
        """Whether the meeting was called off, is over, or goes on without this person."""
        meeting = tx.session.get(Meeting, Ref.parse(link.ref).id)
        if meeting is None:
            return None
        if meeting.state == MeetingState.CANCELLED:
            why = _why_cancelled(meeting)
            return Gone(phrase("Cuộc họp đã hủy"), why)
        if link.revoked_at is not None:
            text = phrase("Danh sách dự họp đã thay đổi. Xin mở thư mới nhất, hoặc hỏi cơ quan mời.")
            return Gone(phrase("Giấy mời này không còn hiệu lực"), text)
        text = phrase("Liên kết trả lời hết hạn cùng cuộc họp. Xin đăng nhập để xem kết luận và biên bản.")
        return Gone(phrase("Cuộc họp đã qua"), text)


def _why_cancelled(meeting: Meeting) -> Phrase:
    if not meeting.cancel_reason:
        return phrase("Cuộc họp đã hủy, không cần trả lời nữa.")
    return phrase("Cuộc họp đã hủy, không cần trả lời nữa. Lý do: {reason}", reason=meeting.cancel_reason)


def _why_no_answer(meeting: Meeting, participant: Participant) -> Phrase | None:
    """Why the meeting wants no answer any more; None while it does."""
    if meeting.state == MeetingState.CANCELLED:
        return _why_cancelled(meeting)
    if after(meeting.state, Verb.ANSWER) is None or clock.now() >= meeting.ends_at:
        return phrase("Cuộc họp đã kết thúc, không cần trả lời nữa.")
    if participant.role in LEADING:
        return phrase("Đồng chí chủ trì hoặc làm thư ký cuộc họp này nên không cần trả lời.")
    return None


def _invited(tx: Tx, link: Link, *, lock: bool = False) -> tuple[Meeting, Participant]:
    ref = Ref.parse(link.ref)
    meeting = tx.session.get(Meeting, ref.id, with_for_update=lock or None)
    participant = tx.session.scalar(
        sa.select(Participant).where(Participant.meeting_id == ref.id, Participant.person_id == link.person_id)
    )
    if meeting is None or participant is None:
        raise NotFound()
    return meeting, participant
