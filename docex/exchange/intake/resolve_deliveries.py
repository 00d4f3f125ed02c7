"""Which deliveries a message means that names only the document.

An update has the id of what it updates, so an agency may have been sent several envelopes under one id. A status says
which document it is about and not which of them. Issuer and receiver are each a line of agencies, for what an agency
carried on before a merger stays under its name (directory/queries.py).
"""

from collections.abc import Collection, Iterator, Sequence

import sqlalchemy as sa

from directory import queries as directory
from docex.documents.models import Delivery, Dispatch
from docex.edxml.model import ResponseFor
from docex.edxml.progress import NOT_HAD, Progress, Recall, advanced, is_to_ask
from docex.exchange.hub.models import Parcel
from docex.exchange.intake import status_reports
from kernel.db import Tx
from kernel.errors import Invalid
from kernel.text import phrase

Succession = Collection[int]
"""Agencies of which one carries on what the other began."""


class UnknownDocument(Invalid):
    """A status or a recall is about a document that this hub never carried between these two agencies."""

    code = "unknown_document"


def sent(tx: Tx, issuer_ids: Succession, document_key: str, receiver_ids: Succession) -> Sequence[Delivery]:
    """The deliveries from one agency to another under one id, newest first; UnknownDocument when there is none."""
    query = (
        sa.select(Delivery)
        .join(Dispatch, Dispatch.id == Delivery.dispatch_id)
        .where(
            Dispatch.sender_id.in_(issuer_ids),
            Dispatch.document_key == document_key,
            Delivery.agency_id.in_(receiver_ids),
        )
        .order_by(Delivery.id.desc())
    )
    found = tx.session.scalars(query).all()
    if not found:
        message = phrase("Trục không có văn bản “{key}” giữa hai cơ quan này.", key=document_key[:200])
        raise UnknownDocument({"DocumentId": message}, message)
    return found


def key_of(tx: Tx, issuer_ids: Succession, about: ResponseFor, receiver_ids: Succession) -> str:
    """The id of the document that a status names by number and date alone; UnknownDocument when there is none between
    these agencies, or more than one."""
    assert about.promulgated_on is not None
    query = (
        sa.select(Dispatch.document_key)
        .join(Delivery, Delivery.dispatch_id == Dispatch.id)
        .where(
            Dispatch.sender_id.in_(issuer_ids),
            Delivery.agency_id.in_(receiver_ids),
            Dispatch.facts["code"].as_string() == about.code,
            Dispatch.facts["issued_on"].as_string() == about.promulgated_on.isoformat(),
        )
        .distinct()
        .limit(2)
    )
    found = tx.session.scalars(query).all()
    if len(found) == 1:
        return found[0]
    named = {"code": about.code[:100], "day": f"{about.promulgated_on:%d/%m/%Y}"}
    none = phrase("Trục không có văn bản số {code} ngày {day} giữa hai cơ quan này.", **named)
    many = phrase("Có nhiều văn bản số {code} ngày {day} giữa hai cơ quan này; xin ghi DocumentId.", **named)
    message = many if found else none
    raise UnknownDocument({"ResponseFor": message}, message)


def wanted_back(tx: Tx, issuer_ids: Succession, document_key: str, receiver_ids: Succession) -> list[int]:
    """The deliveries that a recall asks for: the newest, and what was sent before under the same id and stands still.
    UnknownDocument as in `sent`."""
    newest, *earlier = sent(tx, issuer_ids, document_key, receiver_ids)
    standing = (one for one in earlier if is_to_ask(one.progress, one.recall, withdraw=True))
    return [newest.id, *(one.id for one in standing)]


def told_of(tx: Tx, issuer_ids: Succession, document_key: str, receiver_ids: Succession, code: str) -> list[Delivery]:
    """The deliveries that a status of the receiver is about, newest first and locked after the copies that they made
    (models.py): one, but for an answer to several questions. UnknownDocument as in `sent`.

    15 and 16 answer every question that is open: the receiver sees one document and answers once, and an older question
    that nobody answers would keep the recall open for ever. The others are said of what the receiver has.
    """
    delivery_ids = sorted(one.id for one in sent(tx, issuer_ids, document_key, receiver_ids))
    status_reports.lock_copy(tx, *delivery_ids)
    locked = sa.select(Delivery).where(Delivery.id.in_(delivery_ids)).order_by(Delivery.id).with_for_update()
    deliveries = tx.session.scalars(locked.execution_options(populate_existing=True)).all()[::-1]
    if code in (Recall.AGREED, Recall.REFUSED):
        return [one for one in deliveries if one.recall == Recall.ASKED] or [deliveries[0]]
    return [deliveries[0] if len(deliveries) == 1 else _progressed(tx, deliveries, Progress(code))]


def _progressed(tx: Tx, deliveries: Sequence[Delivery], reported: Progress) -> Delivery:
    """The newest that its receiver has; of what was given back nothing more is said.

    A newer one that went by mail or by an upper axis may be there without anybody having said so: its 01 says it, and
    so does what would be no news of the older one. What lies in a mailbox here is certainly not there.
    """
    standing = [one for one in deliveries if one.recall != Recall.AGREED] or deliveries
    has = next((one for one in standing if one.progress not in NOT_HAD), None)
    newer = next(_perhaps_there(tx, [one for one in standing if has is None or one.id > has.id]), None)
    if has is None:
        return newer or standing[0]
    is_news = reported is not Progress.ARRIVED and advanced(Progress(has.progress), reported) != has.progress
    return has if newer is None or is_news else newer


def _perhaps_there(tx: Tx, deliveries: Sequence[Delivery]) -> Iterator[Delivery]:
    """Those that nobody said to be there, and that may be all the same: handed to somebody else, or being fetched."""
    elsewhere = [one for one in deliveries if not directory.agency(tx, one.agency_id).is_local]
    if not elsewhere:
        return
    laid = sa.select(Parcel).where(Parcel.delivery_id.in_([one.id for one in elsewhere]))
    parcels = {parcel.delivery_id: parcel for parcel in tx.session.scalars(laid)}
    for one in elsewhere:
        if one.id not in parcels or parcels[one.id].is_leased:
            yield one
