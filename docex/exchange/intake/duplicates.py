"""The same bytes once more: the same sending told again, or a new one because the first has ended without success.

Bytes that no key names are named by their hash. What is sent anew under such a name has a number behind it, so that
each sending keeps its own answer and receipt. A key of the sender's own names one sending for good.
"""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from directory import queries as directory
from docex.documents.models import Delivery, Dispatch, StatusIn
from docex.edxml.progress import NOT_HAD, Recall, has_failed, is_to_ask
from docex.exchange.intake import resolve_deliveries
from kernel.db import BigId, Tx

_BY_BYTES = ("sha256:{}", "agent:{}")
"""How the hub names bytes, and how the folder agent always has."""


def is_named_by_bytes(key: str, sha256: str) -> bool:
    """Whether a message has no name of its own but its bytes."""
    return key in (form.format(sha256) for form in _BY_BYTES)


def again(key: str, times: int) -> str:
    """The name of bytes that were sent so many times before."""
    return f"{key}#{times + 1}" if times else key


def sendings(tx: Tx, channel: str, key: str, sha256: str) -> list[sa.Row[Any]]:
    """Hash, answer and rows of what came under this key, oldest first: one, but for bytes that were sent again.
    `dispatch_id` is None for a status, `delivery_id` for everything else."""
    found: list[sa.Row[Any]] = []
    while True:
        named = {"channel": channel, "key": again(key, len(found))}
        row = tx.session.execute(_UNDER_KEY, named).one_or_none()
        if row is None:
            return found
        found.append(row)
        if not is_named_by_bytes(key, sha256):
            return found


def failed_at(tx: Tx, dispatch_ids: Collection[int], agency_ids: Collection[int]) -> set[int]:
    """Those of these agencies at which the last of these sendings has ended without success: expired, undeliverable,
    refused or taken back. What a predecessor of an agency was sent counts as its own."""
    query = sa.select(Delivery).where(Delivery.dispatch_id.in_(dispatch_ids)).order_by(Delivery.id)
    last = {one.agency_id: one for one in tx.session.scalars(query)}
    if not any(has_failed(one.progress, one.recall) for one in last.values()):
        return set()
    return {agency_id for agency_id in agency_ids if _has_failed_for(tx, agency_id, last)}


def _has_failed_for(tx: Tx, agency_id: int, last: dict[int, Delivery]) -> bool:
    line = directory.with_predecessors(tx, [agency_id])
    own = [one for holder, one in last.items() if holder in line]
    return bool(own) and all(has_failed(one.progress, one.recall) for one in own)


def is_to_ask_again(tx: Tx, delivery_ids: Sequence[int]) -> bool:
    """Whether a recall that was handed in before means something new: it was refused, or the document was sent anew."""
    rows = tx.session.scalars(sa.select(Delivery).where(Delivery.id.in_(delivery_ids)))
    open_ones = (one for one in rows if one.recall in (Recall.NONE, Recall.REFUSED))
    return any(is_to_ask(one.progress, one.recall, withdraw=True) for one in open_ones)


def is_about_another(
    tx: Tx,
    earlier_id: int,
    issuers: resolve_deliveries.Succession,
    document_key: str,
    receivers: resolve_deliveries.Succession,
) -> bool:
    """Whether a status that was handed in before is now about another sending of its document: the one that it was
    about has ended without success, and a newer one that its receiver has, has not."""
    earlier = tx.session.get_one(Delivery, earlier_id)
    if not has_failed(earlier.progress, earlier.recall):
        return False
    newest = resolve_deliveries.sent(tx, issuers, document_key, receivers)[0]
    is_there = newest.progress not in NOT_HAD and not has_failed(newest.progress, newest.recall)
    return is_there and newest.id > earlier.id


def earlier_of(tx: Tx, sender_id: int, document_key: str, sha256: str) -> Dispatch | None:
    """The last time that an agency sent these very bytes."""
    query = sa.select(Dispatch).where(
        Dispatch.sender_id == sender_id, Dispatch.document_key == document_key, Dispatch.sha256 == sha256
    )
    return tx.session.scalar(query.order_by(Dispatch.id.desc()).limit(1))


def _under_key(table: type[Dispatch] | type[StatusIn], dispatch_id: Any, delivery_id: Any) -> sa.Select[Any]:
    named = table.channel == sa.bindparam("channel"), table.message_id == sa.bindparam("key")
    numbers = dispatch_id.label("dispatch_id"), delivery_id.label("delivery_id")
    return sa.select(table.sha256, table.answer, *numbers).where(*named)


_NONE = sa.cast(sa.null(), BigId)
_UNDER_KEY = sa.union_all(_under_key(Dispatch, Dispatch.id, _NONE), _under_key(StatusIn, _NONE, StatusIn.delivery_id))
