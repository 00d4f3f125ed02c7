"""How the hub hears of this part: agencies whose own system fetches here are served, though they have no inbox."""

from collections.abc import Sequence

from docex import ways
from docex.hub import mailbox
from docex.models import Delivery, Dispatch
from docex.vxp import systems
from kernel.db import Tx


class Fetched(ways.Way):
    """Messages wait in the mailbox of the agency until its system says `done`."""

    name = "vxp"

    def carry_all(self, tx: Tx, deliveries: Sequence[Delivery], dispatch: Dispatch) -> set[int]:
        """Lay them into the mailboxes of the agencies that have a system: they are available at once."""
        serving = systems.served(tx, [one.agency_id for one in deliveries])
        taken = [one for one in deliveries if one.agency_id in serving]
        mailbox.put_all(tx, taken)
        return {one.id for one in taken}


ways.register(Fetched())
