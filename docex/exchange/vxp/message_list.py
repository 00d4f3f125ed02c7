"""A system's messages at the axis: the deliveries and statuses for its agency, in the words of the VXP protocol.

A line for each message stands in `docex_vxp_ack` (docex/exchange/vxp/listing.py); all else is read from the hub's own
tables.
"""

import io
from datetime import datetime
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from directory import codeforms
from directory import queries as directory
from docex.documents import labels
from docex.documents.envelope import Facts
from docex.documents.labels import PROGRESS, STATUS_TITLES
from docex.documents.models import Delivery, Dispatch, Repaired, StatusIn, StatusLog, on_the_way
from docex.edxml.codes import StatusCode
from docex.edxml.progress import LOST, NOT_HAD, Progress, Recall
from docex.exchange.hub import mailbox
from docex.exchange.hub.models import Mailbox, Parcel
from docex.exchange.hub.states import ParcelState
from docex.exchange.intake import supersession
from docex.exchange.vxp.doc_ids import Mark, doc_id, named
from docex.exchange.vxp.listing import STATUSES
from docex.exchange.vxp.models import EDOC, RECALL, SENT, STATUS, VxpAck, VxpRecall
from docex.exchange.vxp.status_file import Stored, status_file
from docex.exchange.vxp.systems import System
from kernel import clock
from kernel.db import Tx
from kernel.errors import NotFound, Unavailable, WrongState
from kernel.storage.blobs import BlobStore
from kernel.text import phrase

MAX_ITEMS = 1000
"""Longest list. The rest comes when the system has acknowledged these."""

_ABROAD = (Progress.SUBMITTED, Progress.AVAILABLE)
_FAILED = LOST | {Progress.REFUSED}
_WITHDRAWN = phrase("Đã thu hồi trước khi nơi nhận lấy")
_OPEN = VxpAck.status != sa.literal_column("'done'")  # as it stands in the index


def received(tx: Tx, system: System, kind: str) -> list[dict[str, Any]]:
    """The messages that the system has not acknowledged with `done`, oldest first."""
    lines = _received_statuses(tx, system) if kind == STATUS else _received_documents(tx, system)
    return codeforms.rewrite(tx, system.code_form, lines, "from", "to")


def _received_documents(tx: Tx, system: System) -> list[dict[str, Any]]:
    rows = tx.session.execute(
        sa.select(Delivery, Dispatch, VxpAck.status).where(*_waiting(system)).join_from(Delivery, Dispatch)
        .outerjoin(VxpAck, _acknowledged(system))
        .outerjoin(Parcel, Parcel.delivery_id == Delivery.id).order_by(Delivery.id).limit(MAX_ITEMS)
    ).all()  # fmt: skip
    recalls = tx.session.execute(
        _recalls(system, VxpRecall.id, Delivery, Dispatch, VxpAck.status).limit(MAX_ITEMS)
    ).all()
    cards = directory.agencies(tx, {row[-3].agency_id for row in [*rows, *recalls]})
    documents = [
        _line(
            doc_id(Mark.RECEIVED, delivery.id),
            EDOC,
            dispatch.submitted_at,
            delivery.changed_at,
            str(dispatch.facts.get("sender_code", "")),
            delivery.addressed_as or cards[delivery.agency_id].code,
            None if ack == "done" else ack,  # done before, and laid out anew
        )
        for delivery, dispatch, ack in rows
    ]
    asked = [
        _line(
            doc_id(Mark.RECEIVED_RECALL, row_id),
            EDOC,
            recall.submitted_at,
            recall.submitted_at,
            str(recall.facts.get("sender_code", "")),
            delivery.addressed_as or cards[delivery.agency_id].code,
            ack,
        )
        for row_id, delivery, recall, ack in recalls
    ]
    return [*documents, *asked][:MAX_ITEMS]  # a recall behind what it asks for


def count(tx: Tx, system: System, kind: str) -> int:
    """How many messages wait, also beyond the longest list."""
    if kind == STATUS:
        query = _waiting_statuses(system, sa.func.count())
    else:
        query = sa.select(sa.func.count()).select_from(Delivery).where(*_waiting(system)).join(Dispatch)
        query = query.outerjoin(VxpAck, _acknowledged(system))
        query = query.outerjoin(Parcel, Parcel.delivery_id == Delivery.id)
        asked = _recalls(system, VxpRecall.id).subquery()
        return (tx.session.scalar(query) or 0) + (tx.session.scalar(sa.select(sa.func.count()).select_from(asked)) or 0)
    return tx.session.scalar(query) or 0


