"""The life of a meeting, of an answer and of a place in the speakers' queue, as tables. Pure."""

from enum import StrEnum


class MeetingKind(StrEnum):
    """Where people meet."""

    ROOM = "room"
    ONLINE = "online"
    HYBRID = "hybrid"


class MeetingState(StrEnum):
    """`draft` is the secretary's alone; from `convened` on participants see it."""

    DRAFT = "draft"
    CONVENED = "convened"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"
    RECORDED = "recorded"
    CANCELLED = "cancelled"


class Verb(StrEnum):
    """What can be done to a meeting."""

    EDIT = "edit"  # agenda, papers, people, title
    CONVENE = "convene"
    MOVE_TIME = "move_time"  # time or place after convening
    CANCEL = "cancel"
    ANSWER = "answer"
    OPEN = "open"
    PAUSE = "pause"
    RESUME = "resume"
    TAKE_ITEM = "take_item"
    CHECK_IN = "check_in"
    SPEAK = "speak"
    CONCLUDE = "conclude"
    PREPARE_VOTE = "prepare_vote"
    VOTE = "vote"  # open a vote, cast a ballot
    COUNT = "count"  # close a vote, announce it
    CLOSE = "close"
    UNDO_OPEN = "undo_open"
    UNDO_CLOSE = "undo_close"
    RECORD = "record"


class Audience(StrEnum):
    """Who reads a point of the agenda: everybody; or the desk and chosen participants, while the others see that there
    is a closed point (CLOSED), or nothing of it (HIDDEN)."""

    EVERYONE = "everyone"
    CLOSED = "closed"
    HIDDEN = "hidden"


class Role(StrEnum):
    """A participant's part in one meeting."""

    CHAIR = "chair"
    SECRETARY = "secretary"
    DELEGATE = "delegate"
    GUEST = "guest"


LEADING = frozenset({Role.CHAIR, Role.SECRETARY})
"""Who leads a meeting comes to it: nobody asks them."""


class Answer(StrEnum):
    """What an invited person said; `none` is silence."""

    NONE = "none"
    YES = "yes"
    NO = "no"
    SUBSTITUTE = "substitute"


class Turn(StrEnum):
    """A place in the speakers' queue."""

    WAITING = "waiting"
    SPEAKING = "speaking"
    DONE = "done"
    WITHDRAWN = "withdrawn"


_S, _V = MeetingState, Verb

#: state × verb → state. What is not in the table is refused.
MOVES: dict[tuple[MeetingState, Verb], MeetingState] = {
    (_S.DRAFT, _V.EDIT): _S.DRAFT,
    (_S.DRAFT, _V.MOVE_TIME): _S.DRAFT,
    (_S.DRAFT, _V.CONVENE): _S.CONVENED,
    (_S.DRAFT, _V.CANCEL): _S.CANCELLED,
    (_S.CONVENED, _V.EDIT): _S.CONVENED,
    (_S.CONVENED, _V.CONVENE): _S.CONVENED,  # invites who was added later
    (_S.CONVENED, _V.MOVE_TIME): _S.CONVENED,
    (_S.CONVENED, _V.CANCEL): _S.CANCELLED,
    (_S.CONVENED, _V.ANSWER): _S.CONVENED,
    (_S.CONVENED, _V.CHECK_IN): _S.CONVENED,
    (_S.CONVENED, _V.OPEN): _S.OPEN,
    (_S.OPEN, _V.EDIT): _S.OPEN,
    (_S.OPEN, _V.CONVENE): _S.OPEN,
    (_S.OPEN, _V.ANSWER): _S.OPEN,
    (_S.OPEN, _V.PAUSE): _S.PAUSED,
    (_S.OPEN, _V.TAKE_ITEM): _S.OPEN,
    (_S.OPEN, _V.CHECK_IN): _S.OPEN,
    (_S.OPEN, _V.SPEAK): _S.OPEN,
    (_S.OPEN, _V.CONCLUDE): _S.OPEN,
    (_S.OPEN, _V.CLOSE): _S.CLOSED,
    (_S.PAUSED, _V.RESUME): _S.OPEN,
    (_S.PAUSED, _V.ANSWER): _S.PAUSED,
    (_S.PAUSED, _V.CHECK_IN): _S.PAUSED,
    (_S.PAUSED, _V.CONCLUDE): _S.PAUSED,
    (_S.PAUSED, _V.CLOSE): _S.CLOSED,
    (_S.CLOSED, _V.CONCLUDE): _S.CLOSED,
    (_S.CLOSED, _V.RECORD): _S.RECORDED,
    (_S.OPEN, _V.UNDO_OPEN): _S.CONVENED,
    (_S.CLOSED, _V.UNDO_CLOSE): _S.OPEN,
    (_S.DRAFT, _V.PREPARE_VOTE): _S.DRAFT,
    (_S.CONVENED, _V.PREPARE_VOTE): _S.CONVENED,
    (_S.OPEN, _V.PREPARE_VOTE): _S.OPEN,
    (_S.PAUSED, _V.PREPARE_VOTE): _S.PAUSED,
    (_S.OPEN, _V.VOTE): _S.OPEN,
    (_S.OPEN, _V.COUNT): _S.OPEN,
    (_S.PAUSED, _V.COUNT): _S.PAUSED,
    (_S.CLOSED, _V.COUNT): _S.CLOSED,
}


def after(state: str, verb: Verb) -> MeetingState | None:
    """The state that `verb` leads to, or None when it is not allowed now."""
    return MOVES.get((MeetingState(state), verb))


#: States in which the room can be entered.
ROOM_STATES = frozenset({_S.CONVENED, _S.OPEN, _S.PAUSED, _S.CLOSED, _S.RECORDED})
#: States in which it is being held.
RUNNING_STATES = frozenset({_S.OPEN, _S.PAUSED})
#: States after which nothing of the invitation matters any more.
OVER_STATES = frozenset({_S.CLOSED, _S.RECORDED, _S.CANCELLED})
