"""Steps of the work on received documents that several tests take."""

import sqlalchemy as sa

from directory.actor import Actor
from docex.documents.drafting import outgoing
from docex.documents.incoming import submission_sheets
from docex.documents.incoming.submission_sheets import Decision
from docex.documents.models import Delivery, Dispatch, Document, Incoming, StatusLog
from docex.edxml import Envelope, read
from tasks.giving import Lead
from tests.docex.office import Office, a_pdf


def arrived(office: Office, **changes: object) -> tuple[int, int]:
    """A letter of the city office in Lan's inbox. Answers the ids of the document and of the copy."""
    number = office.on_its_way(**changes)
    return number, office.incoming(office.cast.lan)[0].id


def registered(office: Office, **changes: object) -> tuple[int, int]:
    number, copy = arrived(office, **changes)
    office.register(office.cast.lan, copy)
    return number, copy


def decide(office: Office, copy: int, lead: Lead, by: Actor | None = None, **words: object) -> int:
    actor = by or office.cast.dung
    with office.db.write(actor.by) as tx:
        task = submission_sheets.decide(tx, actor, copy, Decision(lead, **words)).task_id  # type: ignore[arg-type]
    office.work()
    assert task is not None
    return task


def progress(office: Office, number: int) -> tuple[str, list[str]]:
    """How far the sender sees it, and every status that was said."""
    with office.db.read() as tx:
        delivery = tx.session.scalars(
            sa.select(Delivery).join(Dispatch).where(Dispatch.document_id == number).order_by(Delivery.id)
        ).first()
        assert delivery is not None
        said = tx.session.scalars(
            sa.select(StatusLog.code).where(StatusLog.delivery_id == delivery.id).order_by(StatusLog.id)
        ).all()
        return delivery.progress, [code for code in said if code[0] in "01"]


def copy_of(office: Office, incoming_id: int) -> Incoming:
    with office.db.read() as tx:
        return tx.session.get_one(Incoming, incoming_id)


def envelope_of(office: Office, sha256: str) -> Envelope:
    with office.blobs.open(sha256) as file:
        message = read(file.read())
    assert isinstance(message, Envelope)
    return message


def drawn(office: Office, document_id: int) -> None:
    """The sealed paper that `on_its_way` spares."""
    with office.db.write() as tx:
        outgoing.add_paper(tx, tx.session.get_one(Document, document_id), office.file(a_pdf()), "sealed")
