"""What the hub does when something happens to an envelope: evidence, mailboxes, terms."""

from docex import ways
from docex.hub import mailbox, receipts
from docex.hub.states import ReceiptKind
from docex.models import Delivery, Dispatch
from kernel.db import Tx


class MailboxWay(ways.Way):
    """Mailboxes for agencies whose systems fetch their documents here."""

    name = "mailbox"

    def carry(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> bool:
        """Lay it into the mailbox of an agency that has a system to fetch it."""
        if not mailbox.has_reader(tx, delivery.agency_id):
            return False
        mailbox.put(tx, delivery)
        return True

    def arrived(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> None:
        """A copy lies in an inbox of this instance."""
        receipts.of_delivery(tx, ReceiptKind.AVAILABLE, delivery)


ways.register(MailboxWay())
