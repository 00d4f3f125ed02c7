"""One act on many documents: each succeeds or fails for itself and says so."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from directory.actor import Actor
from docex.documents import relations
from docex.documents.access import Right, document_for, incoming_for
from docex.documents.drafting import outgoing
from docex.documents.incoming import handling, submission_sheets
from docex.documents.issuing import issuance
from docex.documents.models import Document, Incoming
from docex.documents.states import IncomingState
from kernel.db import Tx
from kernel.errors import DomainError, Invalid, WrongState
from kernel.text import Phrase, phrase

MAX_DOCUMENTS = 100


@dataclass(frozen=True)
class Outcome:
    """The outcome for one document. One that is `held` waits for the clerk to say that it is meant all the same."""

    id: int
    title: str
    done: bool
    said: Phrase
    held: bool = False


class MayBeDoubled(WrongState):
    """The agency has it already, as it seems."""

    code = "may_be_doubled"


def register_many(tx: Tx, actor: Actor, ids: Iterable[int], *, even_doubled: bool = False) -> tuple[Outcome, ...]:
    """The clerk takes several documents in; numbers follow the order in which they came. What may be a double of
    another one (Decree 30, Annex VI I.III.1h) is held back unless the clerk has seen the warning."""

    def act(thing_id: int) -> Phrase:
        row = register_one(tx, actor, thing_id, even_doubled=even_doubled)
        return phrase("Đã vào sổ văn bản đến, số {number}.", number=f"{row.number:02d}")

    return each(tx, actor, Incoming, ids, act)


def register_one(tx: Tx, actor: Actor, incoming_id: int, *, even_doubled: bool) -> Incoming:
    """Take one in; MayBeDoubled while the clerk has not seen the warning."""
    if not even_doubled:
        _warn(tx, incoming_for(tx, actor, incoming_id, Right.RECEIVE))
    return handling.register(tx, actor, incoming_id)


def hand_over_many(tx: Tx, actor: Actor, ids: Iterable[int], leader_id: int, proposal: str) -> tuple[Outcome, ...]:
    """The clerk puts several registered documents before a leader."""

    def act(thing_id: int) -> Phrase:
        referral = submission_sheets.submit(tx, actor, thing_id, leader_id, proposal)
        return phrase("Đã trình {name}.", name=referral.leader_name)

    return each(tx, actor, Incoming, ids, act)


def submit_many(tx: Tx, actor: Actor, ids: Iterable[int]) -> tuple[Outcome, ...]:
    """Several drafts go to the leaders whose names stand under them."""

    def act(thing_id: int) -> Phrase:
        outgoing.submit(tx, actor, thing_id)
        return phrase("Đã trình ký.")

    return each(tx, actor, Document, ids, act)


def seal_many(tx: Tx, actor: Actor, ids: Iterable[int]) -> tuple[Outcome, ...]:
    """The clerk seals and sends several signed documents; the worker does it one by one."""

    def act(thing_id: int) -> Phrase:
        issuance.seal(tx, actor, thing_id)
        return phrase("Đang đóng dấu và gửi.")

    return each(tx, actor, Document, ids, act)


def _warn(tx: Tx, row: Incoming) -> None:
    twins = relations.duplicates_of(tx, row) if row.state == IncomingState.ARRIVED else []
    if twins:
        raise MayBeDoubled(phrase("Có thể trùng với văn bản {title}.", title=twins[0].title))


def each(
    tx: Tx,
    actor: Actor,
    table: type[Incoming] | type[Document],
    ids: Iterable[int],
    act: Callable[[int], Phrase],
) -> tuple[Outcome, ...]:
    """Do it to each; refusals become outcomes.

    Locks all of them in one order first: the verbs then take the book, and a neighbour who holds one of the documents
    and waits for the book must not be waited for.
    """
    wanted = sorted(set(ids) - {0})
    if not wanted:
        raise Invalid({"id": phrase("Chưa chọn văn bản nào.")})
    if len(wanted) > MAX_DOCUMENTS:
        raise Invalid({"id": phrase("Mỗi lần chọn nhiều nhất {limit} văn bản.", limit=MAX_DOCUMENTS)})
    mine = sa.select(table.id).where(table.id.in_(wanted), table.agency_id == actor.agency_id)
    tx.session.execute(mine.order_by(table.id).with_for_update())
    return tuple(_one(tx, actor, table, thing_id, act) for thing_id in wanted)


def _one(
    tx: Tx, actor: Actor, table: type[Incoming] | type[Document], thing_id: int, act: Callable[[int], Phrase]
) -> Outcome:
    load = incoming_for if table is Incoming else document_for
    title = str(thing_id)
    try:
        row = load(tx, actor, thing_id)
        title = f"{row.code} {row.subject}".strip()
        with tx.attempt():
            message = act(thing_id)
    except DomainError as error:
        fields = list(error.fields.values()) if isinstance(error, Invalid) else []
        held = isinstance(error, MayBeDoubled)
        return Outcome(thing_id, title, False, fields[0] if fields else error.message, held)
    return Outcome(thing_id, title, True, message)
