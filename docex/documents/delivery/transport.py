"""The port of the transports: mailboxes of agencies' systems, signed e-mail, systems of the VXP shape, the axis above.

The exchange knows transports by this port alone. A transport is told what happens to deliveries, inside the transaction
in which it happens; what it has to send it enqueues as an outbox row. Its module registers it on import.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from directory.models import ApiClient
from docex.documents.models import Delivery, Dispatch, StatusLog
from kernel.db import Tx
from kernel.text import Phrase


@dataclass(frozen=True)
class FetchingClient:
    """A system that fetches an agency's documents by another protocol than the API, and how it proves who it is."""

    row: ApiClient
    proof: Phrase


@dataclass(frozen=True)
class DirectoryEntries:
    """The entries that a transport adds to the signed directory: by agency how it is reached (`ways`), and
    certificates."""

    ways: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    certificates: list[tuple[int, dict[str, Any]]] = field(default_factory=list)


class Transport:
    """One transport. Subclass what concerns it, and `register` an instance."""

    name: str = ""
    last: bool = False  # asked after all others: for what no other transport reaches

    def carry(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> bool:
        """Take charge of a delivery to an agency that is not served here. Answers whether it does; asked again for
        the same delivery it enqueues nothing new."""
        return False

    def carry_all(self, tx: Tx, deliveries: Sequence[Delivery], dispatch: Dispatch) -> set[int]:
        """The same for several deliveries of one envelope; answers the ids of those that it takes charge of. For
        transports that can do it with fewer statements."""
        return {one.id for one in deliveries if self.carry(tx, one, dispatch)}

    def take_back(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> bool:
        """The sender takes back what its receiver has not confirmed: stop what was enqueued. Answers False when this
        transport may have brought it there all the same."""
        return True

    def expired(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> Phrase | None:
        """The term has ended and the receiver has not said that it has it: what became of what this transport handed
        on, as it stands in the sender's receipt. None when it handed nothing on."""
        return None

    def delivered_here(self, tx: Tx, delivery: Delivery, dispatch: Dispatch) -> None:
        """A copy has just been put into an inbox of this instance."""

    def counted(self, tx: Tx, delivery: Delivery, dispatch: Dispatch, code: str, description: str) -> None:
        """A status of QĐ 28/2018 or a step of the hub has just counted for this delivery."""

    def counted_all(
        self, tx: Tx, deliveries: Sequence[Delivery], dispatch: Dispatch, code: str, description: str
    ) -> None:
        """The same for several deliveries of one envelope."""
        for one in deliveries:
            self.counted(tx, one, dispatch, code, description)

    def logged(
        self, tx: Tx, dispatch: Dispatch, reported: Sequence[tuple[Delivery, StatusLog]], arrived: Sequence[Delivery]
    ) -> None:
        """Statuses of one envelope's deliveries were put on the log, also those that came twice or too late; the
        `arrived` have just reached their receivers, by whichever transport. The lines have ids."""

    def recall_came(self, tx: Tx, recall: Dispatch, delivery_ids: Sequence[int]) -> None:
        """A recall came as an envelope of its own and asks for these deliveries back."""

    def fetched(self, tx: Tx, among: Iterable[int]) -> frozenset[int]:
        """Those of these agencies whose documents a system fetches here by this transport."""
        return frozenset()

    def mailboxes(self, tx: Tx) -> frozenset[int]:
        """All agencies whose mailboxes here are emptied by this transport."""
        return frozenset()

    def clients(self, tx: Tx, agency_id: int) -> list[FetchingClient]:
        """The systems that fetch for an agency by another protocol than the API, by name."""
        return []

    def reaches(self, tx: Tx, agency_id: int) -> bool:
        """Whether documents for an agency that has no inbox here go by this transport."""
        return bool(self.fetched(tx, [agency_id]))

    def directory_entries(self, tx: Tx) -> DirectoryEntries:
        """The facts that systems elsewhere may know of how agencies are reached by this transport."""
        return DirectoryEntries()


_transports: dict[str, Transport] = {}


def register(transport: Transport) -> None:
    """Ask this transport from now on."""
    _transports[transport.name] = transport


def registered() -> dict[str, Transport]:
    """The transports of this process by name."""
    return _transports


def carry(tx: Tx, deliveries: Sequence[Delivery], dispatch: Dispatch) -> bool:
    """Whether transports take charge of all of these deliveries; the first that takes one is its only one."""
    left = list(deliveries)
    for one in sorted(_transports.values(), key=lambda one: one.last):
        taken = one.carry_all(tx, left, dispatch) if left else set()
        left = [delivery for delivery in left if delivery.id not in taken]
    return not left


def take_back(tx: Tx, delivery: Delivery, dispatch: Dispatch) -> bool:
    """Have all transports stop. Answers whether none of them may have brought it to its receiver."""
    answers = [
        one.take_back(tx, delivery, dispatch) for one in _transports.values()
    ]  # all of them stop, also after a False
    return all(answers)


def expired(tx: Tx, delivery: Delivery, dispatch: Dispatch) -> Phrase | None:
    """The fate of a delivery that a transport handed on, when one did."""
    answers = (one.expired(tx, delivery, dispatch) for one in _transports.values())
    return next((words for words in answers if words is not None), None)


def delivered_here(tx: Tx, delivery: Delivery, dispatch: Dispatch) -> None:
    """Tell all transports."""
    for one in _transports.values():
        one.delivered_here(tx, delivery, dispatch)


def counted(tx: Tx, deliveries: Sequence[Delivery], dispatch: Dispatch, code: str, description: str) -> None:
    """Tell all transports."""
    for one in _transports.values():
        one.counted_all(tx, deliveries, dispatch, code, description)


def logged(
    tx: Tx, dispatch: Dispatch, reported: Sequence[tuple[Delivery, StatusLog]], arrived: Sequence[Delivery]
) -> None:
    """Tell all transports what was put on the log."""
    for one in _transports.values():
        one.logged(tx, dispatch, reported, arrived)


def recall_came(tx: Tx, recall: Dispatch, delivery_ids: Sequence[int]) -> None:
    """Tell all transports of a recall that came as an envelope."""
    for one in _transports.values():
        one.recall_came(tx, recall, delivery_ids)


def is_fetched(tx: Tx, agency_id: int) -> bool:
    """Whether a system fetches the documents of this agency here, by whichever transport."""
    return any(one.fetched(tx, [agency_id]) for one in _transports.values())


def mailboxes(tx: Tx) -> frozenset[int]:
    """The agencies whose documents a system fetches here, by whichever transport."""
    return frozenset[int]().union(*(one.mailboxes(tx) for one in _transports.values()))


def clients(tx: Tx, agency_id: int) -> list[FetchingClient]:
    """The systems that fetch for an agency by other protocols than the API."""
    return [client for one in _transports.values() for client in one.clients(tx, agency_id)]


def reaches(tx: Tx, agency_id: int) -> bool:
    """Whether any transport reaches an agency that has no inbox here; the last one, which takes the rest, is not
    asked."""
    return any(one.reaches(tx, agency_id) for one in _transports.values() if not one.last)


def directory_entries(tx: Tx) -> DirectoryEntries:
    """The entries of all transports in the signed directory, in their order."""
    ways: dict[int, list[dict[str, Any]]] = {}
    certificates: list[tuple[int, dict[str, Any]]] = []
    for one in _transports.values():
        entries = one.directory_entries(tx)
        certificates += entries.certificates
        for agency_id, found in entries.ways.items():
            ways.setdefault(agency_id, []).extend(found)
    return DirectoryEntries(ways, certificates)
