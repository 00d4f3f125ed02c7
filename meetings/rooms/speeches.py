"""Who spoke: how often and how long each, on which point, and who has not said a word."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from kernel.db import Tx
from meetings.live import LiveSpeech
from meetings.models import SpeakTurn
from meetings.states import Turn


@dataclass(frozen=True)
class Speech:
    """One speech that is over. `seconds` without the pauses."""

    participant: int
    item: int | None
    started_at: datetime
    seconds: int


def speeches_of(tx: Tx, meeting_id: int, participant_id: int | None = None) -> list[Speech]:
    """What was said in a meeting, or by one participant, in the order of speaking."""
    query = (
        sa.select(SpeakTurn)
        .where(SpeakTurn.meeting_id == meeting_id, SpeakTurn.state == Turn.DONE, SpeakTurn.started_at.is_not(None))
        .order_by(SpeakTurn.started_at, SpeakTurn.id)
    )
    if participant_id is not None:
        query = query.where(SpeakTurn.participant_id == participant_id)
    return [_speech(turn) for turn in tx.session.scalars(query)]


def totals_of(speeches: Iterable[Speech]) -> dict[int, LiveSpeech]:
    """How often and how long each participant has spoken, by participant."""
    found: dict[int, LiveSpeech] = {}
    for one in speeches:
        before = found.get(one.participant, LiveSpeech(one.participant, 0, 0, 0))
        times = before.times + 1
        found[one.participant] = LiveSpeech(one.participant, times, times, before.seconds + one.seconds)
    return found


def _speech(turn: SpeakTurn) -> Speech:
    assert turn.started_at is not None
    ended = turn.ended_at or turn.started_at
    seconds = max(0, round((ended - turn.started_at).total_seconds()))
    return Speech(turn.participant_id, turn.item_id, turn.started_at, seconds)
