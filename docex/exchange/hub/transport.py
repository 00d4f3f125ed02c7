"""The hub's part when something happens to an envelope: evidence, mailboxes, terms."""

from collections.abc import Iterable, Sequence

from docex.documents.delivery import transport
from docex.documents.models import Delivery, Dispatch
from docex.edxml.progress import Progress
from docex.exchange.hub import mailbox, receipts
from docex.exchange.hub.states import ReceiptKind
from docex.exchange.hub.webhooks import subscriptions
from kernel.db import Tx

_SIGNED: dict[str, ReceiptKind] = {
    Progress.AVAILABLE: ReceiptKind.AVAILABLE,
    Progress.RETRIEVED: ReceiptKind.RETRIEVED,
    Progress.EXPIRED: ReceiptKind.EXPIRED,
    Progress.UNDELIVERABLE: ReceiptKind.UNDELIVERABLE,
}


class MailboxTransport(transport.Transport):
    """Mailboxes for agencies whose systems fetch their documents here."""

    name = "mailbox"

    def carry_all(self, tx: Tx, deliveries: Sequence[Delivery], dispatch: Dispatch) -> set[int]:
        """Lay them into the mailboxes of the agencies that have a system to fetch them."""
        reading = mailbox.readers(tx, [one.agency_id for one in deliveries])
        taken = [one for one in deliveries if one.agency_id in reading]
        mailbox.put_all(tx, taken)
        return {one.id for one in taken}

    def fetched(self, tx: Tx, among: Iterable[int]) -> frozenset[int]:
        """The agencies whose systems may fetch by the API."""
        return mailbox.readers(tx, among)

    def mailboxes(self, tx: Tx) -> frozenset[int]:
        """All agencies whose systems may fetch by the API."""
        return mailbox.readers(tx)

    def take_back(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> bool:
        """Out of the mailbox, unless a system has fetched it or is at it now."""
        return mailbox.take_back(tx, delivery)

    def counted_all(
        self, tx: Tx, deliveries: Sequence[Delivery], dispatch: Dispatch, code: str, description: str
    ) -> None:
        """Each step of the hub is signed, whichever transport took it."""
        if code in _SIGNED:
            receipts.of_deliveries(tx, _SIGNED[code], deliveries, description)
        subscriptions.changed(tx, deliveries, dispatch)


transport.register(MailboxTransport())
