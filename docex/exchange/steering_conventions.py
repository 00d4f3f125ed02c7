"""How the software of an agency numbers `SteeringType`: two conventions are alive (docs/edxml.md).

An administrator says it for an agency; those below it follow, as a city's system serves its departments. What an agency
sends is read by its own convention. What is written here follows that of its receivers when they all have the same one;
one envelope serves them all, so where they differ it is the standard's.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from directory import queries as directory
from directory.access import administered, agency_for
from directory.actor import Actor, chain_of
from directory.models import Agency
from docex.documents.models import Convention
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid
from kernel.text import Phrase, collation_key, phrase

STANDARD = 0
STEERING_FIRSTS: dict[str, Phrase] = {
    "": phrase("Theo cơ quan cấp trên, hoặc theo chuẩn"),
    "0": phrase("Từ 0: 0 không phải chỉ đạo, 1 chỉ đạo, 2 báo cáo"),
    "1": phrase("Từ 1: 1 không phải chỉ đạo, 2 chỉ đạo, 3 báo cáo"),
}


@dataclass(frozen=True)
class Chosen:
    """The choice for one agency."""

    agency_id: int
    name: str
    steering: Phrase


def choose(tx: Tx, actor: Actor, agency_id: int, steering_first: str) -> None:
    """Say from which number an agency's software counts; "" takes it back."""
    agency = agency_for(tx, actor, agency_id)
    if steering_first not in STEERING_FIRSTS:
        raise Invalid({"steering_first": phrase("Cần chọn cách đánh số.")})
    row = tx.session.get(Convention, agency.id, with_for_update=True)
    if row is not None and not steering_first:
        tx.session.delete(row)
    elif steering_first:
        row = row or Convention(agency_id=agency.id)
        row.steering_first, row.changed_at = int(steering_first), clock.now()
        tx.session.add(row)
    tx.audit(chain_of(agency.id), "exchange.steering_convention", f"agency:{agency.id}", {"first": steering_first})


def chosen(tx: Tx, actor: Actor) -> list[Chosen]:
    """The choices for the agencies that the actor administers."""
    query = (
        sa.select(Convention, Agency.name)
        .join(Agency, Agency.id == Convention.agency_id)
        .where(Convention.agency_id.in_(administered(tx, actor)))
    )
    rows = [
        Chosen(row.agency_id, name, STEERING_FIRSTS[str(row.steering_first)]) for row, name in tx.session.execute(query)
    ]
    return sorted(rows, key=lambda one: collation_key(one.name))


def choice(tx: Tx, actor: Actor) -> list[tuple[str, str]]:
    """The agencies for which the actor may say it, for a form."""
    cards = directory.agencies(tx, administered(tx, actor)).values()
    return [(str(card.id), card.name) for card in sorted(cards, key=lambda card: collation_key(card.name))]


def steering_first(tx: Tx, agency_id: int) -> int:
    """From which number the agency's software counts: its own choice, or that of the nearest above it."""
    choices = _choices(tx)
    return _first(tx, agency_id, choices) if choices else STANDARD


def steering_first_for(tx: Tx, receiver_ids: Iterable[int]) -> int:
    """From which number to count in an envelope for these receivers."""
    choices = _choices(tx)
    firsts = {_first(tx, agency_id, choices) for agency_id in receiver_ids} if choices else set()
    return firsts.pop() if len(firsts) == 1 else STANDARD


def _choices(tx: Tx) -> dict[int, int]:
    rows = tx.session.execute(sa.select(Convention.agency_id, Convention.steering_first))
    return {agency_id: first for agency_id, first in rows}


def _first(tx: Tx, agency_id: int | None, choices: dict[int, int]) -> int:
    seen: set[int] = set()
    while agency_id is not None and agency_id not in seen:
        if agency_id in choices:
            return choices[agency_id]
        seen.add(agency_id)
        agency_id = directory.agency(tx, agency_id).parent_id
    return STANDARD
