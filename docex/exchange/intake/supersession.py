"""Effects of an update or a replacement on earlier sendings: whom it leaves out, and who is asked to cancel a copy.

An update lists the agencies that it takes off the receivers (ReceiverType 0) and those that it adds (1); a replacement
lists where the old documents are (docs/decisions/0020).
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from directory import codes
from directory import queries as directory
from directory.models import Agency
from docex.documents.models import Delivery, Dispatch
from docex.edxml import Envelope
from docex.edxml.codes import BusinessKind
from docex.edxml.model import Organ
from docex.edxml.progress import LOST, Recall, is_to_ask
from kernel.db import Tx


def named(message: Envelope) -> list[str]:
    """The codes of all agencies that stand in these lists."""
    changes = (change.organ_code for update in message.business.updates for change in update.receivers)
    holders = (code for old in message.business.replacements for code in old.organ_codes)
    return [*changes, *holders]


def taken_off(message: Envelope) -> list[str]:
    """The codes of the agencies that are no receivers any more."""
    if message.business.kind is not BusinessKind.UPDATE:
        return []
    changes = [change for update in message.business.updates for change in update.receivers]
    added = {codes.normal(change.organ_code) for change in changes if change.added}
    off = (change.organ_code for change in changes if not change.added)
    return [code for code in off if codes.normal(code) not in added]


def receivers(message: Envelope, known: Mapping[str, Agency]) -> tuple[Organ, ...]:
    """Whom the envelope is for: those in `To`, where the official builder lets an agency stand that is taken off."""
    off = set(_all_forms(taken_off(message), known))
    return tuple(organ for organ in message.receivers if codes.normal(organ.code) not in off)


def asked_back(tx: Tx, issuer_id: int, message: Envelope, receiver_ids: Collection[int]) -> list[tuple[int, bool]]:
    """The earlier deliveries that are asked for (13), each with whether it is withdrawn where nobody has fetched it:
    that is for who shall not have the document any more. The others may still fetch the one before."""
    if message.business.kind is BusinessKind.NEW:
        return []
    lines = directory.lines_of(tx, named(message))
    kept = directory.with_predecessors(tx, receiver_ids)
    off = _together(lines, taken_off(message)).difference(receiver_ids)
    wanted = {message.business.document_id: kept | off}
    for old in message.business.replacements:
        wanted[old.document_id] = wanted.get(old.document_id, kept) | _together(lines, old.organ_codes)
    wanted.pop("", None)
    if not wanted:
        return []
    query = (
        sa.select(Delivery.id, Delivery.agency_id, Delivery.progress, Delivery.recall, Dispatch.document_key)
        .join(Dispatch, Dispatch.id == Delivery.dispatch_id)
        .where(
            Dispatch.sender_id.in_(directory.with_predecessors(tx, [issuer_id])),
            Dispatch.document_key.in_(wanted),
            Delivery.agency_id.in_({one for ids in wanted.values() for one in ids}),
        )
        .order_by(Delivery.id)
    )
    asked = []
    for delivery_id, agency_id, progress, recall, key in tx.session.execute(query):
        gone = agency_id in off
        if agency_id in wanted[key] and is_to_ask(progress, recall, withdraw=gone):
            asked.append((delivery_id, gone))
    return asked


def newer_stands(dispatch: Any = Dispatch) -> sa.ColumnElement[bool]:
    """Whether the receiver of a `Delivery` of a `Dispatch` was sent a newer version under the same id that its sender
    does not want back. A status names only that id: one who obeys a 13 then takes back the newer version."""
    return sa.exists(_newer(dispatch)[0].correlate(Delivery, dispatch))


def has_newer(tx: Tx, delivery_id: int) -> bool:
    """`newer_stands` for one delivery."""
    query = sa.select(Delivery.id).join(Dispatch).where(Delivery.id == delivery_id, newer_stands())
    return tx.session.scalar(query) is not None


def offered_instead(tx: Tx, delivery_id: int) -> int | None:
    """The newest delivery under the same id to the same receiver, which its sender does not want back and which is not
    lost: what the receiver shall fetch instead of this one. None when there is none."""
    newer, later = _newer(Dispatch)
    query = newer.join(Delivery, Delivery.id == delivery_id).join(Dispatch, Dispatch.id == Delivery.dispatch_id)
    found: int | None = tx.session.scalar(query.where(later.progress.not_in(LOST)).order_by(later.id.desc()).limit(1))
    return found


def _newer(dispatch: Any) -> tuple[sa.Select[Any], Any]:
    """The later deliveries under the id of a `Delivery` of a `Dispatch` that stand, and how the query calls them."""
    later, sent = aliased(Delivery), aliased(Dispatch)
    query = sa.select(later.id).where(
        later.agency_id == Delivery.agency_id,
        later.id > Delivery.id,
        later.recall.not_in([Recall.ASKED, Recall.AGREED]),
        sent.id == later.dispatch_id,
        sent.document_key == dispatch.document_key,
        sent.sender_id == dispatch.sender_id,
    )
    return query, later


def _together(lines: Mapping[str, frozenset[int]], given: Iterable[str]) -> frozenset[int]:
    return frozenset().union(*(lines.get(code, ()) for code in given))


def _all_forms(given: Iterable[str], known: Mapping[str, Agency]) -> Iterable[str]:
    """Codes and the other form of the same agency's; of a merged agency its own only, for its successor may be meant on
    its own account."""
    for code in given:
        plain, agency = codes.normal(code), known.get(code)
        yield plain
        if agency is not None and plain in (agency.code, agency.old_code):
            yield from (form for form in (agency.code, agency.old_code) if form)
