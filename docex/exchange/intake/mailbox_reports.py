"""Reports of a system about a document that it fetched from its mailbox."""

from datetime import datetime

from directory import queries as directory
from directory.actor import Actor
from docex.documents.models import Delivery
from docex.edxml.progress import Progress, Recall
from docex.exchange.hub import mailbox
from docex.exchange.hub.models import Parcel
from docex.exchange.intake import status_reports
from kernel.db import Tx
from kernel.errors import Invalid
from kernel.text import phrase

SAYABLE = frozenset(
    {
        Progress.REFUSED.value,
        Progress.REGISTERED.value,
        Progress.ASSIGNED.value,
        Progress.WORKING.value,
        Progress.DONE.value,
        Recall.AGREED.value,
        Recall.REFUSED.value,
    }
)
"""The statuses that a receiver's system may report in JSON; 01 is said by the acknowledgement itself."""


def report(
    tx: Tx, actor: Actor, parcel_id: int, code: str, description: str, said_at: datetime | None
) -> tuple[Delivery, bool]:
    """Take in what the receiver does with a document, in the codes of QĐ 28/2018. Answers whether it was news."""
    if code not in SAYABLE:
        message = phrase("Mã trạng thái phải là một trong {codes}.", codes=", ".join(sorted(SAYABLE)))
        raise Invalid({"code": message}, message)
    if code in (Progress.REFUSED, Recall.REFUSED) and not description.strip():
        message = phrase("Từ chối thì phải nêu lý do.")
        raise Invalid({"description": message}, message)
    waiting = tx.session.get(Parcel, parcel_id)
    if waiting is not None:
        status_reports.lock_copy(tx, waiting.delivery_id)
    parcel, delivery = mailbox.parcel_for(tx, actor, parcel_id)
    name = directory.agency(tx, parcel.agency_id).name
    return delivery, status_reports.hear(tx, delivery, code, name, description.strip(), said_at)
