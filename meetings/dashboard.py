"""What waits on the start page: invitations to answer, and the meetings of the day with "join"."""

from datetime import datetime, time, timedelta

import sqlalchemy as sa

from directory.actor import Actor
from kernel import clock
from kernel.dashboard import Act, Chip, Item, section
from kernel.db import Tx
from kernel.text import Phrase, phrase
from meetings.models import Meeting, Participant
from meetings.places import place_words
from meetings.queries import STATE_WORDS
from meetings.states import OVER_STATES, Answer, MeetingState
from notify.wording import span

MOST = 20


@section(60, phrase("Giấy mời chờ trả lời"), phrase("Không có giấy mời nào chờ trả lời."))
def to_answer(tx: Tx, actor: Actor) -> list[Item] | None:
    """Invitations that the actor has not answered, the nearest meeting first; not shown when there are none."""
    query = (
        _mine(actor)
        .where(
            Participant.answer == Answer.NONE,
            Meeting.state == MeetingState.CONVENED,
            Meeting.ends_at > clock.now(),
        )
        .limit(MOST)
    )
    found = [
        _item(actor, meeting, phrase("Trả lời"), f"/meetings/{meeting.id}#answer")
        for meeting in tx.session.scalars(query)
    ]
    return found or None


@section(70, phrase("Họp trong ngày"), phrase("Hôm nay không có cuộc họp nào."))
def of_the_day(tx: Tx, actor: Actor) -> list[Item]:
    """The meetings of today, with the way into the room."""
    morning = datetime.combine(clock.today(), time(0), clock.VN)
    query = _mine(actor).where(
        Meeting.starts_at < morning + timedelta(days=1),
        Meeting.ends_at >= morning,
        Meeting.state.not_in([MeetingState.DRAFT, *OVER_STATES]),
    )
    return [_item(actor, m, phrase("Vào họp"), f"/meetings/{m.id}/room") for m in tx.session.scalars(query)]


def _mine(actor: Actor) -> sa.Select[Meeting]:
    return (
        sa.select(Meeting)
        .join(Participant, Participant.meeting_id == Meeting.id)
        .where(Participant.person_id == actor.person_id)
        .order_by(Meeting.starts_at, Meeting.id)
    )


def _item(actor: Actor, meeting: Meeting, label: Phrase, url: str) -> Item:
    word, tone = STATE_WORDS[meeting.state]
    return Item(
        title=meeting.title,
        url=f"/meetings/{meeting.id}",
        meta=(span(meeting.starts_at, meeting.ends_at, actor.locale), place_words(meeting)),
        chip=Chip(word, tone),
        act=Act(label, url),
    )
