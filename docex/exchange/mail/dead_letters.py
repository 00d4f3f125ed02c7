"""Letters and arrivals that are dead, for the operator who tries them again
(docex/exchange/hub/operators/dead_letters.py)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from directory import queries as directory
from docex import topics
from docex.documents.labels import STATUS_TITLES
from docex.documents.models import Delivery, Dispatch
from docex.edxml.progress import Recall
from docex.exchange.hub import terms
from docex.exchange.hub.operators import dead_letters
from docex.exchange.hub.operators.dead_letters import About, Kind, Needless
from docex.exchange.mail.models import (
    OUR_TROUBLE,
    LetterKind,
    LetterState,
    MailArrival,
    MailLetter,
    MailPartner,
    Outcome,
)
from docex.exchange.mail.outbound import confirmations
from kernel import clock
from kernel.db import Tx
from kernel.outbox import OutboxRow
from kernel.text import Phrase, phrase
from notify import reasons
from notify.messages import Channel

_LEFT = phrase("Thư này đã đi, hoặc nơi nhận đã trả lời.")
_NO_PARTNER = phrase("Cơ quan này hiện không trao đổi qua thư điện tử. Xin bật lại cho cơ quan đó rồi thử.")
_ANSWERED = phrase("Nơi nhận đã trả lời yêu cầu lấy lại này.")
_READ = phrase("Thư này đã được xử lý sau đó.")
_SETTLED = phrase("Thư đã có kết quả, không cần nhắc nữa.")
_STRANGERS = phrase("Thư của người gửi chưa đăng ký")


class Letter(Kind):
    """A letter that did not leave."""

    def about(self, tx: Tx, rows: Sequence[OutboxRow]) -> dict[int, About]:
        """The partner, and the document or the letter that it answers."""
        numbers = {row.id: int(row.payload["letter_id"]) for row in rows}
        query = (
            sa.select(MailLetter, MailPartner, Dispatch)
            .join(MailPartner, MailPartner.id == MailLetter.partner_id)
            .outerjoin(Delivery, Delivery.id == MailLetter.delivery_id)
            .outerjoin(Dispatch, Dispatch.id == Delivery.dispatch_id)
            .where(MailLetter.id.in_(set(numbers.values())))
        )
        letters = {letter.id: (letter, partner, dispatch) for letter, partner, dispatch in tx.session.execute(query)}
        names = _names(tx, (partner for _, partner, _ in letters.values()))
        found = {}
        for row_id, number in numbers.items():
            if number in letters:
                letter, partner, dispatch = letters[number]
                what = dead_letters.named(dispatch) if dispatch is not None else str(letter.facts.get("subject", ""))
                found[row_id] = _of_partner(partner, names, what or letter.message_id, _kind_of(letter))
        return found

    def why(self, row: OutboxRow) -> Phrase:
        """A mail server's answer is told as everywhere else."""
        answer = "" if row.said else reasons.told(Channel.EMAIL, row.reason)
        return answer if isinstance(answer, Phrase) and answer.msgid != row.reason else super().why(row)

    def needless(self, tx: Tx, row: OutboxRow) -> Needless | None:
        """It left by another try, its document ended, or nobody is there to get it."""
        letter = _letter(tx, row)
        if letter.state != LetterState.FAILED:
            return Needless(_LEFT)
        if letter.delivery_id is not None:
            delivery = tx.session.get_one(Delivery, letter.delivery_id, with_for_update=True, populate_existing=True)
            if letter.kind == LetterKind.DOCUMENT and (over := dead_letters.ended(tx, delivery)) is not None:
                return over
            if _asks(letter) and delivery.recall != Recall.ASKED:
                return Needless(_ANSWERED)
        partner = tx.session.get_one(MailPartner, letter.partner_id)
        return None if partner.is_active else Needless(_NO_PARTNER, for_good=False)

    def put_back(self, tx: Tx, row: OutboxRow, reason: str) -> datetime | None:
        """The letter waits again, and its document with it, as long as its term."""
        letter = _letter(tx, row)
        letter.state, letter.reason, letter.changed_at = LetterState.WAITING, {}, clock.now()
        if letter.kind != LetterKind.DOCUMENT or letter.delivery_id is None:
            return None
        delivery = tx.session.get_one(Delivery, letter.delivery_id)
        dead_letters.on_its_way(tx, delivery, reason)
        return terms.until(tx, delivery.dispatch_id)


