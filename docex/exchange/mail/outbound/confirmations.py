"""Letters that our mail server took and that the partner does not confirm: who is told meanwhile.

The clock is that of a document that nobody fetches from a mailbox (docex/exchange/hub/terms.py). What the sender gets
in the end says the way itself (docex/exchange/mail/outbound/letter_queue.py).
"""

from collections.abc import Iterable

from directory import queries as directory
from directory.access import instance_admins
from directory.actor import Role
from docex.documents.envelope import Facts
from docex.documents.models import Delivery, Dispatch
from docex.edxml.progress import Progress, Recall
from docex.exchange.hub import terms
from docex.exchange.mail.models import LetterKind, MailLetter, MailPartner
from docex.exchange.mail.outbound.letter_queue import UNCONFIRMED
from kernel.db import Tx
from kernel.refs import Ref
from kernel.text import Phrase, phrase
from notify.kinds import DocumentUnconfirmed
from notify.messages import BOTH, Recipient, tell

_OPEN = (Progress.SUBMITTED, Progress.AVAILABLE)
_LOOK_INTO_IT = phrase("Xin mở hộp thư trao đổi văn bản, kể cả thư rác, và tiếp nhận văn bản này.")
_ASK_THEM = phrase("Xin liên hệ nơi nhận để biết hộp thư trao đổi văn bản của họ có còn hoạt động không.")


def watch(tx: Tx, letter: MailLetter) -> None:
    """A document was just handed to the mail server: see to it that somebody is told when nothing comes back."""
    if letter.kind == LetterKind.DOCUMENT and letter.delivery_id is not None:
        _enqueue(tx, letter, _dispatch(tx, letter), 1)
        terms.look_again(tx, _dispatch(tx, letter).id, f"letter:{letter.id}")


def alarm(tx: Tx, letter_id: int, step: int) -> None:
    """Nothing came back for a while: tell the next one who should know."""
    letter = tx.session.get_one(MailLetter, letter_id, with_for_update=True, populate_existing=True)
    if not is_unconfirmed(tx, letter) or alarm_of(letter) >= step:
        return
    letter.facts = {**letter.facts, "alarm": step}
    dispatch, partner = _dispatch(tx, letter), tx.session.get_one(MailPartner, letter.partner_id)
    terms.ring(tx, partner.agency_id, dispatch, {"id": letter.id, "rev": step})
    if step == 2:
        clerks = [Recipient.of(card) for card in directory.people_with_role(tx, partner.agency_id, Role.CLERK)]
        _tell(tx, letter, partner, dispatch, clerks, "clerks", _LOOK_INTO_IT)
    if step == 3:
        known = terms.technical_contacts(tx, partner.agency_id)
        keepers = known or [Recipient.of(card) for card in instance_admins(tx)]  # who agreed on e-mail with it
        _tell(tx, letter, partner, dispatch, keepers, "technical", _ASK_THEM)
    if step < len(terms.ALARMS):
        _enqueue(tx, letter, dispatch, step + 1)


def is_unconfirmed(tx: Tx, letter: MailLetter) -> bool:
    """Whether a document's letter has left and the partner has neither confirmed nor answered it."""
    if letter.kind != LetterKind.DOCUMENT or letter.state not in UNCONFIRMED or letter.delivery_id is None:
        return False
    delivery = tx.session.get_one(Delivery, letter.delivery_id)
    return delivery.progress in _OPEN and delivery.recall != Recall.AGREED


def alarm_of(letter: MailLetter) -> int:
    """How far the escalation has come."""
    return int(letter.facts.get("alarm", 0))


def _enqueue(tx: Tx, letter: MailLetter, dispatch: Dispatch, step: int) -> None:
    due_at = terms.alarm_due(tx, dispatch.id, letter.handed_at or letter.made_at, step)
    tx.outbox("mail.alarm", f"{letter.id}:{step}", {"letter_id": letter.id, "step": step}, due_at=due_at)


def _tell(
    tx: Tx,
    letter: MailLetter,
    partner: MailPartner,
    dispatch: Dispatch,
    people: Iterable[Recipient],
    slot: str,
    what_to_do: Phrase,
) -> None:
    """Tell them, or the partner itself when nobody of it is known here."""
    facts, agency = Facts.from_json(dispatch.facts), directory.agency(tx, partner.agency_id)
    notice = DocumentUnconfirmed(
        subject=facts.subject,
        number=facts.code,
        sender=directory.agency(tx, dispatch.sender_id).name,
        receiver=agency.name,
        address=partner.address,
        what_to_do=what_to_do,
        since_at=letter.handed_at or letter.made_at,
        until_at=terms.until(tx, dispatch.id),
    )
    itself = Recipient(agency.name, agency.email or partner.address, agency.phone)
    for recipient in list(people) or [itself]:
        tell(tx, notice, recipient, ref=Ref("mail_letter", letter.id), slot=slot, channels=BOTH)


def _dispatch(tx: Tx, letter: MailLetter) -> Dispatch:
    delivery = tx.session.get_one(Delivery, letter.delivery_id)
    return tx.session.get_one(Dispatch, delivery.dispatch_id)
