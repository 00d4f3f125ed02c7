"""Who may watch what the hub publishes."""

from directory.actor import Actor, Role
from docex.hub import way
from kernel import streams
from kernel.db import Tx

__all__ = ["may_watch_mailbox", "way"]


@streams.guard("mailbox")
def may_watch_mailbox(tx: Tx, actor: Actor, name: str) -> bool:
    """Operators; the agencies' systems ask over the API."""
    return actor.kind == "person" and actor.has(Role.ADMIN)
