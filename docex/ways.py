"""Ways out of the hub beside the inboxes of this instance: e-mail now, another axis later.

A way is told what happens to deliveries, inside the transaction in which it happens; what it has to send it promises
as an outbox row. Its module registers it on import.
"""

from collections.abc import Sequence

from docex.models import Delivery, Dispatch
from kernel.db import Tx
from kernel.text import Phrase


class Way:
    """One way. Subclass what concerns it, and `register` an instance."""

    name: str = ""
    last: bool = False  # asked after all others: for what no other way reaches

    def carry(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> bool:
        """Take charge of a delivery to an agency that is not served here. Answers whether it does; asked again for
        the same delivery it promises nothing new."""
        return False

    def carry_all(self, tx: Tx, deliveries: Sequence[Delivery], dispatch: Dispatch) -> set[int]:
        """The same for several deliveries of one envelope; answers the ids of those that it takes charge of. For ways
        that can do it with fewer statements."""
        return {one.id for one in deliveries if self.carry(tx, one, dispatch)}

    def take_back(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> bool:
        """The sender takes back what its receiver has not confirmed: stop what was promised. Answers False when this
        way may have brought it there all the same."""
        return True

    def ended(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> Phrase | None:
        """The term has ended and the receiver has not said that it has it: what became of what this way handed on, as
        it stands in the sender's receipt. None when it handed nothing on."""
        return None

    def arrived(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> None:
        """A copy has just been put into an inbox of this instance."""

    def said(self, tx: Tx, delivery: Delivery, dispatch: Dispatch, code: str, description: str) -> None:
        """A status of QĐ 28/2018 or a step of the hub has just counted for this delivery."""

    def said_all(self, tx: Tx, deliveries: Sequence[Delivery], dispatch: Dispatch, code: str, description: str) -> None:
        """The same for several deliveries of one envelope."""
        for one in deliveries:
            self.said(tx, one, dispatch, code, description)


_ways: dict[str, Way] = {}


def register(way: Way) -> None:
    """Ask this way from now on."""
    _ways[way.name] = way


def carry(tx: Tx, deliveries: Sequence[Delivery], dispatch: Dispatch) -> bool:
    """Whether ways take charge of all of these deliveries; the first that takes one is its only one."""
    left = list(deliveries)
    for way in sorted(_ways.values(), key=lambda way: way.last):
        taken = way.carry_all(tx, left, dispatch) if left else set()
        left = [one for one in left if one.id not in taken]
    return not left


def take_back(tx: Tx, delivery: Delivery, dispatch: Dispatch) -> bool:
    """Have all ways stop. Answers whether none of them may have brought it to its receiver."""
    answers = [way.take_back(tx, delivery, dispatch) for way in _ways.values()]  # all of them stop, also after a False
    return all(answers)


def ended(tx: Tx, delivery: Delivery, dispatch: Dispatch) -> Phrase | None:
    """What became of what a way handed on, when one did."""
    said = (way.ended(tx, delivery, dispatch) for way in _ways.values())
    return next((words for words in said if words is not None), None)


def arrived(tx: Tx, delivery: Delivery, dispatch: Dispatch) -> None:
    """Tell all ways."""
    for way in _ways.values():
        way.arrived(tx, delivery, dispatch)


def said(tx: Tx, deliveries: Sequence[Delivery], dispatch: Dispatch, code: str, description: str) -> None:
    """Tell all ways."""
    for way in _ways.values():
        way.said_all(tx, deliveries, dispatch, code, description)
