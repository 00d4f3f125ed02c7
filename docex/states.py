"""The life cycles as tables: state × verb → state. Pure; the rooms ask here before they change a row.

Sources: Decree 30/2020 arts. 14–24, QĐ 28/2018/QĐ-TTg (the nine statuses between agencies).
"""

from enum import StrEnum


class DocumentState(StrEnum):
    """Where an outgoing document stands. SIGNING and SEALING last as long as the worker needs."""

    DRAFT = "draft"
    CHECK = "check"
    REVIEW = "review"
    SIGNING = "signing"
    SIGNED = "signed"
    SEALING = "sealing"
    SEALED = "sealed"
    SENT = "sent"
    FINISHED = "finished"
    RECALLING = "recalling"
    RECALLED = "recalled"
    REPLACED = "replaced"


class DocumentVerb(StrEnum):
    """What can be done to an outgoing document; `*_DONE` and `*_FAILED` are said by the worker."""

    EDIT = "edit"
    SUBMIT = "submit"
    SUBMIT_TO_CHECK = "submit_to_check"
    APPROVE = "approve"
    WITHDRAW = "withdraw"
    RETURN = "return"
    SIGN = "sign"
    SIGN_DONE = "sign_done"
    SIGN_FAILED = "sign_failed"
    SEAL = "seal"
    SEAL_DONE = "seal_done"
    SEAL_FAILED = "seal_failed"
    SEND_AGAIN = "send_again"
    SEND_DONE = "send_done"
    HANDED_OUT = "handed_out"
    FINISH = "finish"
    RECALL = "recall"
    RECALL_LOCALLY = "recall_locally"
    RECALL_AGREED = "recall_agreed"
    RECALL_REFUSED = "recall_refused"
    RESEND = "resend"
    REPLACE = "replace"


_D, _V = DocumentState, DocumentVerb

OUTGOING: dict[DocumentState, dict[DocumentVerb, DocumentState]] = {
    _D.DRAFT: {_V.EDIT: _D.DRAFT, _V.SUBMIT: _D.REVIEW, _V.SUBMIT_TO_CHECK: _D.CHECK},
    _D.CHECK: {_V.APPROVE: _D.REVIEW, _V.RETURN: _D.DRAFT, _V.WITHDRAW: _D.DRAFT},
    _D.REVIEW: {_V.WITHDRAW: _D.DRAFT, _V.RETURN: _D.DRAFT, _V.SIGN: _D.SIGNING},
    _D.SIGNING: {_V.SIGN_DONE: _D.SIGNED, _V.SIGN_FAILED: _D.REVIEW},
    _D.SIGNED: {_V.RETURN: _D.DRAFT, _V.SEAL: _D.SEALING},
    _D.SEALING: {_V.SEAL_DONE: _D.SEALED, _V.SEAL_FAILED: _D.SIGNED},
    _D.SEALED: {
        _V.SEND_AGAIN: _D.SEALED,
        _V.SEND_DONE: _D.SENT,
        _V.HANDED_OUT: _D.FINISHED,  # a copy on paper that goes to nobody here
        _V.RECALL_LOCALLY: _D.RECALLED,
    },
    _D.SENT: {
        _V.FINISH: _D.FINISHED,
        _V.RECALL: _D.RECALLING,
        _V.RESEND: _D.SENT,
        _V.REPLACE: _D.REPLACED,
    },
    # Frozen from here on: no verb changes the document or what is known of it (Decree 30 Annex VI).
    _D.RECALLING: {_V.RECALL_AGREED: _D.RECALLED, _V.RECALL_REFUSED: _D.SENT},
    _D.FINISHED: {_V.RESEND: _D.SENT, _V.REPLACE: _D.REPLACED},
    _D.RECALLED: {},
    _D.REPLACED: {},
}


class IncomingState(StrEnum):
    """Where the receiver's copy of a document stands."""

    ARRIVED = "arrived"
    REGISTERED = "registered"
    REFUSED = "refused"
    SUBMITTED = "submitted"
    ASSIGNED = "assigned"
    WORKING = "working"
    DONE = "done"
    CANCELLED = "cancelled"


class IncomingVerb(StrEnum):
    """What the receiver does; `SAYS` has the status that goes to the sender with it."""

    REGISTER = "register"
    REFUSE = "refuse"
    SUBMIT = "submit"
    WITHDRAW = "withdraw"
    ASSIGN = "assign"
    START = "start"
    FINISH = "finish"
    REOPEN = "reopen"
    CANCEL = "cancel"


_I, _W = IncomingState, IncomingVerb

