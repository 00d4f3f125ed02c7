"""The lists of systems that speak VXP: a line for each system and message, written in the transaction
that says it. A look at a list then costs what waits, and not what was ever said; and what is committed late is in it
all the same, because nobody remembers how far they have read.

What nobody has fetched so far needs no line: it is found by its progress (docex/exchange/vxp/message_list.py).
"""

from collections.abc import Sequence

import sqlalchemy as sa

from docex.documents.models import Delivery, Dispatch, StatusLog
from docex.edxml.codes import StatusCode
from docex.edxml.progress import Recall
from docex.exchange.vxp import systems
from docex.exchange.vxp.models import EDOC, RECALL, SENT, STATUS, VxpAck, VxpRecall
from kernel import clock
from kernel.db import Tx
from kernel.schema import insert_into

STATUSES = frozenset(str(code) for code in StatusCode)


def enter(
    tx: Tx, dispatch: Dispatch, reported: Sequence[tuple[Delivery, StatusLog]], arrived: Sequence[Delivery] = ()
) -> None:
    """Something was said about deliveries of one envelope, and some of them have just reached their receivers, by
    whichever way: both are news for the systems of whom it concerns. What stands in a list stays as it is there."""
    news = [(EDOC, one.id, one.agency_id) for one in arrived]
    news += [(STATUS, line.id, _told(dispatch, one, line)) for one, line in reported if line.code in STATUSES]
    if not news:
        return
    systems_of: dict[int, list[int]] = {}
    for agency_id, client_id in systems.serving(tx, (agency_id for _, _, agency_id in news)):
        systems_of.setdefault(agency_id, []).append(client_id)
    now = clock.now()
    rows = [
        {"client_id": client_id, "kind": kind, "ref_id": ref_id, "status": SENT, "at": now}
        for kind, ref_id, agency_id in news
        for client_id in systems_of.get(agency_id, ())
    ]
    if rows:
        tx.session.execute(insert_into(tx.session, VxpAck).on_conflict_do_nothing(), rows)


def enter_recall(tx: Tx, recall: Dispatch, delivery_ids: Sequence[int]) -> None:
    """A recall came as an envelope: who is asked by it, and has a system, gets the file as it came."""
    asked = sa.select(Delivery).where(Delivery.id.in_(delivery_ids), Delivery.recall == Recall.ASKED)
    newest = {one.agency_id: one for one in tx.session.scalars(asked.order_by(Delivery.id))}
    if not newest:
        return
    systems_of: dict[int, list[int]] = {}
    for agency_id, client_id in systems.serving(tx, newest):
        systems_of.setdefault(agency_id, []).append(client_id)
    rows = {agency: VxpRecall(dispatch_id=recall.id, delivery_id=newest[agency].id) for agency in sorted(systems_of)}
    tx.session.add_all(rows.values())
    tx.session.flush()
    now = clock.now()
    tx.session.add_all(
        VxpAck(client_id=client_id, kind=RECALL, ref_id=rows[agency].id, status=SENT, at=now)
        for agency, client_ids in systems_of.items()
        for client_id in client_ids
    )


def _told(dispatch: Dispatch, delivery: Delivery, line: StatusLog) -> int:
    """Receivers tell the sender how it goes; only asking for a document back goes the other way."""
    return delivery.agency_id if line.code == StatusCode.RECALL_ASKED else dispatch.sender_id
