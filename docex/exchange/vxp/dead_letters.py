"""Dead letters about the upper axis: fetched again after a while, or tried again when an operator says
so (docex/exchange/hub/operators/dead_letters.py)."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from directory import queries as directory
from docex import topics
from docex.documents.labels import STATUS_TITLES
from docex.documents.models import Delivery, Dispatch, StatusLog
from docex.edxml.progress import Progress, Recall
from docex.exchange.hub import terms
from docex.exchange.hub.operators import dead_letters
from docex.exchange.hub.operators.dead_letters import About, Kind, Needless
from docex.exchange.vxp import upstream
from docex.exchange.vxp.client import Listed
from kernel import clock, outbox
from kernel.db import Tx
from kernel.outbox import OutboxRow, State
from kernel.text import Phrase, phrase

FETCH, ACKNOWLEDGE = topics.VXP_FETCH, topics.VXP_ACKNOWLEDGE
AGAIN_AFTER = timedelta(hours=6)
"""Whoever mends what kept a message out - a code that the directory lacked, a full disk - need not call anybody."""

PARTNER = "upstream"
_NAME = phrase("Trục trên")
_NAMED = 3
_ELSEWHERE = phrase("Nơi nhận nay nhận văn bản theo đường khác, không qua trục trên.")
_ANSWERED = phrase("Nơi nhận đã trả lời yêu cầu lấy lại này.")
_CAME = phrase("Văn bản này đã nhận được sau đó.")


def enqueue(tx: Tx, listed: Listed) -> None:
    """The upper axis still lists it: fetch what is new, and what died a while ago; say again what it did not
    hear of what was taken in."""
    tx.outbox(FETCH, listed.doc_id, {"doc_id": listed.doc_id, "kind": listed.kind})
    before = clock.now() - AGAIN_AFTER
    if not outbox.requeue_dead(tx, FETCH, listed.doc_id, before=before):
        outbox.requeue_dead(tx, ACKNOWLEDGE, f"{listed.doc_id}:done", before=before)


class Forward(Kind):
    """An envelope that the upper axis did not take."""

    topic = topics.VXP_FORWARD
    title = phrase("Chuyển văn bản lên trục trên")

    def about(self, tx: Tx, rows: Sequence[OutboxRow]) -> dict[int, About]:
        """The document and its receivers up there."""
        numbers = {row.id: int(row.payload["dispatch_id"]) for row in rows}
        wanted = sa.select(Dispatch).where(Dispatch.id.in_(set(numbers.values())))
        dispatches = {one.id: one for one in tx.session.scalars(wanted)}
        deliveries = sa.select(Delivery.dispatch_id, Delivery.agency_id).where(
            Delivery.dispatch_id.in_(dispatches), Delivery.progress.in_([Progress.UNDELIVERABLE, Progress.SUBMITTED])
        )
        receivers: dict[int, list[int]] = {}
        for dispatch_id, agency_id in tx.session.execute(deliveries.order_by(Delivery.id)):
            receivers.setdefault(dispatch_id, []).append(agency_id)
        cards = directory.agencies(tx, {i for those in receivers.values() for i in those[:_NAMED]})
        found = {}
        for row_id, number in numbers.items():
            those = receivers.get(number, [])
            to = _listed([cards[i].name for i in those[:_NAMED]], len(those))
            if number in dispatches:
                found[row_id] = About(PARTNER, _NAME, dead_letters.named(dispatches[number]), to)
        return found

    def needless(self, tx: Tx, row: OutboxRow) -> Needless | None:
        """Nobody waits for it up there any more."""
        ends = [dead_letters.ended(tx, one) for one in _locked(tx, row)]
        if not ends:
            return Needless(_ELSEWHERE)
        return None if None in ends else ends[0]

    def put_back(self, tx: Tx, row: OutboxRow, reason: str) -> datetime | None:
        """A receiver whose job died is waited for again, until the term of the envelope ends."""
        for delivery in _locked(tx, row):
            if dead_letters.ended(tx, delivery) is None:
                dead_letters.on_its_way(tx, delivery, reason)
        return terms.until(tx, row.payload["dispatch_id"])


class Report(Kind):
    """A status that the upper axis did not hear."""

    topic = topics.VXP_REPORT
    title = phrase("Báo trạng thái lên trục trên")

    def about(self, tx: Tx, rows: Sequence[OutboxRow]) -> dict[int, About]:
        """The document, and what was said of it."""
        query = (
            sa.select(StatusLog.id, StatusLog.code, Dispatch)
            .join(Delivery, Delivery.id == StatusLog.delivery_id)
            .join(Dispatch, Dispatch.id == Delivery.dispatch_id)
            .where(StatusLog.id.in_({int(row.payload["status_id"]) for row in rows}))
        )
        statuses = {number: (code, dispatch) for number, code, dispatch in tx.session.execute(query)}
        found = {}
        for row in rows:
            if (line := statuses.get(int(row.payload["status_id"]))) is not None:
                found[row.id] = About(PARTNER, _NAME, dead_letters.named(line[1]), STATUS_TITLES[line[0]])
        return found

    def needless(self, tx: Tx, row: OutboxRow) -> Needless | None:
        """A status stands for ever; a question that was answered need not be asked."""
        line = tx.session.get_one(StatusLog, row.payload["status_id"])
        delivery = tx.session.get_one(Delivery, line.delivery_id, with_for_update=True, populate_existing=True)
        return Needless(_ANSWERED) if line.code == Recall.ASKED and delivery.recall != Recall.ASKED else None


class Fetch(Kind):
    """A message of the upper axis that could not be taken in."""

    topic = FETCH
    title = phrase("Nhận văn bản từ trục trên")

    def about(self, tx: Tx, rows: Sequence[OutboxRow]) -> dict[int, About]:
        """Its id up there: more is not known before it is read."""
        return {row.id: About(PARTNER, _NAME, row.payload["doc_id"]) for row in rows}


class Acknowledge(Kind):
    """An acknowledgement of a message that the upper axis did not hear."""

    topic = ACKNOWLEDGE
    title = phrase("Báo trục trên đã nhận văn bản hay chưa")

    def about(self, tx: Tx, rows: Sequence[OutboxRow]) -> dict[int, About]:
        """The message and the word."""
        return {row.id: About(PARTNER, _NAME, row.payload["doc_id"], row.payload["status"]) for row in rows}

    def needless(self, tx: Tx, row: OutboxRow) -> Needless | None:
        """That it failed is no longer true once it came."""
        fetched = sa.select(OutboxRow.state).where(OutboxRow.topic == FETCH, OutboxRow.key == row.payload["doc_id"])
        came = row.payload["status"] == "fail" and tx.session.scalar(fetched) == State.DONE
        return Needless(_CAME) if came else None


def _locked(tx: Tx, row: OutboxRow) -> list[Delivery]:
    """The deliveries for which this envelope goes up."""
    query = sa.select(Delivery).where(Delivery.dispatch_id == row.payload["dispatch_id"]).order_by(Delivery.id)
    locked = tx.session.scalars(query.with_for_update().execution_options(populate_existing=True))
    dispatch = tx.session.get_one(Dispatch, row.payload["dispatch_id"])
    return [one for one in locked if upstream.went_up(tx, one, dispatch)]


def _listed(names: Iterable[str], count: int) -> str | Phrase:
    shown = list(names)
    if count <= len(shown):
        return ", ".join(shown)
    return phrase("{names} và {n} nơi khác", names=", ".join(shown), n=count - len(shown))


for _kind in (Forward(), Report(), Fetch(), Acknowledge()):
    dead_letters.describe(_kind)