INCOMING: dict[IncomingState, dict[IncomingVerb, IncomingState]] = {
    _I.ARRIVED: {_W.REGISTER: _I.REGISTERED, _W.REFUSE: _I.REFUSED, _W.CANCEL: _I.CANCELLED},
    _I.REGISTERED: {
        _W.SUBMIT: _I.SUBMITTED,
        _W.ASSIGN: _I.ASSIGNED,
        _W.FINISH: _I.DONE,
        _W.CANCEL: _I.CANCELLED,
    },
    _I.SUBMITTED: {
        _W.WITHDRAW: _I.REGISTERED,
        _W.ASSIGN: _I.ASSIGNED,
        _W.FINISH: _I.DONE,
        _W.CANCEL: _I.CANCELLED,
    },
    _I.ASSIGNED: {
        _W.START: _I.WORKING,
        _W.FINISH: _I.DONE,
        _W.REOPEN: _I.REGISTERED,
        _W.CANCEL: _I.CANCELLED,
    },
    _I.WORKING: {_W.FINISH: _I.DONE, _W.REOPEN: _I.REGISTERED, _W.CANCEL: _I.CANCELLED},
    _I.REFUSED: {},
    _I.DONE: {_W.CANCEL: _I.CANCELLED},
    _I.CANCELLED: {},
}

SAYS: dict[IncomingVerb, str] = {
    IncomingVerb.REGISTER: "03",
    IncomingVerb.REFUSE: "02",
    IncomingVerb.ASSIGN: "04",
    IncomingVerb.START: "05",
    IncomingVerb.FINISH: "06",
}
"""The status that goes back to the sender with each act of the receiver (QĐ 28/2018)."""


class Progress(StrEnum):
    """How far a document has come at one recipient: three steps of the hub, then the statuses of QĐ 28/2018."""

    SUBMITTED = "submitted"
    AVAILABLE = "available"
    EXPIRED = "expired"
    UNDELIVERABLE = "undeliverable"
    RETRIEVED = "retrieved"
    ARRIVED = "01"
    REFUSED = "02"
    REGISTERED = "03"
    ASSIGNED = "04"
    WORKING = "05"
    DONE = "06"


LOST = frozenset({Progress.EXPIRED, Progress.UNDELIVERABLE})
"""The term ended, or no way led there: nothing more is done for this recipient."""
NOT_HAD = LOST | {Progress.SUBMITTED, Progress.AVAILABLE}
"""Nobody at the recipient's has said so far that it is there."""


def has_failed(progress: str, recall: str) -> bool:
    """Whether a sending has ended for a recipient without success: expired, without a way, refused, or taken back, by
    whomever and however late. Whoever sends the same once more then means a new sending."""
    return progress in LOST or progress == Progress.REFUSED or recall == Recall.AGREED


TAKEN_IN = frozenset({Progress.REGISTERED, Progress.ASSIGNED, Progress.WORKING, Progress.DONE})
"""The recipient has it in its book: it said 03 or more."""

_RANK = {
    Progress.SUBMITTED: 0,
    Progress.AVAILABLE: 1,
    Progress.EXPIRED: 2,  # the term ended; whatever the receiver says later counts all the same
    Progress.UNDELIVERABLE: 2,
    Progress.RETRIEVED: 3,
    Progress.ARRIVED: 4,
    Progress.REGISTERED: 5,
    Progress.ASSIGNED: 6,
    Progress.WORKING: 7,
    Progress.DONE: 8,
}

SETTLED = frozenset({Progress.REFUSED, Progress.DONE})
"""Nothing more is expected from a recipient that said one of these."""


def advanced(current: Progress, said: Progress) -> Progress:
    """The greater of what was known and what is said now: statuses come twice and out of order.

    A refusal counts only before registration and is the last word.
    """
    if current is Progress.REFUSED:
        return current
    if said is Progress.REFUSED:
        return said if _RANK[current] <= _RANK[Progress.ARRIVED] else current
    return said if _RANK[said] > _RANK[current] else current


class Recall(StrEnum):
    """Whether the sender wants a delivery back, and what the recipient answered; beside the progress."""

    NONE = ""
    ASKED = "13"
    AGREED = "15"
    REFUSED = "16"


def recall_after(current: Recall, said: Recall) -> Recall:
    """A recall can be asked again after a refusal; an answer without a question changes nothing."""
    if said is Recall.ASKED:
        return current if current is Recall.AGREED else said
    if said in (Recall.AGREED, Recall.REFUSED):
        return said if current is Recall.ASKED else current
    return current


def is_to_ask(progress: str, recall: str, *, withdraw: bool) -> bool:
    """Whether a delivery is still to be asked for. Who refused it has nothing to give back, and who was asked has still
    to answer; but what was only asked for, as an update does, and lies unfetched is yet to be withdrawn by a recall."""
    if progress == Progress.REFUSED:
        return False
    if recall == Recall.ASKED:
        return withdraw and progress in NOT_HAD
    return recall != Recall.AGREED


def document_after(state: DocumentState, verb: DocumentVerb) -> DocumentState | None:
    """The state after `verb`, or None when it is not allowed now."""
    return OUTGOING[state].get(verb)


def incoming_after(state: IncomingState, verb: IncomingVerb) -> IncomingState | None:
    """The state after `verb`, or None when it is not allowed now."""
    return INCOMING[state].get(verb)
