"""What the hub does when something happens to an envelope: evidence, mailboxes, terms."""

from collections.abc import Sequence

from docex import ways
from docex.hub import receipts
from docex.hub.states import ReceiptKind
from docex.models import Delivery, Dispatch
from kernel.db import Tx


def taken_over(tx: Tx, dispatch: Dispatch, receiver_ids: Sequence[int]) -> None:
    """An envelope was handed in: its sender gets a receipt in the same transaction."""
    receipts.submitted(tx, dispatch, receiver_ids)


class MailboxWay(ways.Way):
    """Mailboxes for agencies whose systems fetch their documents here."""

    name = "mailbox"

    def arrived(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> None:
        """A copy lies in an inbox of this instance."""
        receipts.of_delivery(tx, ReceiptKind.AVAILABLE, delivery)


ways.register(MailboxWay())
