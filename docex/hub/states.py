"""What becomes of a parcel, and the kinds of evidence about it. Pure."""

from enum import StrEnum


class ParcelState(StrEnum):
    """A parcel waits until it is fetched, or until its term ends."""

    WAITING = "waiting"
    FETCHED = "fetched"
    EXPIRED = "expired"


class ReceiptKind(StrEnum):
    """What a receipt proves, signed by the hub's key."""

    SUBMITTED = "submitted"  # the hub took the envelope over from its sender
    AVAILABLE = "available"  # it lies ready for one receiver
    RETRIEVED = "retrieved"  # that receiver has it and said so
    EXPIRED = "expired"  # it lay ready and was not fetched in its term
    UNDELIVERABLE = "undeliverable"  # no way to the receiver was found in its term
    REFUSED = "refused"  # the hub did not take it over, with the reason
