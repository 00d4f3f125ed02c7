"""From a document's row to the paper that the worker draws, and the place of the signatures on it."""

from dataclasses import dataclass, replace
from typing import Any

from directory import queries as directory
from docex.documents.models import Document
from docex.edxml.codes import Priority
from docex.official.paper import Contact, Paper, number_text
from kernel.db import Tx
from kernel.text import phrase
from signing.pdf.stamps import Box

WITH_ADDRESSEES = frozenset({"letter", "submission", "report", "telegram", "dispatch-note", "transfer-note"})


@dataclass(frozen=True)
class Drawing:
    """A drawing, and the revision of its text: a drawing of an older text is recognised by its `text_rev`."""

    document_id: int
    paper: Paper
    text_rev: int


def drawing_of(tx: Tx, document: Document, check_url: str = "") -> Drawing:
    """The paper as the document's row says it; without number and date until they are reserved. `check_url` is where
    the public may ask about it."""
    return Drawing(document.id, replace(paper_of(tx, document), check_url=check_url), document.text_rev)


def preview_of(tx: Tx, document: Document) -> Drawing:
    """The paper as a draft shows it: never with a number, also when one is kept from a failed signature."""
    return Drawing(document.id, replace(paper_of(tx, document), number="", issued_on=None), document.text_rev)


def paper_of(tx: Tx, document: Document) -> Paper:
    """The row as the official look wants it."""
    agency = directory.agency(tx, document.agency_id)
    parent = directory.agency(tx, agency.parent_id).name if agency.parent_id else ""
    recipients = list(directory.agencies(tx, document.recipients).values())
    addressees = tuple(document.addressees) or tuple(card.name for card in recipients)
    places = tuple(document.places) or (
        (phrase("Như trên").vi,) if document.kind in WITH_ADDRESSEES else tuple(card.name for card in recipients)
    )
    return Paper(
        kind=document.kind,
        agency=agency.name,
        parent_body=parent,
        notation=document.notation,
        number=number_text(document.number) if document.number is not None else "",
        issued_on=document.issued_on,
        place=agency.place,
        subject=document.subject,
        body=document.body,
        addressees=addressees if document.kind in WITH_ADDRESSEES else (),
        recipients=places,
        archive=f"VT, {document.unit_mark}" if document.unit_mark else "VT",
        authority=document.authority,
        position=document.signer_title,
        signer=document.signer_name,
        urgency=Priority(document.urgency),
        contact=Contact(address=agency.address, telephone=agency.phone, email=agency.email),
    )


def spot_to_json(box: Box) -> dict[str, Any]:
    """A place on a page as it is stored with a paper."""
    return {"page": box.page, "x": box.x, "y": box.y, "width": box.width, "height": box.height}


def spot_from_json(data: dict[str, Any]) -> Box | None:
    """The inverse of `spot_to_json`; None when no place was found."""
    if not data:
        return None
    return Box(int(data["page"]), data["x"], data["y"], data["width"], data["height"])
