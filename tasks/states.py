"""The life of a task as one table: state × verb → state."""

from enum import StrEnum


class TaskState(StrEnum):
    """`awaiting`: the lead says it is finished, the giver has not accepted yet. `returned`: the lead gave it back."""

    NEW = "new"
    RECEIVED = "received"
    IN_PROGRESS = "in_progress"
    AWAITING = "awaiting"
    RETURNED = "returned"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


class Verb(StrEnum):
    """What is done with a task."""

    RECEIVE = "receive"
    REPORT = "report"
    FINISH = "finish"
    ACCEPT = "accept"
    SEND_BACK = "send_back"
    RETURN = "return"
    GIVE_AGAIN = "give_again"
    ASK_EXTENSION = "ask_extension"
    MOVE_DEADLINE = "move_deadline"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


S, V = TaskState, Verb
TABLE: dict[TaskState, dict[Verb, TaskState]] = {
    S.NEW: {
        V.RECEIVE: S.RECEIVED,
        V.REPORT: S.IN_PROGRESS,  # whoever reports or finishes has received it
        V.FINISH: S.AWAITING,
        V.RETURN: S.RETURNED,
        V.MOVE_DEADLINE: S.NEW,
        V.ASK_EXTENSION: S.RECEIVED,
        V.CANCEL: S.CANCELLED,
    },
    S.RECEIVED: {
        V.REPORT: S.IN_PROGRESS,
        V.FINISH: S.AWAITING,
        V.RETURN: S.RETURNED,
        V.ASK_EXTENSION: S.RECEIVED,
        V.MOVE_DEADLINE: S.RECEIVED,
        V.PAUSE: S.PAUSED,
        V.CANCEL: S.CANCELLED,
    },
    S.IN_PROGRESS: {
        V.REPORT: S.IN_PROGRESS,
        V.FINISH: S.AWAITING,
        V.RETURN: S.RETURNED,
        V.ASK_EXTENSION: S.IN_PROGRESS,
        V.MOVE_DEADLINE: S.IN_PROGRESS,
        V.PAUSE: S.PAUSED,
        V.CANCEL: S.CANCELLED,
    },
    S.AWAITING: {V.ACCEPT: S.DONE, V.SEND_BACK: S.IN_PROGRESS, V.CANCEL: S.CANCELLED},
    S.RETURNED: {V.GIVE_AGAIN: S.NEW, V.CANCEL: S.CANCELLED},
    S.PAUSED: {V.RESUME: S.IN_PROGRESS, V.MOVE_DEADLINE: S.PAUSED, V.CANCEL: S.CANCELLED},
    S.DONE: {},
    S.CANCELLED: {},
}
CLOSED = frozenset(state for state, verbs in TABLE.items() if not verbs)
WITH_LEAD = frozenset({S.NEW, S.RECEIVED, S.IN_PROGRESS})  # the lead is the one to act
LEAD_VERBS = frozenset({V.RECEIVE, V.REPORT, V.FINISH, V.RETURN, V.ASK_EXTENSION})


def after(state: TaskState, verb: Verb) -> TaskState | None:
    """The state after `verb`, or None when it is not allowed."""
    return TABLE[state].get(verb)
