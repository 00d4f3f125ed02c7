"""The standard's demands on a message before it is written: present fields and lengths.

Lengths: Decree 30/2020 Annex VI Part II where it names the field, else the columns of receiving systems.
A message that breaks them may be cut or lost at the other end, so it is refused here.
"""

from collections.abc import Iterator

from docex.edxml import papers
from docex.edxml.codes import STATUSES, BusinessKind, Steering
from docex.edxml.errors import EdxmlError, Refusal
from docex.edxml.model import Attachment, Business, DocumentType, Envelope, Organ, ResponseFor, Signer, StatusMessage
from docex.edxml.values import clean
from kernel.text import phrase

_ABOUT_ANOTHER = (BusinessKind.RECALL, BusinessKind.UPDATE)
_PLACES, _REASON = 1000, 500
_Field = tuple[str, str, int, bool]
"""Element, value, longest length, required."""


def check_envelope(m: Envelope) -> None:
    """Raise EdxmlError naming the first broken field of a document."""
    _demand("To", bool(m.receivers))
    _check(_envelope_fields(m))
    _demand("PromulgationDate", m.promulgated_on is not None)
    _demand("TraceHeader", bool(m.traces))
    for trace in m.traces:
        _check(iter([("TraceHeader/OrganId", trace.organ_code, 35, True)]))
    _most("ToPlaces", len("".join(m.places)), _PLACES)
    _within("PromulgationAmount", m.other.copies, 0, 999)
    _within("PageAmount", m.other.pages, 0, 999)
    lowest, highest = (one.written(first=m.steering_first) for one in (min(Steering), max(Steering)))
    _within("SteeringType", m.steering, lowest, highest)
    _check_business(m.business)
    _check_papers(m.attachments)


def check_status(m: StatusMessage) -> None:
    """Raise EdxmlError naming the first broken field of a status."""
    _check(_organ_fields("From", m.sender))
    _check(_response_fields(m.about, required=True))
    _demand("Timestamp", m.at is not None)
    _check(iter([("Description", m.description, _REASON, STATUSES[m.status].reason_required)]))


def limits() -> dict[str, tuple[int, bool]]:
    """The longest length, in characters, of each text element, and whether the standard demands it: what is checked
    before anything is written, by the element's name."""
    organ, answered = Organ("", ""), ResponseFor("")
    blank = Envelope(
        sender=organ,
        receivers=(organ,),
        document_id="",
        number="",
        notation="",
        place="",
        promulgated_on=None,
        type=DocumentType(""),
        subject="",
        signer=Signer(""),
        traces=(),
        responses=(answered,),
    )
    found = {name: (longest, required) for name, _, longest, required in _envelope_fields(blank)}
    found |= {name: (longest, required) for name, _, longest, required in _response_fields(answered, required=True)}
    return found | {
        "TraceHeader/OrganId": (35, True),
        "ToPlaces": (_PLACES, False),
        "Bussiness/DocumentId": (200, False),
        "BussinessDocReason": (_REASON, True),
        "Description": (_REASON, False),
    }


def _envelope_fields(m: Envelope) -> Iterator[_Field]:
    yield from _organ_fields("From", m.sender)
    for receiver in m.receivers:
        yield from _organ_fields("To", receiver)
    yield "DocumentId", m.document_id, 200, True
    yield "CodeNumber", m.number, 11, True
    yield "CodeNotation", m.notation, 30, True
    yield "PromulgationInfo/Place", m.place, 50, True
    yield "TypeName", m.type.name, 100, True
    yield "Subject", m.subject, 500, True
    yield "Content", m.content, 500, False
    yield "Competence", m.signer.competence, 100, False
    yield "Position", m.signer.position, 100, False
    yield "FullName", m.signer.full_name, 50, True
    yield "SphereOfPromulgation", m.other.sphere, 100, False
    yield "TyperNotation", m.other.typist, 10, False
    for response in m.responses:
        yield from _response_fields(response, required=False)


def _organ_fields(name: str, organ: Organ) -> Iterator[_Field]:
    yield f"{name}/OrganId", organ.code, 35, True
    yield f"{name}/OrganName", organ.name, 200, True
    yield f"{name}/OrganizationInCharge", organ.in_charge, 200, False
    yield f"{name}/OrganAdd", organ.address, 250, False
    yield f"{name}/Email", organ.email, 100, False
    yield f"{name}/Telephone", organ.telephone, 50, False
    yield f"{name}/Fax", organ.fax, 50, False
    yield f"{name}/Website", organ.website, 100, False


def _response_fields(response: ResponseFor, *, required: bool) -> Iterator[_Field]:
    yield "ResponseFor/OrganId", response.organ_code, 35, required
    yield "ResponseFor/DocumentId", response.document_id, 200, required
    yield "ResponseFor/Code", response.code, 42, False


def _check_business(business: Business) -> None:
    _check(iter([("BussinessDocReason", business.reason, _REASON, True)]))
    _check(iter([("Bussiness/DocumentId", business.document_id, 200, business.kind in _ABOUT_ANOTHER)]))
    if business.kind is BusinessKind.REPLACE:
        _demand("ReplacementInfo", bool(business.replacements))
    elif business.replacements:
        raise _wrong("ReplacementInfoList")
    if business.updates and business.kind is not BusinessKind.UPDATE:
        raise _wrong("BussinessDocumentInfo")
    for change in (c for update in business.updates for c in update.receivers):
        _check(iter([("Receiver/OrganId", change.organ_code, 35, True)]))
    for old in business.replacements:
        _check(iter([("ReplacementInfo/DocumentId", old.document_id, 200, True)]))
        _check(("ReplacementInfo/OrganId", code, 35, True) for code in old.organ_codes)


def _check_papers(attachments: tuple[Attachment, ...]) -> None:
    for attachment in attachments:
        _demand("AttachmentName", bool(clean(attachment.name)))
        if papers.plain_name(attachment.name) != attachment.name:
            raise _wrong("AttachmentName")
        _demand("ContentId", bool(clean(attachment.content_id)))
    if len({a.content_id for a in attachments}) < len(attachments):
        raise EdxmlError(Refusal.FIELD_WRONG, phrase("Hai tệp đính kèm có cùng mã ContentId."), "ContentId")


def _check(fields: Iterator[_Field]) -> None:
    for name, value, longest, required in fields:
        if required:
            _demand(name, bool(clean(value)))
        _most(name, len(clean(value)), longest)


def _demand(name: str, present: bool) -> None:
    if not present:
        raise EdxmlError(Refusal.FIELD_MISSING, phrase("Tệp edXML thiếu trường {field}.", field=name), name)


def _wrong(name: str) -> EdxmlError:
    return EdxmlError(Refusal.FIELD_WRONG, phrase("Trường {field} có giá trị không được phép ở đây.", field=name), name)


def _within(name: str, value: int | None, least: int, most: int) -> None:
    if value is not None and not least <= value <= most:
        raise _wrong(name)


def _most(name: str, length: int, longest: int) -> None:
    if length > longest:
        raise EdxmlError(
            Refusal.FIELD_TOO_LONG,
            phrase(
                "Trường {field} có {length} ký tự, quy định cho nhiều nhất {longest}.",
                field=name,
                length=length,
                longest=longest,
            ),
            name,
        )
