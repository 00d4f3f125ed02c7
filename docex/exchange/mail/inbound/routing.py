"""The way of a message that came: handed to the hub, a receipt or bounce for a letter of ours, or refused."""

from dataclasses import dataclass
from typing import Any

from directory import queries as directory
from directory.actor import Actor
from docex import topics
from docex.documents.models import Dispatch
from docex.edxml import Envelope, StatusMessage
from docex.edxml.progress import Progress
from docex.exchange.intake import acceptance
from docex.exchange.intake.acceptance import Handed
from docex.exchange.mail.inbound import replays
from docex.exchange.mail.inbound.delivery_reports import Report
from docex.exchange.mail.models import LetterKind, LetterState, MailArrival, MailLetter, MailPartner, Outcome
from docex.exchange.mail.outbound import letter_queue, links
from kernel import clock
from kernel.config import Config
from kernel.db import Tx
from kernel.errors import DomainError
from kernel.refs import Ref
from kernel.text import Phrase, phrase
from signing.verdicts.verdict import phrase_to_json


@dataclass(frozen=True)
class Refused:
    """Why a message is not taken: a stable code for machines, a sentence for people."""

    code: str
    reason_phrase: Phrase


@dataclass(frozen=True)
class Found:
    """A message that was read; at most one of the last four is there, and none means that nothing follows."""

    arrival_id: int
    message_id: str
    subject: str
    signature: str
    handed: tuple[Envelope | StatusMessage, Handed] | None = None
    receipt: dict[str, Any] | None = None
    report: Report | None = None
    refused: Refused | None = None
    answers: str = ""
    """The Message-ID that the message is an answer to."""


MAX_REFUSALS = 20
"""To one partner in an hour: two programs that answer each other's answers end here."""


def take(tx: Tx, config: Config, found: Found) -> None:
    """Do what the message asks for, once: an arrival that is settled stays as it is."""
    arrival = tx.session.get_one(MailArrival, found.arrival_id, with_for_update=True, populate_existing=True)
    if arrival.outcome != Outcome.WAITING:
        return
    arrival.message_id, arrival.signature = found.message_id, found.signature
    tries = int(arrival.facts.get("tries", 1))
    arrival.facts = {"subject": found.subject} | ({"tries": tries} if tries > 1 else {})
    partner = tx.session.get(MailPartner, arrival.partner_id) if arrival.partner_id is not None else None
    arrival.outcome = _outcome(tx, config, arrival, partner, found)
    arrival.settled_at = clock.now()
    detail = {"outcome": arrival.outcome, "signature": arrival.signature, "sha256": arrival.sha256}
    tx.audit("system", "mail.arrival", Ref("mail_arrival", arrival.id), detail)


def _outcome(tx: Tx, config: Config, arrival: MailArrival, partner: MailPartner | None, found: Found) -> Outcome:
    if found.report is not None:
        return _report(tx, found.report)
    if partner is None:
        return Outcome.NOTED
    if found.receipt is not None:
        return _receipt(tx, partner, found.receipt)
    if found.handed is not None:
        return _hand_in(tx, config, arrival, partner, *found.handed)
    if found.refused is not None and not _answers_a_receipt(tx, found):
        return _refuse(tx, config, arrival, partner, found.refused)
    return Outcome.NOTED


def is_new(tx: Tx, partner: MailPartner, message: Envelope | StatusMessage, handed: Handed) -> bool:
    """Whether a message has still to be taken in, before anything of it is stored; refuses what can be refused."""
    handed = replays.first_named(tx, partner, message, handed)
    return acceptance.is_new(tx, _actor(tx, partner), message, handed)


def _hand_in(
    tx: Tx,
    config: Config,
    arrival: MailArrival,
    partner: MailPartner,
    message: Envelope | StatusMessage,
    handed: Handed,
) -> Outcome:
    if replays.is_early(tx, partner, message):
        return Outcome.NOTED
    try:
        with tx.attempt():
            replays.take_turns(tx, handed)
            handed = replays.first_named(tx, partner, message, handed)
            answer = acceptance.accept(tx, _actor(tx, partner), message, handed)
    except DomainError as error:
        return _refuse(tx, config, arrival, partner, Refused(error.code, error.told))
    if isinstance(message, Envelope):
        _accepted(tx, config, arrival, partner, int(answer["id"]))
    return Outcome.ACCEPTED


def _actor(tx: Tx, partner: MailPartner) -> Actor:
    sender = directory.agency(tx, partner.agency_id)
    return Actor(kind="client", agency_id=sender.id, name=sender.name)


