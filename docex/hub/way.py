"""What the hub does when something happens to an envelope: evidence, mailboxes, terms."""

from docex import ways
from docex.hub import mailbox, receipts, webhooks
from docex.hub.states import ReceiptKind
from docex.models import Delivery, Dispatch
from docex.states import Progress
from kernel.db import Tx

_SIGNED: dict[str, ReceiptKind] = {
    Progress.AVAILABLE: ReceiptKind.AVAILABLE,
    Progress.RETRIEVED: ReceiptKind.RETRIEVED,
    Progress.EXPIRED: ReceiptKind.EXPIRED,
    Progress.UNDELIVERABLE: ReceiptKind.UNDELIVERABLE,
}


class MailboxWay(ways.Way):
    """Mailboxes for agencies whose systems fetch their documents here."""

    name = "mailbox"

    def carry(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> bool:
        """Lay it into the mailbox of an agency that has a system to fetch it."""
        if not mailbox.has_reader(tx, delivery.agency_id):
            return False
        mailbox.put(tx, delivery)
        return True

    def said(self, tx: Tx, delivery: Delivery, dispatch: Dispatch, code: str, description: str) -> None:
        """Each step of the hub is signed, whichever way took it."""
        if code in _SIGNED:
            receipts.of_delivery(tx, _SIGNED[code], delivery, description)
        webhooks.changed(tx, delivery, dispatch)


ways.register(MailboxWay())
