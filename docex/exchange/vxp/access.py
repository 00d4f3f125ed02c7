"""How the hub hears of this part: agencies whose own system fetches here are served, though they have no inbox."""

from collections.abc import Iterable, Sequence

from docex.documents.delivery import transport
from docex.documents.delivery.transport import FetchingClient
from docex.documents.models import Delivery, Dispatch, StatusLog
from docex.exchange.hub import mailbox
from docex.exchange.vxp import listing, systems
from kernel.db import Tx
from kernel.text import phrase


class VxpTransport(transport.Transport):
    """Messages wait in the mailbox of the agency until its system says `done`."""

    name = "vxp"

    def carry_all(self, tx: Tx, deliveries: Sequence[Delivery], dispatch: Dispatch) -> set[int]:
        """Lay them into the mailboxes of the agencies that have a system: they are available at once."""
        serving = systems.served(tx, [one.agency_id for one in deliveries])
        taken = [one for one in deliveries if one.agency_id in serving]
        mailbox.put_all(tx, taken)
        return {one.id for one in taken}

    def logged(
        self, tx: Tx, dispatch: Dispatch, reported: Sequence[tuple[Delivery, StatusLog]], arrived: Sequence[Delivery]
    ) -> None:
        """Put into systems' lists what they are to be told."""
        if arrived or any(line.code in listing.STATUSES for _, line in reported):
            listing.enter(tx, dispatch, reported, arrived)

    def recall_came(self, tx: Tx, recall: Dispatch, delivery_ids: Sequence[int]) -> None:
        """Put it into the lists of the systems of whom it asks."""
        listing.enter_recall(tx, recall, delivery_ids)

    def fetched(self, tx: Tx, among: Iterable[int]) -> frozenset[int]:
        """The agencies whose own system, or one that covers them from above, fetches here."""
        return systems.served(tx, among)

    def mailboxes(self, tx: Tx) -> frozenset[int]:
        """The agencies of all systems, with those below that they cover."""
        return systems.mailbox_agencies(tx)

    def clients(self, tx: Tx, agency_id: int) -> list[FetchingClient]:
        """The systems of this shape that fetch for an agency."""
        proof = phrase("ký bằng khóa chung, kiểu VXP")
        return [FetchingClient(row, proof) for row in systems.clients_for(tx, agency_id)]


transport.register(VxpTransport())
