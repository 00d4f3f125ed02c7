"""Ways out of the hub beside the inboxes of this instance: e-mail now, another axis later.

A way is told what happens to deliveries, inside the transaction in which it happens; what it has to send it promises
as an outbox row. Its module registers it on import.
"""

from docex.models import Delivery, Dispatch
from kernel.db import Tx


class Way:
    """One way. Subclass what concerns it, and `register` an instance."""

    name: str = ""
    last: bool = False  # asked after all others: for what no other way reaches

    def carry(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> bool:
        """Take charge of a delivery to an agency that is not served here. Answers whether it does; asked again for
        the same delivery it promises nothing new."""
        return False

    def arrived(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> None:
        """A copy has just been put into an inbox of this instance."""

    def said(self, tx: Tx, delivery: Delivery, dispatch: Dispatch, code: str, description: str) -> None:
        """A status of QĐ 28/2018 or a step of the hub has just counted for this delivery."""


_ways: dict[str, Way] = {}


def register(way: Way) -> None:
    """Ask this way from now on."""
    _ways[way.name] = way


def carry(tx: Tx, delivery: Delivery, dispatch: Dispatch) -> bool:
    """Whether a way takes charge of this delivery; the first that does is the only one."""
    return any(way.carry(tx, delivery, dispatch) for way in sorted(_ways.values(), key=lambda way: way.last))


def arrived(tx: Tx, delivery: Delivery, dispatch: Dispatch) -> None:
    """Tell all ways."""
    for way in _ways.values():
        way.arrived(tx, delivery, dispatch)


def said(tx: Tx, delivery: Delivery, dispatch: Dispatch, code: str, description: str) -> None:
    """Tell all ways."""
    for way in _ways.values():
        way.said(tx, delivery, dispatch, code, description)
