"""What a system finds at the axis: the deliveries and statuses for its agency, in the words of the VXP protocol.

Nothing is kept here but what the system acknowledged; all else is read from the hub's own tables.
"""

import io
from datetime import datetime
from typing import IO, Any

import sqlalchemy as sa

from directory import queries as directory
from docex.edxml.codes import StatusCode
from docex.envelope import Facts
from docex.labels import PROGRESS, STATUS_TITLES
from docex.models import Delivery, Dispatch, StatusIn, StatusLog
from docex.states import Progress
from docex.vxp.docids import Mark, doc_id, named
from docex.vxp.models import VxpAck
from docex.vxp.statusfile import Stored, status_file
from docex.vxp.systems import System
from kernel import clock
from kernel.blobs import BlobStore
from kernel.db import Tx
from kernel.errors import NotFound
from kernel.text import phrase

MOST = 1000
"""Longest list. The rest comes when the system has acknowledged these."""

EDOC, STATUS = "edoc", "status"
_ABROAD = (Progress.SUBMITTED, Progress.AVAILABLE)
_STATUSES = [str(code) for code in StatusCode]


def received(tx: Tx, system: System, kind: str) -> list[dict[str, Any]]:
    """What the system has not acknowledged with `done`, oldest first."""
    if kind == STATUS:
        return _received_statuses(tx, system)
    rows = tx.session.execute(
        sa.select(Delivery, Dispatch, VxpAck.status).where(*_waiting(system)).join_from(Delivery, Dispatch)
        .outerjoin(VxpAck, _acknowledged(system, EDOC, Delivery.id)).order_by(Delivery.id).limit(MOST)
    ).all()  # fmt: skip
    cards = directory.agencies(tx, {delivery.agency_id for delivery, _dispatch, _ack in rows})
    return [
        _line(
            doc_id(Mark.RECEIVED, delivery.id),
            EDOC,
            dispatch.submitted_at,
            delivery.changed_at,
            str(dispatch.facts.get("sender_code", "")),
            delivery.addressed_as or cards[delivery.agency_id].code,
            ack,
        )
        for delivery, dispatch, ack in rows
    ]


def count(tx: Tx, system: System, kind: str) -> int:
    """How many messages wait, also beyond the longest list."""
    if kind == STATUS:
        query = sa.select(sa.func.count()).select_from(StatusLog).where(*_waiting_statuses(system))
        query = query.join(Delivery, Delivery.id == StatusLog.delivery_id).join(Dispatch)
        query = query.outerjoin(VxpAck, _acknowledged(system, STATUS, StatusLog.id))
    else:
        query = sa.select(sa.func.count()).select_from(Delivery).where(*_waiting(system)).join(Dispatch)
        query = query.outerjoin(VxpAck, _acknowledged(system, EDOC, Delivery.id))
    return tx.session.scalar(query) or 0


def message(tx: Tx, system: System, text: str) -> Stored | bytes:
    """One message that the agency received or sent: its bytes as they came, or a status that we write.

    A status that a clerk gave on our pages has no file; the same one is always written as the same bytes.
    """
    mark, number = named(text)
    if mark in (Mark.SENT, Mark.RECEIVED):
        dispatch = _dispatch(tx, system, mark, number)
        return Stored(dispatch.sha256, dispatch.size)
    if mark is Mark.SENT_STATUS:
        row = tx.session.get(StatusIn, number)
        if row is None or row.channel != f"client:{system.client_id}":
            raise NotFound()
        return Stored(row.sha256, row.size)
    return status_file(tx, *status_for(tx, system, number))


def opened(blobs: BlobStore, found: Stored | bytes) -> tuple[IO[bytes], int]:
    """The bytes of a message for reading, and how many they are."""
    if isinstance(found, bytes):
        return io.BytesIO(found), len(found)
    return blobs.open(found.sha256), found.size


def delivery_for(tx: Tx, system: System, number: int) -> Delivery:
    """A delivery to an agency of the system; NotFound for any other."""
    row = tx.session.get(Delivery, number)
    if row is None or row.agency_id not in system.agency_ids:
        raise NotFound(phrase("Trục không có thông điệp mang mã này."))
    return row


def status_for(tx: Tx, system: System, number: int) -> tuple[StatusLog, Delivery, Dispatch]:
    """A status that was said to an agency of the system; NotFound for any other."""
    query = (
        sa.select(StatusLog, Delivery, Dispatch)
        .join(Delivery, Delivery.id == StatusLog.delivery_id)
        .join(Dispatch, Dispatch.id == Delivery.dispatch_id)
        .where(StatusLog.id == number, _said_to(system))
    )
    row = tx.session.execute(query).one_or_none()
    if row is None:
        raise NotFound(phrase("Trục không có thông điệp mang mã này."))
    return row[0], row[1], row[2]