def _answers_a_receipt(tx: Tx, found: Found) -> bool:
    """An answer to a receipt or a refusal of ours that brings nothing is not answered again."""
    assert found.refused is not None
    if found.refused.code != "nothing_inside" or not found.answers:
        return False
    letter = letter_queue.letter_with(tx, found.answers)
    return letter is not None and letter.kind not in (LetterKind.DOCUMENT, LetterKind.STATUS)


def _accepted(tx: Tx, config: Config, arrival: MailArrival, partner: MailPartner, dispatch_id: int) -> None:
    """The acceptance receipt; a partner that sends again because it got none gets the first one again."""
    dispatch = tx.session.get_one(Dispatch, dispatch_id)
    arrival.dispatch_id = dispatch.id
    receiver = directory.agency(tx, arrival.rcpt_to["agencies"][0]) if arrival.rcpt_to["agencies"] else None
    facts = letter_queue.receipt_facts(LetterKind.ACCEPTANCE, arrival, dispatch, receiver)
    letter = letter_queue.enqueue(
        tx, config, LetterKind.ACCEPTANCE, f"dispatch:{dispatch.id}", partner, arrival=arrival, facts=facts
    )
    if letter.arrival_id != arrival.id:
        _again(tx, letter, arrival)


def _again(tx: Tx, letter: MailLetter, arrival: MailArrival) -> None:
    if letter.state not in (LetterState.HANDED, LetterState.FAILED):
        return  # it is on its way
    letter.state, letter.reason = LetterState.WAITING, {}
    tx.outbox(topics.MAIL_RECEIPT, f"{letter.id}:{arrival.id}", {"letter_id": letter.id})


def _refuse(tx: Tx, config: Config, arrival: MailArrival, partner: MailPartner, refused: Refused) -> Outcome:
    receiver = directory.agency(tx, arrival.rcpt_to["agencies"][0]) if arrival.rcpt_to["agencies"] else None
    reason = (refused.code, refused.reason_phrase)
    facts = letter_queue.receipt_facts(LetterKind.REFUSAL, arrival, None, receiver, reason)
    arrival.facts = {**arrival.facts, "code": refused.code, "reason": phrase_to_json(refused.reason_phrase)}
    if letter_queue.refusals_lately(tx, partner) < MAX_REFUSALS:
        tries = arrival.facts.get("tries")
        about = f"arrival:{arrival.id}" + (f":{tries}" if tries else "")  # each refusal is a letter of its own
        letter_queue.enqueue(tx, config, LetterKind.REFUSAL, about, partner, arrival=arrival, facts=facts)
    return Outcome.REFUSED


def _receipt(tx: Tx, partner: MailPartner, receipt: dict[str, Any]) -> Outcome:
    """A partner's receipt counts for letters to that partner only."""
    letter = letter_queue.letter_with(tx, str(receipt["message_id"]))
    if letter is None or letter.partner_id != partner.id or letter.kind != LetterKind.DOCUMENT:
        return Outcome.NOTED
    name = directory.agency(tx, partner.agency_id).name
    match receipt["receipt"]:
        case LetterKind.ACCEPTANCE:
            if letter_queue.move(letter, LetterState.ACCEPTED):
                letter_queue.progress(tx, letter, Progress.AVAILABLE, name)
            links.close(tx, letter)
        case LetterKind.DELIVERY:
            if letter_queue.move(letter, LetterState.DELIVERED):
                letter_queue.progress(tx, letter, Progress.ARRIVED, name)
            links.close(tx, letter)
        case _:
            letter_queue.failed(tx, letter, phrase("Nơi nhận không tiếp nhận thư: {reason}", reason=_words(receipt)))
    return Outcome.RECEIPT


def _report(tx: Tx, report: Report) -> Outcome:
    """A mail server's or mail program's report; it knows our Message-ID, which nobody can guess."""
    letter = letter_queue.letter_with(tx, report.message_id)
    if letter is None:
        return Outcome.NOTED
    if report.action == "failed":
        letter_queue.failed(
            tx, letter, phrase("Máy chủ thư của nơi nhận trả lại thư: {reason}", reason=report.reason or "5.0.0")
        )
        return Outcome.BOUNCE
    if report.action in ("delivered", "displayed"):
        state = LetterState.ACCEPTED if report.action == "delivered" else LetterState.DELIVERED
        step = Progress.AVAILABLE if report.action == "delivered" else Progress.RETRIEVED
        if letter_queue.move(letter, state):
            letter_queue.progress(tx, letter, step)
        return Outcome.RECEIPT
    return Outcome.NOTED


def _words(receipt: dict[str, Any]) -> str:
    reason = receipt.get("reason")
    text = str(reason.get("vi") or reason.get("code") or "") if isinstance(reason, dict) else ""
    return " ".join(text.split())[:300] or "?"
