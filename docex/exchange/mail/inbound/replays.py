"""Signed things that come again. The headers of a letter are not signed: whoever has an old letter of a partner can
send it under another Message-ID, at another time, to somebody else."""

from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa

from directory import queries as directory
from docex.documents.models import Delivery, Dispatch, StatusIn, StatusLog
from docex.edxml import Envelope, StatusMessage
from docex.edxml.codes import StatusCode
from docex.edxml.progress import Recall
from docex.exchange.intake.acceptance import Handed
from docex.exchange.mail.models import MailPartner
from kernel.db import Tx
from kernel.errors import Conflict
from kernel.text import phrase

CLOCKS_DIFFER = timedelta(hours=12)
"""So much earlier than our question an answer may be dated: clocks are wrong, and some write UTC for the time here."""


def take_turns(tx: Tx, handed: Handed) -> None:
    """The same thing under two Message-IDs at one moment: the second waits, and finds the first."""
    tx.advisory_lock(f"{handed.channel} sha256:{handed.envelope.sha256}")


def first_named(tx: Tx, partner: MailPartner, message: Envelope | StatusMessage, handed: Handed) -> Handed:
    """With the Message-ID under which the same envelope or status came first: it stays the same message, makes no
    second document, and answers no second recall. Conflict when signed files come with other headers than at first."""
    if not handed.message_id.startswith("<"):
        return _files_first_named(tx, handed)
    table: type[Dispatch] | type[StatusIn] = Dispatch if isinstance(message, Envelope) else StatusIn
    about = _document(partner, message) if isinstance(message, Envelope) else _documents(tx, partner, message)
    same = table.channel == handed.channel, about, table.sha256 == handed.envelope.sha256
    first = tx.session.scalar(sa.select(table.message_id).where(*same).order_by(table.id).limit(1))
    return replace(handed, message_id=first) if first else handed


def _files_first_named(tx: Tx, handed: Handed) -> Handed:
    """Files without an envelope are named by what was signed; earlier versions wrote the recipients behind it."""
    key = handed.message_id
    named = sa.or_(Dispatch.message_id == key, Dispatch.message_id.startswith(f"{key} "))
    query = sa.select(Dispatch.message_id, Dispatch.sha256).where(Dispatch.channel == handed.channel, named)
    first = tx.session.execute(query.order_by(Dispatch.id).limit(1)).one_or_none()
    if first is None:
        return handed
    if first.sha256 != handed.envelope.sha256:
        raise Conflict(
            phrase(
                "Các tệp này đã được tiếp nhận với tiêu đề, ngày hoặc nơi nhận khác. Những phần đó không được ký, nên "
                "các tệp chỉ được tiếp nhận một lần. Muốn gửi cho nơi khác, xin ký lại thư hoặc gửi tệp edXML."
            ),
            sha256=first.sha256,
        )
    return replace(handed, message_id=first.message_id)


def _document(partner: MailPartner, message: Envelope) -> sa.ColumnElement[bool]:
    return sa.and_(Dispatch.sender_id == partner.agency_id, Dispatch.document_key == message.document_id)


def _documents(tx: Tx, partner: MailPartner, message: StatusMessage) -> sa.ColumnElement[bool]:
    """The documents under the id that a status names; either of the two has issued it, for 13 is said by its
    issuer."""
    other = directory.agency_by_code(tx, message.about.organ_code)
    issuers = [partner.agency_id, *([other.id] if other else [])]
    carried = sa.select(Delivery.id).join(Dispatch, Dispatch.id == Delivery.dispatch_id)
    named = carried.where(Dispatch.sender_id.in_(issuers), Dispatch.document_key == message.about.document_id)
    return StatusIn.delivery_id.in_(named)


def is_early(tx: Tx, partner: MailPartner, message: Envelope | StatusMessage) -> bool:
    """Whether an answer to a recall was written before every question that is open: it was held back, and the partner
    has said nothing yet to what it is asked now."""
    if not isinstance(message, StatusMessage) or message.at is None or message.status not in _ANSWERS:
        return False
    issuer = directory.agency_by_code(tx, message.about.organ_code)
    if issuer is None:
        return False
    asked = (
        sa.select(sa.func.max(StatusLog.at))
        .join(Delivery, Delivery.id == StatusLog.delivery_id)
        .join(Dispatch, Dispatch.id == Delivery.dispatch_id)
        .where(
            Dispatch.sender_id == issuer.id,
            Dispatch.document_key == message.about.document_id,
            Delivery.agency_id == partner.agency_id,
            Delivery.recall == Recall.ASKED,
            StatusLog.code == Recall.ASKED,
            StatusLog.counted,
        )
        .group_by(Delivery.id)
    )
    questions = tx.session.scalars(asked).all()
    return bool(questions) and message.at + CLOCKS_DIFFER < min(questions)


_ANSWERS = (StatusCode.RECALL_AGREED, StatusCode.RECALL_REFUSED)
