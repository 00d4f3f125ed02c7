"""Received copies in the search: what each is found by in its agency."""

from docex.documents.envelope import Facts
from docex.documents.models import Incoming
from kernel import search
from kernel.db import Tx
from kernel.refs import Ref


def index_incoming(tx: Tx, incoming: Incoming, facts: Facts) -> None:
    """Make a received copy findable in its agency."""
    search.put(
        tx,
        f"agency:{incoming.agency_id}",
        Ref("incoming", incoming.id),
        incoming.arrived_at,
        incoming.subject,
        incoming.code,
        incoming.sender_name,
        incoming.kind_name,
        facts.signer,
        str(incoming.number or ""),
    )