def message(tx: Tx, system: System, text: str) -> Stored | bytes:
    """One message that the agency received or sent: its bytes as they came, or a status that we write.

    A status that a clerk gave on our pages has no file; the same one is always written as the same bytes.
    """
    mark, row_id = named(text)
    if mark in (Mark.SENT, Mark.RECEIVED):
        dispatch = _dispatch(tx, system, mark, row_id)
        copy = tx.session.get(Repaired, dispatch.id) if mark is Mark.RECEIVED else None
        return Stored(copy.sha256, copy.size) if copy is not None else Stored(dispatch.sha256, dispatch.size)
    if mark is Mark.RECEIVED_RECALL:
        recall = tx.session.get_one(Dispatch, recall_for(tx, system, row_id).dispatch_id)
        copy = tx.session.get(Repaired, recall.id)
        return Stored(copy.sha256, copy.size) if copy is not None else Stored(recall.sha256, recall.size)
    if mark is Mark.SENT_STATUS:
        row = tx.session.get(StatusIn, row_id)
        if row is None or row.channel != f"client:{system.client_id}":
            raise NotFound()
        return Stored(row.sha256, row.size)
    return status_file(tx, *status_for(tx, system, row_id), system.code_form)


def opened(blobs: BlobStore, found: Stored | bytes) -> tuple[IO[bytes], int]:
    """The bytes of a message for reading, and how many they are."""
    if isinstance(found, bytes):
        return io.BytesIO(found), len(found)
    return blobs.open(found.sha256), found.size


def delivery_for(tx: Tx, system: System, row_id: int) -> Delivery:
    """A delivery to an agency of the system; NotFound for any other."""
    row = tx.session.get(Delivery, row_id)
    if row is None or row.agency_id not in system.agency_ids:
        raise NotFound(phrase("Trục không có thông điệp mang mã này."))
    return row


def recall_for(tx: Tx, system: System, row_id: int) -> VxpRecall:
    """A recall that came as an envelope and asks an agency of the system; NotFound for any other."""
    row = tx.session.get(VxpRecall, row_id)
    if row is None:
        raise NotFound(phrase("Trục không có thông điệp mang mã này."))
    delivery_for(tx, system, row.delivery_id)
    return row


def was_taken_back(delivery: Delivery) -> bool:
    """Whether its sender took it back before anybody said that it had been fetched."""
    return delivery.recall == Recall.AGREED and delivery.progress in NOT_HAD


def is_offered(delivery: Delivery) -> bool:
    """Whether its receiver may still fetch it, or has it already."""
    return not was_taken_back(delivery) and delivery.progress not in LOST


def must_be_offered(tx: Tx, delivery: Delivery) -> None:
    """WrongState for a delivery that was taken back or lost, with the DocId under which its document came anew."""
    if is_offered(delivery):
        return
    back = phrase("Văn bản này đã được rút khỏi trục theo yêu cầu của nơi gửi.")
    reason = back if was_taken_back(delivery) else phrase("Văn bản này đã hết hạn chờ nhận; nơi gửi đã được báo.")
    other = supersession.offered_instead(tx, delivery.id)
    if other is not None:
        anew = doc_id(Mark.RECEIVED, other)
        reason = phrase("{said} Văn bản đã được gửi lại với mã {anew}.", said=reason, anew=anew)
    raise WrongState(reason)


def status_for(tx: Tx, system: System, row_id: int) -> tuple[StatusLog, Delivery, Dispatch]:
    """A status that was said to an agency of the system; NotFound for any other."""
    query = (
        sa.select(StatusLog, Delivery, Dispatch)
        .join(Delivery, Delivery.id == StatusLog.delivery_id)
        .join(Dispatch, Dispatch.id == Delivery.dispatch_id)
        .where(StatusLog.id == row_id, _said_to(system))
    )
    row = tx.session.execute(query).one_or_none()
    if row is None:
        raise NotFound(phrase("Trục không có thông điệp mang mã này."))
    return row[0], row[1], row[2]


def sent(tx: Tx, system: System, text: str, kind: str) -> list[dict[str, Any]]:
    """How far a sent message has come at each receiver; without a DocId the last ones that its agencies sent."""
    return codeforms.rewrite(tx, system.code_form, _sent(tx, system, text, kind), "fromCode", "toCode")


def _sent(tx: Tx, system: System, text: str, kind: str) -> list[dict[str, Any]]:
    query = sa.select(Delivery, Dispatch).join(Dispatch).where(Dispatch.sender_id.in_(system.agency_ids))
    query = query.order_by(Dispatch.id.desc(), Delivery.id).limit(MAX_ITEMS)
    if text:
        mark, row_id = named(text)
        if mark is Mark.SENT_STATUS:
            return _sent_status(tx, system, row_id)
        query = query.where(Dispatch.id == _dispatch(tx, system, mark, row_id).id)
    elif kind == STATUS:
        return []
    rows = tx.session.execute(query).all()
    cards = directory.agencies(tx, {delivery.agency_id for delivery, _ in rows})
    return [_sent_line(delivery, dispatch, cards[delivery.agency_id].code) for delivery, dispatch in rows]


