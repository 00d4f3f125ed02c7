"""Attachments in files of their own bear the agency's signature, too (Decree 30, Annex I, Part II): when a seal is
applied with the clerk's device, they follow the main paper one after the other, and then everything goes out at once.

What has been sealed so far travels in the facts of the hand-off: nothing counts before the last file is there.
"""

from typing import Any

from docex.documents.device_signing import handover
from docex.documents.drafting import outgoing
from docex.documents.issuing import issuance
from docex.documents.issuing.paper_handlers import PDF
from docex.documents.models import Document
from docex.documents.papers.files import File, attachments_of
from kernel.db import Tx
from signing.remote_signing import handoffs
from signing.remote_signing.models import Handoff, HandoffState

MAIN = 0
"""The place of the main paper; attachments count from 1."""


def place_of(handoff: Handoff) -> int:
    """Which file of the document is out."""
    return int(handoff.facts.get("place", MAIN))


def go_on(tx: Tx, document: Document, handoff: Handoff, file: File | None, proof: str) -> None:
    """One file is done (None: it takes no signature and goes out as it is): the next one, or all of them go out.

    `proof` is the verdict on the main paper.
    """
    facts: dict[str, Any] = dict(handoff.facts)
    place = place_of(handoff)
    done = [*facts.get("done", []), [place, _to_json(file)]]
    proof = proof if place == MAIN else facts["proof"]
    handoffs.close(tx, handoff, HandoffState.DONE)
    seen = {paper_id for paper_id, _ in done}
    left = [p.place for p in attachments_of(tx, document.id) if p.media_type == PDF and p.place not in seen]
    if left:
        handover.hand_out_next(tx, document, handoff, {"place": left[0], "done": done, "proof": proof})
        return
    files = {paper_id: _from_json(kept) for paper_id, kept in done if kept is not None}
    issuance.sealed(tx, document, files.pop(MAIN), proof, tuple(files.items()))


def skip(tx: Tx, document: Document, handoff: Handoff) -> None:
    """An attachment that takes no signature, such as a locked file."""
    go_on(tx, document, handoff, None, "")


def file_at(tx: Tx, document: Document, place: int) -> File | None:
    """The attachment as it goes out to the device."""
    paper = next((paper for paper in attachments_of(tx, document.id) if paper.place == place), None)
    return outgoing.file_of(paper) if paper is not None else None


def _to_json(file: File | None) -> list[Any] | None:
    return [file.name, file.media_type, file.sha256, file.size, file.pages, file.spot] if file is not None else None


def _from_json(kept: list[Any]) -> File:
    return File(*kept)
