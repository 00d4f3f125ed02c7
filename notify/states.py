"""The life of a message as one table. States only move forward; a receipt may come twice and in any order."""

from enum import StrEnum


class MessageState(StrEnum):
    """`handed`: the provider took it. `shown`: the mailbox page shows it, nothing left the house.

    `unknown`: it was perhaps handed over, and nobody can say; it is not sent again by itself.
    """

    WAITING = "waiting"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    FAILED = "failed"
    HANDED = "handed"
    SHOWN = "shown"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"


# What left is more than what did not: a message that was cancelled or given up while it was on its way still
# becomes `handed` when the provider says so. The two results of a delivery are final.
RANK = {
    MessageState.WAITING: 0,
    MessageState.CANCELLED: 1,
    MessageState.EXPIRED: 1,
    MessageState.UNKNOWN: 2,
    MessageState.FAILED: 2,
    MessageState.HANDED: 3,
    MessageState.SHOWN: 3,
    MessageState.DELIVERED: 4,
    MessageState.UNDELIVERED: 4,
}


def moves_forward(now: str, then: MessageState) -> bool:
    """Whether a message in state `now` may become `then`."""
    return RANK[then] > RANK[MessageState(now)]
