"""Letters that wait for partners by e-mail: those that none of them has confirmed for four working hours."""

import sqlalchemy as sa

from directory import queries as directory
from directory.access import is_instance_admin
from directory.actor import Actor, Role
from docex.documents.envelope import Facts
from docex.documents.links import OUTGOING_PATH
from docex.documents.models import Delivery, Dispatch
from docex.edxml.progress import Progress
from docex.exchange.hub.terms import ALARMS
from docex.exchange.mail.models import LetterKind, MailLetter, MailPartner
from docex.exchange.mail.outbound import confirmations
from docex.exchange.mail.outbound.letter_queue import UNCONFIRMED
from kernel import clock
from kernel.dashboard import Chip, Item, section
from kernel.db import Tx
from kernel.text import phrase

MAX_ITEMS, LOOKED_AT = 20, 200
_OPERATORS = "/admin/exchange"
_UNCONFIRMED = phrase("Chưa xác nhận")
_NONE = phrase("Mọi thư gửi đi đã được nơi nhận xác nhận.")


@section(46, phrase("Thư điện tử chưa được nơi nhận xác nhận"), _NONE)
def not_confirmed(tx: Tx, actor: Actor) -> list[Item] | None:
    """For clerks: their agency's documents. Not shown while there is none."""
    if not actor.has(Role.CLERK):
        return None
    own = sa.and_(Dispatch.sender_id == actor.agency_id, Dispatch.document_id.is_not(None))
    return _items(tx, own, for_clerks=True) or None


@section(96, phrase("Thư điện tử chưa được các nơi nhận xác nhận"), _NONE)
def unconfirmed(tx: Tx, actor: Actor) -> list[Item] | None:
    """For the administrators of the instance: all of them. Not shown while there is none."""
    if not is_instance_admin(tx, actor):
        return None
    return _items(tx, sa.true(), for_clerks=False) or None


def _items(tx: Tx, whose: sa.ColumnElement[bool], *, for_clerks: bool) -> list[Item]:
    query = (
        sa.select(MailLetter, MailPartner.agency_id, Dispatch)
        .join(MailPartner, MailPartner.id == MailLetter.partner_id)
        .join(Delivery, Delivery.id == MailLetter.delivery_id)
        .join(Dispatch, Dispatch.id == Delivery.dispatch_id)
        .where(
            whose,
            MailLetter.kind == LetterKind.DOCUMENT,
            MailLetter.state.in_(UNCONFIRMED),
            MailLetter.handed_at < clock.now() - ALARMS[0],
            Delivery.progress.in_([Progress.SUBMITTED, Progress.AVAILABLE]),
        )
        .order_by(MailLetter.handed_at)
        .limit(LOOKED_AT)
    )
    late = [row for row in tx.session.execute(query) if confirmations.alarm_of(row[0])][:MAX_ITEMS]
    cards = directory.agencies(tx, [agency_id for _, agency_id, _ in late])
    return [_item(dispatch, cards[agency_id].name, for_clerks) for _, agency_id, dispatch in late]


def _item(dispatch: Dispatch, receiver: str, for_clerks: bool) -> Item:
    facts = Facts.from_json(dispatch.facts)
    url = OUTGOING_PATH.format(id=dispatch.document_id) if for_clerks else _OPERATORS
    return Item(f"{facts.code} {facts.subject}".strip(), url, meta=(receiver,), chip=Chip(_UNCONFIRMED, "waiting"))
