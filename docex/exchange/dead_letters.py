"""Dead letters of the exchange itself, which only a fault of this software can cause: shown to the operator,
who has it done again when the fault is mended (docex/exchange/hub/operators/dead_letters.py). Each of these jobs sees
itself whether there is still anything to do."""

from collections.abc import Sequence

import sqlalchemy as sa

from directory.models import Agency
from docex.documents.models import Delivery, Dispatch, Document, Incoming
from docex.exchange.hub.operators import dead_letters
from docex.exchange.hub.operators.dead_letters import About, Kind
from kernel.db import Tx
from kernel.outbox import OutboxRow
from kernel.text import Phrase, phrase

PARTNER = "inside"
_NAME = phrase("Việc bên trong trục")

_TITLES: dict[str, Phrase] = {
    "docex.deliver": phrase("Giao văn bản đến nơi nhận"),
    "docex.ask_back": phrase("Yêu cầu nơi nhận trả lại văn bản"),
    "docex.settle": phrase("Kết thúc văn bản khi mọi nơi nhận đã xong"),
    "docex.replaced": phrase("Cho văn bản cũ hết hiệu lực khi bản thay thế đã gửi"),
    "docex.answered": phrase("Kết thúc văn bản đến đã trả lời"),
    "docex.work": phrase("Cập nhật văn bản đến theo việc đã giao"),
    "docex.stop_work": phrase("Dừng việc về văn bản đã trả lại"),
    "hub.expire": phrase("Báo văn bản hết thời hạn chờ"),
    "hub.collect": phrase("Đặt văn bản đến trước vào hộp nhận"),
    "hub.alarm": phrase("Nhắc về văn bản chưa được lấy"),
}


class Inside(Kind):
    """One of these topics."""

    def __init__(self, topic: str, title: Phrase) -> None:
        self.topic, self.title = topic, title

    def about(self, tx: Tx, rows: Sequence[OutboxRow]) -> dict[int, About]:
        """The document, when the job names one, else its key."""
        names = _names(tx, rows)
        return {row.id: About(PARTNER, _NAME, *names.get(_named_in(row), (row.key, ""))) for row in rows}

    def why(self, row: OutboxRow) -> Phrase:
        """Nobody else was asked here: what has no sentence of its own is a fault of this software."""
        if row.said or not row.reason:
            return super().why(row)
        return phrase("Phần mềm của trục gặp lỗi: “{reason}”.", reason=row.reason)


Named = tuple[str, int]


def _named_in(row: OutboxRow) -> Named:
    """The subject of a job: a delivery (the first of them), a dispatch, an own or a received document."""
    for name in ("delivery_id", "dispatch_id", "document_id", "incoming_id"):
        if number := row.payload.get(name):
            return name, int(number)
    return "delivery_id", int(next(iter(row.payload.get("delivery_ids", [])), 0))


def _names(tx: Tx, rows: Sequence[OutboxRow]) -> dict[Named, tuple[str, str]]:
    """The words for each of those, and who receives it."""
    wanted: dict[str, set[int]] = {}
    for name, thing_id in map(_named_in, rows):
        wanted.setdefault(name, set()).add(thing_id)
    found: dict[Named, tuple[str, str]] = {}
    to = sa.select(Delivery.id, Agency.name, Dispatch).join(Agency, Agency.id == Delivery.agency_id)
    to = to.join(Dispatch, Dispatch.id == Delivery.dispatch_id).where(Delivery.id.in_(wanted.get("delivery_id", ())))
    for thing_id, receiver, dispatch in tx.session.execute(to):
        found["delivery_id", thing_id] = dead_letters.named(dispatch), receiver
    for dispatch in tx.session.scalars(sa.select(Dispatch).where(Dispatch.id.in_(wanted.get("dispatch_id", ())))):
        found["dispatch_id", dispatch.id] = dead_letters.named(dispatch), ""
    for own in tx.session.scalars(sa.select(Document).where(Document.id.in_(wanted.get("document_id", ())))):
        found["document_id", own.id] = f"{own.code} {own.subject}".strip(), ""
    for came in tx.session.scalars(sa.select(Incoming).where(Incoming.id.in_(wanted.get("incoming_id", ())))):
        found["incoming_id", came.id] = f"{came.code} {came.subject}".strip(), came.sender_name
    return found


for _topic, _title in _TITLES.items():
    dead_letters.describe(Inside(_topic, _title))
