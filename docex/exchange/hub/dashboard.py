"""Matters that wait at the hub: for the operator the systems that do not fetch, for a sender's clerks their own
documents."""

import sqlalchemy as sa

from directory import queries as directory
from directory.access import is_instance_admin
from directory.actor import Actor, Role
from docex.documents.links import OUTGOING_PATH
from docex.documents.models import Delivery, Dispatch, Document
from docex.exchange.hub.models import Parcel
from docex.exchange.hub.operators import dead_letters
from docex.exchange.hub.states import ParcelState
from kernel.dashboard import Chip, Item, section
from kernel.db import Tx
from kernel.text import Phrase, phrase

MAX_ITEMS = 20
PAGE = "/admin/exchange/{agency_id}"
STOPPED = "/admin/exchange/stopped"
_NOT_FETCHED = phrase("Chưa lấy")
_LATE = sa.and_(Parcel.state == ParcelState.WAITING, Parcel.alarm > 0)


@section(45, phrase("Nơi nhận chưa lấy văn bản"), phrase("Mọi văn bản đã gửi đều được lấy đúng hạn."))
def not_fetched(tx: Tx, actor: Actor) -> list[Item] | None:
    """For clerks: what a recipient's system has not fetched for four working hours. Not shown while there is none."""
    if not actor.has(Role.CLERK):
        return None
    query = (
        sa.select(Document, Parcel)
        .join(Dispatch, Dispatch.document_id == Document.id)
        .join(Delivery, Delivery.dispatch_id == Dispatch.id)
        .join(Parcel, Parcel.delivery_id == Delivery.id)
        .where(Document.agency_id == actor.agency_id, _LATE)
        .order_by(Parcel.available_at)
        .limit(MAX_ITEMS)
    )
    rows = tx.session.execute(query).all()
    cards = directory.agencies(tx, [parcel.agency_id for _, parcel in rows])
    items = [
        Item(
            f"{document.code} {document.subject}",
            OUTGOING_PATH.format(id=document.id),
            meta=(cards[parcel.agency_id].name,),
            chip=Chip(_NOT_FETCHED, "waiting"),
        )
        for document, parcel in rows
    ]
    return items or None


@section(95, phrase("Văn bản chưa được lấy khỏi trục"), phrase("Mọi văn bản tại trục đã được lấy đúng hạn."))
def unfetched(tx: Tx, actor: Actor) -> list[Item] | None:
    """For the administrators of the instance: agencies whose documents wait longer than four working hours."""
    if not is_instance_admin(tx, actor):
        return None
    query = (
        sa.select(Parcel.agency_id, sa.func.count())
        .where(_LATE)
        .group_by(Parcel.agency_id)
        .order_by(sa.func.min(Parcel.available_at))
        .limit(MAX_ITEMS)
    )
    late = {agency_id: count for agency_id, count in tx.session.execute(query)}
    cards = directory.agencies(tx, late)
    chip = Chip(_NOT_FETCHED, "bad")
    return [
        Item(
            cards[i].name,
            PAGE.format(agency_id=i),
            meta=(cards[i].code, phrase("{count} văn bản", count=count)),
            chip=chip,
        )
        for i, count in late.items()
    ]


@section(94, phrase("Việc mà trục đã dừng"), phrase("Trục không phải dừng việc nào."))
def stopped(tx: Tx, actor: Actor) -> list[Item] | None:
    """For the administrators of the instance: the dead letters. Not shown while there is none."""
    if not dead_letters.count(tx, actor):
        return None
    chip = Chip(phrase("Đã dừng"), "bad")
    return [
        Item(_in(actor.locale, one.name), STOPPED, meta=(phrase("{count} việc", count=one.count),), chip=chip)
        for one in dead_letters.groups(tx, actor)[:MAX_ITEMS]
    ]


def _in(locale: str, name: str | Phrase) -> str:
    return name.in_locale(locale) if isinstance(name, Phrase) else name