def _dispatch(tx: Tx, system: System, mark: Mark, row_id: int) -> Dispatch:
    if mark is Mark.RECEIVED:
        delivery = delivery_for(tx, system, row_id)
        if was_taken_back(delivery):
            must_be_offered(tx, delivery)
        parcel = tx.session.scalar(sa.select(Parcel).where(Parcel.delivery_id == delivery.id))
        if parcel is not None and mailbox.is_kept_back(tx, parcel):
            raise Unavailable(mailbox.HELD)
        return tx.session.get_one(Dispatch, delivery.dispatch_id)
    row = tx.session.get(Dispatch, row_id) if mark is Mark.SENT else None
    if row is None or row.sender_id not in system.agency_ids:
        raise NotFound(phrase("Trục không có thông điệp mang mã này."))
    return row


def _waiting(system: System) -> list[sa.ColumnElement[bool]]:
    """A system that joins late gets what nobody has fetched, and not the whole past. What was taken back or has expired
    is offered no longer, and nothing while an operator holds the mailbox; what an operator laid out anew comes again.
    """
    laid = Parcel.state == ParcelState.WAITING
    held = sa.exists().where(Mailbox.agency_id == Delivery.agency_id, Mailbox.held_at.is_not(None))
    return [
        Delivery.id.in_(_listed(system)),
        (Delivery.agency_id + 0).in_(system.agency_ids),  # not by the index of all that an agency ever got
        Delivery.recall != Recall.AGREED,
        Delivery.progress.not_in(LOST),
        sa.or_(Parcel.state.is_(None), Parcel.state.in_([ParcelState.WAITING, ParcelState.FETCHED])),
        sa.or_(VxpAck.status.is_(None), VxpAck.status != "done", laid),
        sa.or_(Dispatch.submitted_at >= system.since, Delivery.progress.in_(_ABROAD), laid),
        sa.not_(held),
    ]


def _listed(system: System) -> sa.CompoundSelect[int]:
    """Where the deliveries are found that may wait: those that the list names, those that are laid out, and those that
    nobody has fetched. Each of them is a walk past few rows, however many there were."""
    mine = system.agency_ids
    named = sa.select(VxpAck.ref_id).where(VxpAck.client_id == system.client_id, VxpAck.kind == EDOC, _OPEN)
    laid_out = sa.select(Parcel.delivery_id).where(Parcel.agency_id.in_(mine), Parcel.state == ParcelState.WAITING)
    abroad = sa.select(Delivery.id).where(Delivery.agency_id.in_(mine), on_the_way())
    return sa.union(*(one.correlate(None) for one in (named, laid_out, abroad)))


def _recalls(system: System, *columns: Any) -> sa.Select[Any]:
    """The recalls that came as envelopes and that the list names, oldest first. A recall that was answered already, or
    whose document was sent anew since, asks for nothing any more."""
    original = aliased(Dispatch)
    return (
        sa.select(*columns)
        .select_from(VxpAck)
        .join(VxpRecall, VxpRecall.id == VxpAck.ref_id)
        .join(Delivery, Delivery.id == VxpRecall.delivery_id)
        .join(original, original.id == Delivery.dispatch_id)
        .join(Dispatch, Dispatch.id == VxpRecall.dispatch_id)
        .where(
            VxpAck.client_id == system.client_id,
            VxpAck.kind == RECALL,
            _OPEN,
            Delivery.agency_id.in_(system.agency_ids),
            Delivery.recall == Recall.ASKED,
            sa.not_(supersession.newer_stands(original)),
        )
        .order_by(VxpRecall.id)
    )


def _waiting_statuses(system: System, *columns: Any) -> sa.Select[Any]:
    """The statuses that the list names; none that went to an agency which the system no longer serves."""
    return (
        sa.select(*columns)
        .select_from(VxpAck)
        .join(StatusLog, StatusLog.id == VxpAck.ref_id)
        .join(Delivery, Delivery.id == StatusLog.delivery_id)
        .join(Dispatch, Dispatch.id == Delivery.dispatch_id)
        .where(
            VxpAck.client_id == system.client_id,
            VxpAck.kind == STATUS,
            _OPEN,
            StatusLog.at >= system.since,
            _said_to(system),
            sa.not_(sa.and_(StatusLog.code == StatusCode.RECALL_ASKED, supersession.newer_stands())),
        )
    )


