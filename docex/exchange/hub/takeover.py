"""The moment in which the hub takes an envelope over."""

from collections.abc import Sequence
from datetime import timedelta

from docex.documents.models import Dispatch
from docex.exchange.hub import receipts, terms
from docex.exchange.hub.models import Receipt
from kernel.db import Tx


def taken_over(
    tx: Tx, dispatch: Dispatch, receiver_ids: Sequence[int], term: timedelta | None, earlier: Dispatch | None
) -> Receipt:
    """An envelope was handed in: its sender gets a receipt in the same transaction, which names that of the `earlier`
    sending of the same bytes, and the term that they asked for begins, or else the usual one."""
    receipt = receipts.submitted(tx, dispatch, receiver_ids, earlier)
    if receiver_ids:
        terms.begin(tx, dispatch, term)
    return receipt
