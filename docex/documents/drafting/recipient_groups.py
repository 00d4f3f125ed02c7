"""Saved groups of recipients, and the types of document with a series of numbers of their own."""

from dataclasses import dataclass

import sqlalchemy as sa

from directory import queries as directory
from directory.actor import Actor, Role, require
from docex.documents.access import DRAFTERS
from docex.documents.drafting.draft import MAX_RECIPIENTS
from docex.documents.models import Group, Series
from docex.edxml.codes import KIND_BY_SLUG
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid, NotFound
from kernel.refs import Ref
from kernel.text import Phrase, collation_key, one_line, phrase

NAME_LENGTH = 100
KEEPERS = (Role.CLERK, Role.OFFICE_CHIEF)


@dataclass(frozen=True)
class RecipientGroup:
    """A saved list of recipients; `members` are agency ids."""

    id: int
    name: str
    members: tuple[int, ...]


def groups_of(tx: Tx, agency_id: int) -> list[RecipientGroup]:
    """The groups of an agency, in alphabetical order."""
    rows = tx.session.scalars(sa.select(Group).where(Group.agency_id == agency_id))
    groups = [RecipientGroup(row.id, row.name, tuple(row.members)) for row in rows]
    return sorted(groups, key=lambda group: collation_key(group.name))


def group_for(tx: Tx, actor: Actor, group_id: int) -> Group:
    """A group of the actor's agency; NotFound for all others."""
    require(actor, *DRAFTERS)
    row = tx.session.get(Group, group_id) if 0 < group_id < 2**63 else None
    if row is None or row.agency_id != actor.agency_id:
        raise NotFound()
    return row


def save(tx: Tx, actor: Actor, name: str, members: tuple[int, ...], group_id: int = 0) -> Group:
    """Keep a group, a new one or a changed one. Invalid names `name` or `members`."""
    require(actor, *KEEPERS)
    row = group_for(tx, actor, group_id) if group_id else None
    title = one_line(name)
    chosen = [i for i in dict.fromkeys(members) if i != actor.agency_id]
    wrong = _wrong(tx, actor, title, chosen, group_id)
    if wrong:
        raise Invalid(wrong)
    if row is None:
        row = Group(agency_id=actor.agency_id)
        tx.session.add(row)
    row.name, row.members, row.changed_at = title, chosen, clock.now()
    tx.session.flush()
    tx.audit(f"agency:{actor.agency_id}", "group.save", Ref("group", row.id), {"name": title, "members": chosen})
    return row


def remove(tx: Tx, actor: Actor, group_id: int) -> None:
    """Forget a group; documents that were addressed by it keep their recipients."""
    require(actor, *KEEPERS)
    row = group_for(tx, actor, group_id)
    tx.audit(f"agency:{actor.agency_id}", "group.remove", Ref("group", row.id), {"name": row.name})
    tx.session.delete(row)


def expand(tx: Tx, agency_id: int, group_ids: tuple[int, ...]) -> tuple[int, ...]:
    """The agencies behind groups, each once; what is no longer in the directory is left out, a successor put in."""
    rows = tx.session.scalars(sa.select(Group).where(Group.agency_id == agency_id, Group.id.in_(group_ids)))
    members = [i for row in rows for i in row.members]
    cards = directory.agencies(tx, members)
    current = [i if cards[i].is_current else cards[i].merged_into_id or i for i in members if i in cards]
    known = directory.agencies(tx, current)
    return tuple(dict.fromkeys(i for i in current if i in known and known[i].is_current and i != agency_id))


def own_series(tx: Tx, agency_id: int) -> frozenset[str]:
    """The types of document that an agency numbers by themselves."""
    return frozenset(tx.session.scalars(sa.select(Series.kind).where(Series.agency_id == agency_id)))


def keep_series(tx: Tx, actor: Actor, kinds: tuple[str, ...]) -> None:
    """Decide which types have a series of their own; numbers that were given stay as they are."""
    require(actor, *KEEPERS)
    wanted = sorted(kind for kind in set(kinds) if kind in KIND_BY_SLUG)
    tx.session.execute(sa.delete(Series).where(Series.agency_id == actor.agency_id))
    for kind in wanted:
        tx.session.add(Series(agency_id=actor.agency_id, kind=kind))
    tx.audit(f"agency:{actor.agency_id}", "series.keep", Ref("agency", actor.agency_id), {"kinds": wanted})


def _wrong(tx: Tx, actor: Actor, name: str, members: list[int], group_id: int) -> dict[str, Phrase]:
    wrong: dict[str, Phrase] = {}
    if not name:
        wrong["name"] = phrase("Cần đặt tên nhóm.")
    elif len(name) > NAME_LENGTH:
        wrong["name"] = phrase("Tên nhóm dài quá {limit} ký tự.", limit=NAME_LENGTH)
    elif any(g.name.casefold() == name.casefold() and g.id != group_id for g in groups_of(tx, actor.agency_id)):
        wrong["name"] = phrase("Đã có nhóm mang tên này.")
    if not members:
        wrong["members"] = phrase("Cần chọn ít nhất một cơ quan.")
    elif len(members) > MAX_RECIPIENTS:
        wrong["members"] = phrase("Nhiều nhất {limit} nơi nhận.", limit=MAX_RECIPIENTS)
    elif set(directory.agencies(tx, members)) != set(members):
        wrong["members"] = phrase("Có nơi nhận không còn trong danh bạ, xin chọn lại.")
    return wrong
