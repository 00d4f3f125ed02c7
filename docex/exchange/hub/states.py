"""The states of a parcel, and the kinds of evidence about it. Pure."""

from enum import StrEnum


class ParcelState(StrEnum):
    """A parcel waits until it is fetched, until its term ends, or until it is taken back by its sender or for it, or
    given back."""

    WAITING = "waiting"
    FETCHED = "fetched"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class ReceiptKind(StrEnum):
    """The fact that a receipt proves, signed by the hub's key."""

    SUBMITTED = "submitted"  # the hub took the envelope over from its sender
    AVAILABLE = "available"  # it lies ready for one receiver
    RETRIEVED = "retrieved"  # that receiver has it and said so
    EXPIRED = "expired"  # it lay ready, or was handed on, and nobody took it in its term
    WITHDRAWN = "withdrawn"  # taken back by its sender, or for it, or given back, before it was fetched; the reason
    UNDELIVERABLE = "undeliverable"  # no way to the receiver was found in its term
    REFUSED = "refused"  # the hub did not take it over, with the reason
