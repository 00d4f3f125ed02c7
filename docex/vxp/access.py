"""How the hub hears of this part: agencies whose own system fetches here are served, though they have no inbox."""

from docex import ways
from docex.models import Delivery, Dispatch
from docex.states import Progress
from docex.statuses import say
from docex.vxp import systems
from kernel.db import Tx


class Fetched(ways.Way):
    """Messages wait in the list of the agency's own system until it says `done`."""

    name = "vxp"

    def carry(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> bool:
        """Yes for an agency with a system; its messages are available at once."""
        if not systems.serves(tx, delivery.agency_id):
            return False
        say(tx, delivery, Progress.AVAILABLE)
        return True


ways.register(Fetched())
