"""Links to files that are too large for a letter: signed, with an end, for one partner, each download in the audit.

A link ends with its day, after twenty downloads, when the partner confirms that it has the document, and when the
document is taken back. It may be used again before: a gigabyte over a bad line may take several tries.

Opening the address shows a page; only its button downloads, so that a mail scanner that opens every link neither
counts as a download nor fetches a gigabyte.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from docex.documents.envelope import Facts
from docex.documents.models import Delivery, Dispatch
from docex.documents.papers.files import file_name
from docex.edxml.progress import Progress, Recall
from docex.exchange.mail.models import MailLetter
from docex.exchange.mail.outbound import letter_queue
from kernel import clock
from kernel.config import Config
from kernel.db import Tx
from kernel.errors import NotFound
from kernel.refs import Ref
from kernel.text import phrase
from notify import links
from notify.links import LinkPage, LinkPurpose, link_purpose
from notify.models import Link

PURPOSE = "docex.mail_file"
PATH = "/mail/files/"
_MAX_DOWNLOADS = 20


@link_purpose(PURPOSE)
class MailFile(LinkPurpose):
    """These links have an endpoint of their own, because they answer with a file."""

    def page(self, tx: Tx, link: Link) -> LinkPage:
        """Nothing at the common endpoint."""
        raise NotFound()


@dataclass(frozen=True)
class Offer:
    """The file behind a link that works."""

    letter_id: int
    name: str
    sha256: str
    size: int
    subject: str
    sender: str
    until: datetime


def address_for(tx: Tx, config: Config, letter: MailLetter, name: str, until: datetime) -> str:
    """The link of a letter, made at the first try and the same on every further one."""
    link = tx.session.get(Link, letter.link_id) if letter.link_id is not None else None
    if link is None:
        link = links.make(tx, PURPOSE, Ref("mail_letter", letter.id), person_id=None, name=name, expires_at=until)
        letter.link_id = link.id
    return f"{config.base_url.rstrip('/')}{PATH}{links.token(link, config.signing_secret())}"


def offered(tx: Tx, token: str, secret: str) -> Offer:
    """The file to which a link leads; NotFound with one sentence for all that do not work, or no longer."""
    found = links.find(tx, token, secret)
    if found is None or not found.live or found.link.purpose != PURPOSE:
        raise NotFound(phrase("Liên kết tải tệp không đúng hoặc đã hết hạn. Xin hỏi lại cơ quan gửi."))
    letter = tx.session.get_one(MailLetter, int(found.link.ref.partition(":")[2]))
    dispatch = _dispatch(tx, letter)
    if tx.session.get_one(Delivery, letter.delivery_id).recall == Recall.AGREED:
        raise NotFound(phrase("Liên kết tải tệp không đúng hoặc đã hết hạn. Xin hỏi lại cơ quan gửi."))
    facts = Facts.from_json(dispatch.facts)
    name = file_name(facts.code, facts.subject, "edxml")
    until = found.link.expires_at
    return Offer(letter.id, name, dispatch.sha256, dispatch.size, facts.subject, facts.sender_name, until)


def taken(tx: Tx, token: str, secret: str, peer: str) -> Offer:
    """The button was pressed: say who took the file from where, and that the document was retrieved."""
    offer = offered(tx, token, secret)
    letter = tx.session.get_one(MailLetter, offer.letter_id, with_for_update=True, populate_existing=True)
    count = int(letter.facts.get("downloads", 0))
    if count >= _MAX_DOWNLOADS:
        raise NotFound(phrase("Tệp này đã được tải quá nhiều lần. Xin hỏi lại cơ quan gửi."))
    letter.facts = {**letter.facts, "downloads": count + 1}
    detail = {"peer": peer, "sha256": offer.sha256, "count": count + 1}
    tx.audit(f"agency:{letter.agency_id}", "mail.download", Ref("mail_letter", letter.id), detail)
    tx.session.execute(
        sa.update(Link).where(Link.id == letter.link_id, Link.used_at.is_(None)).values(used_at=clock.now())
    )
    letter_queue.progress(tx, letter, Progress.RETRIEVED)
    return offer


def close(tx: Tx, letter: MailLetter) -> None:
    """End the link of a letter that has done its work: its reader confirmed that the document is there."""
    if letter.link_id is not None:
        links.revoke(tx, Ref("mail_letter", letter.id), purpose=PURPOSE)


def _dispatch(tx: Tx, letter: MailLetter) -> Dispatch:
    delivery = tx.session.get_one(Delivery, letter.delivery_id)
    return tx.session.get_one(Dispatch, delivery.dispatch_id)