def sent(tx: Tx, system: System, text: str, kind: str) -> list[dict[str, Any]]:
    """How far a sent message has come at each receiver; without a DocId the last ones that its agencies sent."""
    query = sa.select(Delivery, Dispatch).join(Dispatch).where(Dispatch.sender_id.in_(system.agency_ids))
    query = query.order_by(Dispatch.id.desc(), Delivery.id).limit(MOST)
    if text:
        mark, number = named(text)
        if mark is Mark.SENT_STATUS:
            return _sent_status(tx, system, number)
        query = query.where(Dispatch.id == _dispatch(tx, system, mark, number).id)
    elif kind == STATUS:
        return []
    rows = tx.session.execute(query).all()
    cards = directory.agencies(tx, {delivery.agency_id for delivery, _ in rows})
    return [_sent_line(delivery, dispatch, cards[delivery.agency_id].code) for delivery, dispatch in rows]


def _dispatch(tx: Tx, system: System, mark: Mark, number: int) -> Dispatch:
    if mark is Mark.RECEIVED:
        return tx.session.get_one(Dispatch, delivery_for(tx, system, number).dispatch_id)
    row = tx.session.get(Dispatch, number) if mark is Mark.SENT else None
    if row is None or row.sender_id not in system.agency_ids:
        raise NotFound(phrase("Trục không có thông điệp mang mã này."))
    return row


def _waiting(system: System) -> list[sa.ColumnElement[bool]]:
    """A system that joins late gets what nobody has fetched, and not the whole past."""
    return [
        Delivery.agency_id.in_(system.agency_ids),
        sa.or_(VxpAck.status.is_(None), VxpAck.status != "done"),
        sa.or_(Dispatch.submitted_at >= system.since, Delivery.progress.in_([str(step) for step in _ABROAD])),
    ]


def _waiting_statuses(system: System) -> list[sa.ColumnElement[bool]]:
    return [
        _said_to(system),
        StatusLog.at >= system.since,
        sa.or_(VxpAck.status.is_(None), VxpAck.status != "done"),
    ]


def _said_to(system: System) -> sa.ColumnElement[bool]:
    """Receivers tell the sender how it goes; only asking for a document back goes the other way."""
    asked = StatusLog.code == StatusCode.RECALL_ASKED
    return sa.and_(
        StatusLog.code.in_(_STATUSES),
        sa.or_(
            sa.and_(Dispatch.sender_id.in_(system.agency_ids), sa.not_(asked)),
            sa.and_(Delivery.agency_id.in_(system.agency_ids), asked),
        ),
    )


def _acknowledged(system: System, kind: str, ref: Any) -> sa.ColumnElement[bool]:
    return sa.and_(VxpAck.client_id == system.client_id, VxpAck.kind == kind, VxpAck.ref_id == ref)


def _received_statuses(tx: Tx, system: System) -> list[dict[str, Any]]:
    query = (
        sa.select(StatusLog, Delivery, Dispatch, VxpAck.status)
        .join(Delivery, Delivery.id == StatusLog.delivery_id)
        .join(Dispatch, Dispatch.id == Delivery.dispatch_id)
        .outerjoin(VxpAck, _acknowledged(system, STATUS, StatusLog.id))
        .where(*_waiting_statuses(system))
        .order_by(StatusLog.id)
        .limit(MOST)
    )
    rows = tx.session.execute(query).all()
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
        "status": ack or "sent",
        "status_desc": _ACKS[ack or "sent"].vi,
    }


def _sent_line(delivery: Delivery, dispatch: Dispatch, code: str) -> dict[str, Any]:
    step = Progress(delivery.progress)
    arrived = step not in _ABROAD
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
        "sendStatusDesc": _ACKS["sent"].vi,
        "receiveStatus": "fail" if step is Progress.REFUSED else "done" if arrived else "processing",
        "receiveStatusDesc": PROGRESS[step].text.vi,
    }


def _sent_status(tx: Tx, system: System, number: int) -> list[dict[str, Any]]:
    row = tx.session.get(StatusIn, number)
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
            "sendStatusDesc": _ACKS["sent"].vi,
            "receiveStatus": "done",
            "receiveStatusDesc": STATUS_TITLES[row.code].vi,
        }
    ]


def _time(at: datetime) -> str:
    return f"{at.astimezone(clock.VN):%Y-%m-%d %H:%M:%S}"


_ACKS = {
    "sent": phrase("Đã gửi"),
    "processing": phrase("Đang nhận"),
    "done": phrase("Đã nhận"),
    "fail": phrase("Nhận không thành công"),
}
