"""Screens on the wall: a screen shows a code, the secretary enters it once, the screen follows the meeting."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid, NotFound
from kernel.text import phrase
from meetings import streams
from meetings.access import Right, entrance_scope, may_follow, meeting_for, wall_scope
from meetings.models import Meeting, WallPairing
from meetings.planning import note
from meetings.states import OVER_STATES, ROOM_STATES, MeetingState

COOKIE = "lt_wall"
WALL, ENTRANCE = "wall", "entrance"
CODE_GOOD_FOR = timedelta(minutes=15)
#: So long after its planned end a meeting that is over stays on the screens.
SHOWN_FOR = timedelta(days=1)
#: Without letters that look or sound like others on a far screen.
ALPHABET = "ACDEFHJKLMNPRTVXY34679"
CODE_LENGTH = 6


@dataclass(frozen=True)
class NewScreen:
    """A screen that waits to be paired: the code it shows and the token it keeps as a cookie."""

    code: str
    token: str


def show_code(tx: Tx, old_token: str | None = None) -> NewScreen:
    """Give a screen a code to show. The screen's earlier pairing, if it had one, ends."""
    now = clock.now()
    tx.session.execute(sa.delete(WallPairing).where(WallPairing.meeting_id.is_(None), WallPairing.code_until < now))
    if old_token:
        tx.session.execute(sa.delete(WallPairing).where(WallPairing.token_hash == _digest(old_token)))
    token = secrets.token_urlsafe(24)
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    tx.session.add(WallPairing(code=code, token_hash=_digest(token), created_at=now, code_until=now + CODE_GOOD_FOR))
    tx.session.flush()
    return NewScreen(code, token)


def pair(tx: Tx, actor: Actor, meeting_id: int, code: str, kind: str = WALL) -> WallPairing:
    """Let the screen that shows `code` follow a meeting, on the wall or at the door; the code is used up. Invalid where
    no screen may follow."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK)
    if not _is_shown(meeting):
        raise Invalid({"code": _TOO_EARLY if meeting.state == MeetingState.DRAFT else _TOO_LATE})
    wanted = re.sub(r"[\s-]", "", code).upper()
    found = tx.session.scalar(
        sa.select(WallPairing).where(WallPairing.code == wanted, WallPairing.code_until > clock.now())
    )
    if not wanted or found is None:
        raise Invalid({"code": phrase("Mã này không đúng hoặc đã hết hạn. Xin nhập mã đang hiện trên màn hình.")})
    found.meeting_id, found.code, found.kind = meeting.id, None, ENTRANCE if kind == ENTRANCE else WALL
    found.paired_at, found.paired_by_id = clock.now(), actor.person_id
    note(tx, meeting, "meeting.pair_wall", {"wall": found.id})
    return found


def unpair(tx: Tx, actor: Actor, meeting_id: int, wall_id: int) -> None:
    """Take the meeting off a screen; the screen shows a new code."""
    meeting = meeting_for(tx, actor, meeting_id, Right.DESK)
    found = tx.session.get(WallPairing, wall_id)
    if found is None or found.meeting_id != meeting.id:
        raise NotFound()
    tx.session.delete(found)
    note(tx, meeting, "meeting.unpair_wall", {"wall": wall_id})


def walls_of(tx: Tx, meeting_id: int) -> list[WallPairing]:
    """The screens that follow a meeting."""
    query = sa.select(WallPairing).where(WallPairing.meeting_id == meeting_id).order_by(WallPairing.id)
    return list(tx.session.scalars(query))


def pairing_of(tx: Tx, token: str | None) -> WallPairing | None:
    """The screen that holds `token`, paired or waiting."""
    if not token:
        return None
    return tx.session.scalar(sa.select(WallPairing).where(WallPairing.token_hash == _digest(token)))


def followed_by(tx: Tx, actor: Actor | None, screen: WallPairing | None) -> int | None:
    """The meeting that a screen is paired with, if its browser may follow it. `actor` is whom that browser stands
    for: whoever is signed in on it comes before the screen itself.

    A screen is sent to its meeting by this answer alone, because a meeting that refuses it sends it back.
    """
    if screen is None or screen.meeting_id is None:
        return None
    return screen.meeting_id if may_follow(tx, actor, streams.room(screen.meeting_id)) else None


def actor_for_wall(tx: Tx, token: str | None) -> Actor | None:
    """The screen that holds `token` as an actor, while it is paired with a meeting that is not long over."""
    pairing = pairing_of(tx, token)
    if pairing is None or pairing.meeting_id is None:
        return None
    meeting = tx.session.get_one(Meeting, pairing.meeting_id)
    if not _is_shown(meeting):
        return None
    return Actor(
        kind="wall",
        person_id=0,
        agency_id=meeting.agency_id,
        name="Màn hình",
        scopes=frozenset(
            {wall_scope(meeting.id)} | ({entrance_scope(meeting.id)} if pairing.kind == ENTRANCE else set())
        ),
    )


def _is_shown(meeting: Meeting) -> bool:
    """Whether screens may follow a meeting: once people are invited, and until a day after its end when it is over."""
    if meeting.state not in ROOM_STATES:
        return False
    return meeting.state not in OVER_STATES or clock.now() <= meeting.ends_at + SHOWN_FOR


_TOO_EARLY = phrase("Xin gửi giấy mời trước, sau đó mới ghép màn hình.")
_TOO_LATE = phrase("Cuộc họp đã kết thúc hoặc đã hủy nên không chiếu trên màn hình được nữa.")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