class EnvelopeLetter(Letter):
    """Documents and statuses."""

    topic = topics.MAIL_ENVELOPE
    title = phrase("Gửi thư điện tử")


class ReceiptLetter(Letter):
    """Receipts for what came."""

    topic = topics.MAIL_RECEIPT
    title = phrase("Gửi giấy báo qua thư điện tử")


class Alarm(Letter):
    """The reminder that a letter was not confirmed."""

    topic = topics.MAIL_ALARM
    title = phrase("Nhắc nơi nhận xác nhận thư")

    def needless(self, tx: Tx, row: OutboxRow) -> Needless | None:
        """It was confirmed, or is waited for no more."""
        return None if confirmations.is_unconfirmed(tx, _letter(tx, row)) else Needless(_SETTLED)

    def put_back(self, tx: Tx, row: OutboxRow, reason: str) -> datetime | None:
        """The letter itself is where it was."""
        return None


class Arrival(Kind):
    """A message that came and that we could not read for reasons of our own."""

    topic = topics.MAIL_ARRIVAL
    title = phrase("Đọc thư điện tử đã nhận")

    def about(self, tx: Tx, rows: Sequence[OutboxRow]) -> dict[int, About]:
        """The writer of the letter, and its subject."""
        numbers = {row.id: int(row.payload["arrival_id"]) for row in rows}
        query = (
            sa.select(MailArrival, MailPartner)
            .outerjoin(MailPartner, MailPartner.id == MailArrival.partner_id)
            .where(MailArrival.id.in_(set(numbers.values())))
        )
        arrivals = {arrival.id: (arrival, partner) for arrival, partner in tx.session.execute(query)}
        names = _names(tx, (partner for _, partner in arrivals.values() if partner is not None))
        found = {}
        for row_id, number in numbers.items():
            if number in arrivals:
                arrival, partner = arrivals[number]
                what = str(arrival.facts.get("subject") or arrival.message_id or f"SHA-256 {arrival.sha256[:16]}…")
                found[row_id] = _of_partner(partner, names, what, arrival.mail_from)
        return found

    def needless(self, tx: Tx, row: OutboxRow) -> Needless | None:
        """It came again meanwhile and was read."""
        arrival = tx.session.get_one(
            MailArrival, row.payload["arrival_id"], with_for_update=True, populate_existing=True
        )
        stuck = arrival.outcome == Outcome.REFUSED and arrival.facts.get("code") == OUR_TROUBLE
        return None if stuck else Needless(_READ)

    def put_back(self, tx: Tx, row: OutboxRow, reason: str) -> datetime | None:
        """As when its sender sends it again: whoever was refused is told what came of it after all."""
        arrival = tx.session.get_one(MailArrival, row.payload["arrival_id"])
        tries = int(arrival.facts.get("tries", 1)) + 1
        arrival.outcome, arrival.settled_at, arrival.facts = Outcome.WAITING, None, {"tries": tries}
        return None


def _of_partner(partner: MailPartner | None, names: dict[int, str], what: str, detail: str | Phrase) -> About:
    if partner is None:
        return About("mail", _STRANGERS, what, detail)
    return About(f"agency-{partner.agency_id}", names[partner.agency_id], what, detail)


def _names(tx: Tx, partners: Iterable[MailPartner]) -> dict[int, str]:
    return {i: card.name for i, card in directory.agencies(tx, {one.agency_id for one in partners}).items()}


def _letter(tx: Tx, row: OutboxRow) -> MailLetter:
    return tx.session.get_one(MailLetter, row.payload["letter_id"], with_for_update=True, populate_existing=True)


def _asks(letter: MailLetter) -> bool:
    return letter.kind == LetterKind.STATUS and letter.facts.get("status") == Recall.ASKED


_KINDS: dict[str, Phrase] = {
    LetterKind.DOCUMENT: phrase("văn bản"),
    LetterKind.ACCEPTANCE: phrase("giấy báo tiếp nhận"),
    LetterKind.DELIVERY: phrase("giấy báo đã đến"),
    LetterKind.REFUSAL: phrase("giấy báo không tiếp nhận"),
}


def _kind_of(letter: MailLetter) -> Phrase:
    facts: dict[str, Any] = letter.facts
    return STATUS_TITLES[facts["status"]] if letter.kind == LetterKind.STATUS else _KINDS[letter.kind]


for _kind in (EnvelopeLetter(), ReceiptLetter(), Alarm(), Arrival()):
    dead_letters.describe(_kind)
