"""The life cycles as tables: state × verb → state. Pure; the rooms ask here before they change a row.

Source: Decree 30/2020 arts. 14–24. How far a sending has come at its receivers is in `docex.edxml.progress`.
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
    """The acts on an outgoing document; `*_DONE` and `*_FAILED` are said by the worker."""

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
    """The acts of the receiver; `SAYS` has the status that goes to the sender with it."""

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


def document_after(state: DocumentState, verb: DocumentVerb) -> DocumentState | None:
    """The state after `verb`, or None when it is not allowed now."""
    return OUTGOING[state].get(verb)


def incoming_after(state: IncomingState, verb: IncomingVerb) -> IncomingState | None:
    """The state after `verb`, or None when it is not allowed now."""
    return INCOMING[state].get(verb)
