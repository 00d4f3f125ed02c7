"""Requests that the hub refused from a system, kept for the operator: somebody has to help its vendor to mend it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from docex.exchange.hub.models import Refusal
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid
from kernel.schema import insert_into
from kernel.text import phrase

RECENT = timedelta(days=7)
BYTES = "application/octet-stream"
_FORMS = ("multipart/", "application/x-www-form-urlencoded")


class FormUpload(Invalid):
    """The body is declared as a form where it has to be the file itself: a form's wrapper would be taken for a part of
    the document, and each try has another one. `detail.accepts` is the type to declare."""

    status = 415
    code = "unsupported_type"


def refuse_form(media_type: str) -> None:
    """FormUpload when the declared type of a body is that of a form. `curl -F` sends the first kind, `curl --data` and
    `--data-binary` the second, unless they are told otherwise."""
    if media_type.lower().startswith(_FORMS):
        reason = phrase(
            "Nội dung lời gọi phải là chính tệp, không phải biểu mẫu ({type}). Xin gửi các byte của tệp với tiêu đề "
            "Content-Type: {accepts}, ví dụ: curl --data-binary @van-ban.edxml -H 'Content-Type: {accepts}'.",
            type=media_type.partition(";")[0][:60],
            accepts=BYTES,
        )
        raise FormUpload({"Content-Type": reason}, reason, accepts=BYTES)


@dataclass(frozen=True)
class Refused:
    """The requests of a system that were refused with one code: how often, when last, and the sentence in both
    languages."""

    client_id: int
    code: str
    count: int
    said: dict[str, str]
    last_at: datetime


def note(tx: Tx, client_id: int, code: str, message: dict[str, Any]) -> None:
    """One more refusal, with its message in both languages. After a week of quiet the counting begins anew."""
    now = clock.now()
    quiet = Refusal.last_at < now - RECENT
    row = insert_into(tx.session, Refusal).values(client_id=client_id, code=code, count=1, said=message, last_at=now)
    again = {"count": sa.case((quiet, 1), else_=Refusal.count + 1), "said": row.excluded.said, "last_at": now}
    tx.session.execute(row.on_conflict_do_update(index_elements=["client_id", "code"], set_=again))


def recent(tx: Tx, client_ids: Collection[int]) -> list[Refused]:
    """The refusals of the last week, the newest first."""
    query = sa.select(Refusal).where(Refusal.client_id.in_(client_ids), Refusal.last_at >= clock.now() - RECENT)
    rows = tx.session.scalars(query.order_by(Refusal.last_at.desc()))
    return [Refused(row.client_id, row.code, row.count, dict(row.said), row.last_at) for row in rows]
