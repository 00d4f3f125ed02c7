"""Our own statuses in the lengths of the standard: whoever has said one was not asked to be short."""

from dataclasses import replace

from docex.edxml.codes import STATUSES
from docex.edxml.model import Organ, ResponseFor, StatusMessage
from docex.edxml.values import clean

DESCRIPTION, ORGAN_ID, NAME, EMAIL, DOCUMENT_ID, CODE = 500, 35, 200, 100, 200, 42


def fitted(m: StatusMessage, otherwise: str) -> StatusMessage:
    """The same status as the writer takes it: what is too long is cut at a word and ends with `…`, and one that needs a
    reason and has none says `otherwise`. It was counted long ago, so it must not be lost for its length."""
    description = shortened(m.description, DESCRIPTION)
    if not description and STATUSES[m.status].reason_required:
        description = otherwise
    return replace(m, sender=_organ(m.sender), about=_about(m.about), description=description)


def shortened(text: str, most: int) -> str:
    """At most so many characters of a text. Cut at a word, unless that takes away a third of them."""
    text = clean(text)
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    words = kept if text[most - 1].isspace() else kept.rsplit(maxsplit=1)[0]
    return (words if len(words) > most * 2 // 3 else kept).rstrip() + "…"


def _organ(organ: Organ) -> Organ:
    return replace(
        organ,
        code=clean(organ.code)[:ORGAN_ID],
        name=shortened(organ.name, NAME),
        email=organ.email if len(organ.email) <= EMAIL else "",
    )


def _about(about: ResponseFor) -> ResponseFor:
    return replace(
        about,
        organ_code=clean(about.organ_code)[:ORGAN_ID],
        code=shortened(about.code, CODE),
        document_id=clean(about.document_id)[:DOCUMENT_ID],
    )
