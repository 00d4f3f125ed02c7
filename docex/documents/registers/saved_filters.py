"""Filters with a name: each person's own, for each list."""

from dataclasses import dataclass

import sqlalchemy as sa

from directory.actor import Actor
from docex.documents.registers.list_query import ListQuery
from docex.documents.registers.models import SavedFilter
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid, NotFound
from kernel.text import nfc, phrase

LISTS = ("in", "out")
NAME_LENGTH = 60
MAX_FILTERS = 20


@dataclass(frozen=True)
class Saved:
    """A saved filter as a link: `asked` are the parameters of the list's address."""

    id: int
    name: str
    asked: dict[str, str]
    active: bool


def saved_filters(tx: Tx, actor: Actor, list_: str, list_query: ListQuery) -> tuple[Saved, ...]:
    """The actor's own filters of a list, in the order in which they were saved."""
    rows = tx.session.scalars(sa.select(SavedFilter).where(_mine(actor), SavedFilter.list == list_))
    found = sorted(rows, key=lambda row: row.id)
    now = list_query.address()
    return tuple(
        Saved(r.id, r.name, asked, asked == now) for r in found for asked in [ListQuery.read(r.asked).address()]
    )


def save(tx: Tx, actor: Actor, list_: str, name: str, list_query: ListQuery) -> SavedFilter:
    """Keep a filter under a name; the same name again takes the new filter."""
    name = " ".join(nfc(name).split())
    if list_ not in LISTS:
        raise NotFound()
    if not name:
        raise Invalid({"name": phrase("Cần đặt tên cho bộ lọc.")})
    if len(name) > NAME_LENGTH:
        raise Invalid({"name": phrase("Tên bộ lọc dài quá {limit} ký tự.", limit=NAME_LENGTH)})
    mine = list(tx.session.scalars(sa.select(SavedFilter).where(_mine(actor), SavedFilter.list == list_)))
    row = next((r for r in mine if r.name == name), None)
    if row is None:
        if len(mine) >= MAX_FILTERS:
            raise Invalid(
                {"name": phrase("Nhiều nhất {limit} bộ lọc. Hãy bỏ bớt bộ lọc không dùng.", limit=MAX_FILTERS)}
            )
        row = SavedFilter(person_id=actor.person_id, agency_id=actor.agency_id, list=list_, name=name)
        row.made_at = clock.now()
        tx.session.add(row)
    row.asked = list_query.address()
    tx.session.flush()
    return row


def forget(tx: Tx, actor: Actor, filter_id: int) -> str:
    """Drop a filter of one's own; NotFound for anybody else's. Answers the list that it was for."""
    row = tx.session.scalar(sa.select(SavedFilter).where(_mine(actor), SavedFilter.id == filter_id))
    if row is None:
        raise NotFound()
    tx.session.delete(row)
    return row.list


def _mine(actor: Actor) -> sa.ColumnElement[bool]:
    return sa.and_(SavedFilter.person_id == actor.person_id, SavedFilter.agency_id == actor.agency_id)
