"""What the operator should look at: documents that systems of agencies do not fetch."""

import sqlalchemy as sa

from directory import queries as directory
from directory.access import is_instance_admin
from directory.actor import Actor
from docex.hub.models import Parcel
from docex.hub.states import ParcelState
from kernel.db import Tx
from kernel.text import phrase
from kernel.today import Chip, Item, section

MOST = 20
PAGE = "/admin/exchange"


@section(95, phrase("Văn bản chưa được lấy khỏi trục"), phrase("Mọi văn bản tại trục đã được lấy đúng hạn."))
def unfetched(tx: Tx, actor: Actor) -> list[Item] | None:
    """For the administrators of the instance: agencies whose documents wait longer than four working hours."""
    if not is_instance_admin(tx, actor):
        return None
    query = (
        sa.select(Parcel.agency_id, sa.func.count())
        .where(Parcel.state == ParcelState.WAITING, Parcel.alarm > 0)
        .group_by(Parcel.agency_id)
        .order_by(sa.func.min(Parcel.available_at))
        .limit(MOST)
    )
    late = {agency_id: count for agency_id, count in tx.session.execute(query)}
    cards = directory.agencies(tx, late)
    chip = phrase("Chưa lấy")
    return [
        Item(cards[i].name, PAGE, meta=(cards[i].code, str(count)), chip=Chip(chip, "bad")) for i, count in late.items()
    ]
