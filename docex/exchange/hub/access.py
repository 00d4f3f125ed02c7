"""Guards of the streams that the hub publishes."""

from directory.access import administered
from directory.actor import Actor, Role
from docex.exchange.hub import transport
from kernel import streams
from kernel.db import Tx
from kernel.refs import row_id

__all__ = ["may_watch_mailbox", "transport"]


@streams.guard("mailbox")
def may_watch_mailbox(tx: Tx, actor: Actor, name: str) -> bool:
    """The administrators of that agency may; the agencies' systems ask over the API."""
    agency_id = row_id(name.partition(":")[2])
    if actor.kind != "person" or not actor.has(Role.ADMIN) or agency_id is None:
        return False
    return agency_id in administered(tx, actor)
