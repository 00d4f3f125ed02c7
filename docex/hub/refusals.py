"""What the hub refused from a system, kept for the operator: somebody has to help its vendor to mend it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from docex.hub.models import Refusal
from kernel import clock
from kernel.db import Tx
from kernel.schema import insert_into

RECENT = timedelta(days=7)


@dataclass(frozen=True)
class Refused:
    """What of a system was refused with one code: how often, when last, and the sentence in both languages."""

    client_id: int
    code: str
    count: int
    said: dict[str, str]
    last_at: datetime


def note(tx: Tx, client_id: int, code: str, said: dict[str, Any]) -> None:
    """One more refusal. After a week of quiet the counting begins anew."""
    now = clock.now()
    quiet = Refusal.last_at < now - RECENT
    row = insert_into(tx.session, Refusal).values(client_id=client_id, code=code, count=1, said=said, last_at=now)
    again = {"count": sa.case((quiet, 1), else_=Refusal.count + 1), "said": row.excluded.said, "last_at": now}
    tx.session.execute(row.on_conflict_do_update(index_elements=["client_id", "code"], set_=again))


def recent(tx: Tx, client_ids: Collection[int]) -> list[Refused]:
    """What was refused in the last week, the newest first."""
    query = sa.select(Refusal).where(Refusal.client_id.in_(client_ids), Refusal.last_at >= clock.now() - RECENT)
    rows = tx.session.scalars(query.order_by(Refusal.last_at.desc()))
    return [Refused(row.client_id, row.code, row.count, dict(row.said), row.last_at) for row in rows]
