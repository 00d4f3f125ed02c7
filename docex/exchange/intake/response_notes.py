"""Notes for a sender beside the 202, and about what it left out: its message was taken in, and not all of it could be
followed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from directory import codes
from directory.models import Agency
from docex.edxml import Envelope, StatusMessage
from docex.edxml.codes import BusinessKind
from docex.edxml.model import ResponseFor
from docex.exchange.dispatch import Submission
from docex.exchange.intake import supersession
from docex.exchange.intake.resolve_deliveries import UnknownDocument
from kernel.errors import Invalid
from kernel.text import Phrase, phrase


class FieldMissing(Invalid):
    """A status does not say which document it is about."""

    code = "field_missing"


def told(submission: Submission, notes: Sequence[dict[str, Any]]) -> Submission:
    """The submission whose answer holds these notes; without any its answer stays as it is."""
    if not notes:
        return submission
    return replace(submission, answer={**submission.answer, "notes": [*submission.answer.get("notes", []), *notes]})


def of_the_file(message: Envelope | StatusMessage) -> list[dict[str, Any]]:
    """Oddities in the file, for its sender: a code for programs and a sentence in both languages for people."""
    return [_note(note.code, note.text, []) for note in message.notes]


def added_but_not_addressed(message: Envelope, known: Mapping[str, Agency]) -> list[dict[str, Any]]:
    """An update adds agencies (ReceiverType 1) that do not stand in `To`: they get nothing."""
    if message.business.kind is not BusinessKind.UPDATE:
        return []
    addressed = {_who(organ.code, known) for organ in supersession.receivers(message, known)}
    changes = [change for update in message.business.updates for change in update.receivers]
    added = dict.fromkeys(change.organ_code for change in changes if change.added)
    left_out = [code for code in added if _who(code, known) not in addressed]
    note = phrase(
        "Bản cập nhật thêm nơi nhận {codes} nhưng không ghi trong To, nên các nơi này không nhận được văn bản.",
        codes=_listed(left_out),
    )
    return [_note("added_not_addressed", note, left_out)] if left_out else []


def never_sent(left_out: Sequence[str]) -> list[dict[str, Any]]:
    """A recall names agencies to which the document was never sent: nothing is asked of them."""
    note = phrase("Văn bản chưa từng được gửi tới {codes}, nên không có gì để thu hồi ở đó.", codes=_listed(left_out))
    return [_note("never_sent", note, list(left_out))] if left_out else []


def sent_to_nobody(document_id: str, left_out: Sequence[str]) -> UnknownDocument:
    """The refusal of a recall whose document was sent to none of its receivers."""
    named = {"key": document_id[:200], "codes": _listed(left_out)}
    reason = phrase("Trục không có văn bản “{key}” do cơ quan này gửi tới {codes}.", **named)
    return UnknownDocument({"DocumentId": reason}, reason, codes=list(left_out))


def refuse_unnamed(about: ResponseFor) -> None:
    """FieldMissing, which names what is missing, unless a status says whose document it is about, and which: by its id,
    or by number and day."""
    missing = [] if about.organ_code else ["OrganId"]
    if not about.document_id and not (about.code and about.promulgated_on):
        parts = (("Code", about.code), ("PromulgationDate", about.promulgated_on))
        missing += ["DocumentId", *(name for name, there in parts if not there)]
    if missing:
        reason = phrase(
            "ResponseFor thiếu {names}: cần OrganId, và DocumentId hoặc cả Code và PromulgationDate.",
            names=", ".join(missing),
        )
        raise FieldMissing(
            {f"ResponseFor/{name}": reason for name in missing}, reason, where="ResponseFor", missing=missing
        )


def _note(code: str, message: Phrase, about: list[str]) -> dict[str, Any]:
    return {"code": code, "message": {"vi": message.vi, "en": message.en}, "codes": about}


def _listed(some: Sequence[str]) -> str:
    return ", ".join(some)[:500]


def _who(code: str, known: Mapping[str, Agency]) -> int | str:
    return known[code].id if code in known else codes.normal(code)
