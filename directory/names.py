"""What agencies were called before. The register holds the present name; the audit chain tells the former ones."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from directory.models import Agency
from kernel.audit import AuditEntry
from kernel.db import Tx
from kernel.errors import NotFound
from kernel.text import one_line

_RENAMING = ("directory.agency_founded", "directory.agency_changed")


def names_at(tx: Tx, agency_id: int, at: datetime) -> tuple[str, ...]:
    """The names under which a paper that came at `at` may be this agency's: today's first, the one of that moment, and
    those before it, unless another agency bears such a name today. NotFound.

    Not known is how an agency was called that stood in the register from its first day (the demo city) and was renamed
    before entries told the former name.
    """
    row = tx.session.get(Agency, agency_id)
    if row is None:
        raise NotFound()
    then, before = _borne(tx, agency_id, at)
    taken = _taken_by_others(tx, agency_id, before)
    left = [name for name in before if _compared(name) not in taken]
    return tuple(dict.fromkeys([row.name, *then, *left]))


def _borne(tx: Tx, agency_id: int, at: datetime) -> tuple[list[str], list[str]]:
    """The name at that moment, where an entry tells it, and all that were borne before."""
    query = sa.select(AuditEntry).where(AuditEntry.ref == f"agency:{agency_id}", AuditEntry.action.in_(_RENAMING))
    entries = tx.session.scalars(query.order_by(AuditEntry.at, AuditEntry.seq))
    named = [(one.at, one.detail.get("former_name", ""), one.detail["name"]) for one in entries if "name" in one.detail]
    before = [name for moment, *names in named if moment <= at for name in names if name]
    if before:
        return before[-1:], before
    later = next((former for _, former, _ in named), "")
    return ([later] if later else []), []


def _taken_by_others(tx: Tx, agency_id: int, names: Iterable[str]) -> set[str]:
    wanted = {_compared(name) for name in names}
    if not wanted:
        return set()
    others = tx.session.scalars(sa.select(Agency.name).where(Agency.id != agency_id))
    return wanted & {_compared(name) for name in others}


def _compared(name: str) -> str:
    return one_line(name).casefold()
