"""What the standard demands of a message before it is written: present fields and lengths.

Lengths: Decree 30/2020 Annex VI Part II where it names the field, else the columns of receiving systems.
A message that breaks them may be cut or lost at the other end, so it is refused here.
"""

from collections.abc import Iterator

from docex.edxml.codes import STATUSES, BusinessKind
from docex.edxml.errors import EdxmlError, Refusal
from docex.edxml.model import Business, Envelope, Organ, ResponseFor, StatusMessage
from kernel.text import phrase

_Field = tuple[str, str, int, bool]
"""Element, value, longest length, required."""


def check_envelope(m: Envelope) -> None:
    """Raise EdxmlError naming the first broken field of a document."""
    _demand("To", bool(m.receivers))
    _check(_envelope_fields(m))
    _demand("PromulgationDate", m.promulgated_on is not None)
    _demand("TraceHeader", bool(m.traces))
    _most("ToPlaces", len("".join(m.places)), 1000)
    _most("PromulgationAmount", len(str(m.other.copies or 0)), 3)
    _most("PageAmount", len(str(m.other.pages or 0)), 3)
    _check_business(m.business)
    for attachment in m.attachments:
        _demand("AttachmentName", bool(attachment.name))
        _demand("ContentId", bool(attachment.content_id))
    if len({a.content_id for a in m.attachments}) < len(m.attachments):
        raise EdxmlError(Refusal.FIELD_WRONG, phrase("Hai tệp đính kèm có cùng mã ContentId."), "ContentId")


def check_status(m: StatusMessage) -> None:
    """Raise EdxmlError naming the first broken field of a status."""
    _check(_organ_fields("From", m.sender))
    _check(_response_fields(m.about, required=True))
    _demand("Timestamp", m.at is not None)
    _check(iter([("Description", m.description, 500, STATUSES[m.status].reason_required)]))


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
    _check(iter([("BussinessDocReason", business.reason, 500, True)]))
    if business.kind in (BusinessKind.RECALL, BusinessKind.UPDATE):
        _demand("Bussiness/DocumentId", bool(business.document_id))
    if business.kind is BusinessKind.REPLACE:
        _demand("ReplacementInfo", bool(business.replacements))


def _check(fields: Iterator[_Field]) -> None:
    for name, value, longest, required in fields:
        if required:
            _demand(name, bool(value.strip()))
        _most(name, len(value), longest)


def _demand(name: str, present: bool) -> None:
    if not present:
        raise EdxmlError(Refusal.FIELD_MISSING, phrase("Tệp edXML thiếu trường {field}.", field=name), name)


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