def _said_to(system: System) -> sa.ColumnElement[bool]:
    """Receivers tell the sender how it goes; only asking for a document back goes the other way."""
    asked = StatusLog.code == StatusCode.RECALL_ASKED
    return sa.and_(
        StatusLog.code.in_(STATUSES),
        sa.or_(
            sa.and_(Dispatch.sender_id.in_(system.agency_ids), sa.not_(asked)),
            sa.and_(Delivery.agency_id.in_(system.agency_ids), asked),
        ),
    )


def _acknowledged(system: System) -> sa.ColumnElement[bool]:
    return sa.and_(VxpAck.client_id == system.client_id, VxpAck.kind == EDOC, VxpAck.ref_id == Delivery.id)


def _received_statuses(tx: Tx, system: System) -> list[dict[str, Any]]:
    query = _waiting_statuses(system, StatusLog, Delivery, Dispatch, VxpAck.status)
    rows = tx.session.execute(query.order_by(VxpAck.ref_id).limit(MAX_ITEMS)).all()
    cards = directory.agencies(
        tx, {n for _, delivery, dispatch, _ in rows for n in (delivery.agency_id, dispatch.sender_id)}
    )
    found = []
    for log, delivery, dispatch, ack in rows:
        ends = [delivery.addressed_as or cards[delivery.agency_id].code, cards[dispatch.sender_id].code]
        teller, told = reversed(ends) if log.code == StatusCode.RECALL_ASKED else ends
        found.append(_line(doc_id(Mark.RECEIVED_STATUS, log.id), STATUS, log.at, log.at, teller, told, ack))
    return found


def _line(
    name: str, kind: str, created: datetime, updated: datetime, teller: str, told: str, ack: str | None
) -> dict[str, Any]:
    return {
        "docId": name,
        "serviceType": "eDoc",
        "messageType": kind,
        "created_time": _time(created),
        "updated_time": _time(updated),
        "from": teller,
        "to": told,
        "status": ack or SENT,
        "status_desc": _ACKS[ack or SENT].vi,
    }


def _sent_line(delivery: Delivery, dispatch: Dispatch, code: str) -> dict[str, Any]:
    step = Progress(delivery.progress)
    arrived, withdrawn = step not in NOT_HAD, was_taken_back(delivery)
    told = labels.RECALL[Recall.AGREED].text if delivery.recall == Recall.AGREED else PROGRESS[step].text
    facts = dispatch.facts
    return {
        "serviceType": "eDoc",
        "messageType": EDOC,
        "senderDocId": doc_id(Mark.SENT, dispatch.id),
        "receiverDocId": doc_id(Mark.RECEIVED, delivery.id),
        "fromCode": str(facts.get("sender_code", "")),
        "toCode": delivery.addressed_as or code,
        "title": str(facts.get("subject", "")),
        "notation": str(facts.get("code", "")),
        "sentTime": _time(dispatch.submitted_at),
        "receivedTime": _time(delivery.changed_at) if arrived else "",
        "sendStatus": "done",
        "sendStatusDesc": _ACKS[SENT].vi,
        "receiveStatus": "fail" if withdrawn or step in _FAILED else "done" if arrived else "processing",
        "receiveStatusDesc": (_WITHDRAWN if withdrawn else told).vi,
    }


def _sent_status(tx: Tx, system: System, row_id: int) -> list[dict[str, Any]]:
    row = tx.session.get(StatusIn, row_id)
    if row is None or row.channel != f"client:{system.client_id}":
        raise NotFound(phrase("Trục không có thông điệp mang mã này."))
    delivery = tx.session.get_one(Delivery, row.delivery_id)
    dispatch = tx.session.get_one(Dispatch, delivery.dispatch_id)
    facts = Facts.from_json(dispatch.facts)
    asked = row.code == StatusCode.RECALL_ASKED
    ends = [delivery.addressed_as or directory.agency(tx, delivery.agency_id).code, facts.sender_code]
    teller, told = reversed(ends) if asked else ends
    return [
        {
            "serviceType": "eDoc",
            "messageType": STATUS,
            "senderDocId": doc_id(Mark.SENT_STATUS, row.id),
            "receiverDocId": "",
            "fromCode": teller,
            "toCode": told,
            "title": facts.subject,
            "notation": facts.code,
            "sentTime": _time(row.received_at),
            "receivedTime": _time(row.received_at),
            "sendStatus": "done",
            "sendStatusDesc": _ACKS[SENT].vi,
            "receiveStatus": "done",
            "receiveStatusDesc": STATUS_TITLES[row.code].vi,
        }
    ]


def _time(at: datetime) -> str:
    return f"{at.astimezone(clock.VN):%Y-%m-%d %H:%M:%S}"


_ACKS = {
    SENT: phrase("Đã gửi"),
    "processing": phrase("Đang nhận"),
    "done": phrase("Đã nhận"),
    "fail": phrase("Nhận không thành công"),
}
