"""Statuses of the log as edXML files: the one that came, else one that we write."""

from dataclasses import dataclass

import sqlalchemy as sa

from directory import codeforms
from directory import queries as directory
from docex.documents.envelope import Facts
from docex.documents.labels import STATUS_TITLES
from docex.documents.models import Delivery, Dispatch, StatusIn, StatusLog
from docex.edxml import StatusMessage, write
from docex.edxml.codes import StatusCode
from docex.edxml.model import Organ, ResponseFor
from docex.edxml.shortening import fitted
from docex.edxml.strictness import UNREADABLE
from kernel.db import Tx


@dataclass(frozen=True)
class Stored:
    """A message that lies in the blob store."""

    sha256: str
    size: int


def teller_code(tx: Tx, log: StatusLog, delivery: Delivery, dispatch: Dispatch) -> str:
    """The code of the agency that says a status."""
    if log.code == StatusCode.RECALL_ASKED:
        return str(dispatch.facts.get("sender_code") or directory.agency(tx, dispatch.sender_id).code)
    return delivery.addressed_as or directory.agency(tx, delivery.agency_id).code


def status_file(tx: Tx, log: StatusLog, delivery: Delivery, dispatch: Dispatch, code_form: str = "") -> Stored | bytes:
    """A status of the log as a file: the one that came, else one that we write, also where strict readers could not
    read what came."""
    came = tx.session.scalar(
        sa.select(StatusIn)
        .where(
            StatusIn.delivery_id == delivery.id,
            StatusIn.code == log.code,
            StatusIn.channel == log.by,
            StatusIn.received_at >= log.at,  # the log is written just before, in the same transaction
        )
        .order_by(StatusIn.received_at, StatusIn.id)
        .limit(1)
    )
    if came is not None and UNREADABLE.isdisjoint(note["code"] for note in came.answer.get("notes", ())):
        return Stored(came.sha256, came.size)
    return status_bytes(tx, log, delivery, dispatch, code_form)


def status_bytes(tx: Tx, log: StatusLog, delivery: Delivery, dispatch: Dispatch, code_form: str = "") -> bytes:
    """A status of the log as an edXML file; its codes in the form of the system that gets it, else as the envelope
    names them."""
    facts = Facts.from_json(dispatch.facts)
    receiver, sender = directory.agency(tx, delivery.agency_id), directory.agency(tx, dispatch.sender_id)
    receiver_code, sender_code = delivery.addressed_as or receiver.code, facts.sender_code or sender.code
    if code_form:
        told = codeforms.shown(tx, code_form, (receiver_code, sender_code))
        receiver_code, sender_code = told[receiver_code], told[sender_code]
    asks = log.code == StatusCode.RECALL_ASKED
    title = STATUS_TITLES[log.code].vi
    message = StatusMessage(
        sender=Organ(sender_code, sender.name) if asks else Organ(receiver_code, receiver.name),
        about=ResponseFor(
            organ_code=receiver_code if asks else sender_code,
            code=facts.code,
            document_id=dispatch.document_key,
            promulgated_on=facts.issued_on,
        ),
        status=StatusCode(log.code),
        description=log.description or title,
        at=log.said_at or log.at,
    )
    return write(fitted(message, title))
