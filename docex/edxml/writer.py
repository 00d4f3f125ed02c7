"""The strict writer: envelopes exactly as the axis' official builder writes them.

UTF-8 without a mark, CRLF line ends, two blanks of indent, the prefix pattern and the order of elements of
the official builder (EdXML102 0.0.3), absent values left out. The same record always gives the same bytes.
"""

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import IO, NamedTuple

from docex.edxml import papers
from docex.edxml.checks import check_envelope, check_status
from docex.edxml.codes import ADMINISTRATIVE_GROUP, NAMESPACE
from docex.edxml.model import (
    Attachment,
    Business,
    Envelope,
    EnvelopeSignature,
    Message,
    Organ,
    OtherInfo,
    Replacement,
    ResponseFor,
    Staff,
    StatusMessage,
    UpdateInfo,
)
from docex.edxml.values import clean, date_text, instant_text

_PIECE = 3 << 16
"""A multiple of three, so that Base64 can be made piece by piece."""


class _Element(NamedTuple):
    """An element to write: text, children or a paper. `prefixed` elements carry `edXML:`."""

    name: str
    text: str | None = None
    children: "Sequence[_Element | None]" = ()
    attributes: tuple[tuple[str, str], ...] = ()
    prefixed: bool = True
    paper: Attachment | None = None


def write(message: Message) -> bytes:
    """The .edxml file of a document or of a status.

    Raises EdxmlError, naming the field, when the standard's rules are not met; nothing is cut or guessed.
    """
    return b"".join(written(message))


def write_file(message: Message, file: IO[bytes]) -> None:
    """The same into a file, piece by piece: papers that lie in files never stand in memory."""
    for piece in written(message):
        file.write(piece)


def written(message: Message) -> Iterator[bytes]:
    """The same in pieces."""
    if isinstance(message, StatusMessage):
        check_status(message)
    else:
        check_envelope(message)
    yield from _written(message)


def repaired(message: Envelope) -> Iterator[bytes]:
    """A foreign message as it was read, in the form that strict readers know, in pieces. What it lacks it lacks here,
    too; it carries no signature, because none is about these bytes."""
    yield from _written(replace(message, signature=None))


def _written(message: Message) -> Iterator[bytes]:
    yield b'<?xml version="1.0" encoding="UTF-8"?>\r\n'
    for piece in _rendered(_root(message), 0):
        yield piece.encode("utf-8")


def _root(message: Message) -> _Element:
    if isinstance(message, StatusMessage):
        parts: list[_Element | None] = [_envelope_element([_status_header(message)])]
    else:
        header: list[_Element | None] = [_message_header(message), _trace_list(message)]
        header.append(_signature(message.signature))
        references = [_reference(a) for a in message.attachments]
        manifest = _Element("edXMLManifest", children=references, attributes=(("version", "1.0"),))
        parts = [
            _envelope_element(header, _Element("edXMLBody", children=[manifest])),
            _bare("AttachmentEncoded", *(_attachment(a) for a in message.attachments)),
        ]
    return _Element("edXML", children=parts, attributes=(("xmlns", NAMESPACE),), prefixed=False)


# Parts of a document


def _envelope_element(header: Sequence[_Element | None], *rest: _Element) -> _Element:
    return _Element(
        "edXMLEnvelope",
        children=[_Element("edXMLHeader", children=header), *rest],
        attributes=(("xmlns:edXML", NAMESPACE),),
    )


def _message_header(m: Envelope) -> _Element:
    return _Element(
        "MessageHeader",
        children=[
            _organ("From", m.sender),
            *(_organ("To", receiver) for receiver in m.receivers),
            _text("DocumentId", m.document_id),
            _group("Code", _text("CodeNumber", m.number), _text("CodeNotation", m.notation)),
            _group(
                "PromulgationInfo",
                _text("Place", m.place),
                _text("PromulgationDate", date_text(m.promulgated_on)),
            ),
            _group(
                "DocumentType",
                _number("Type", ADMINISTRATIVE_GROUP if m.type.group is None else m.type.group),
                _number("TypeDetail", m.type.detail),
                _text("TypeName", m.type.name),
            ),
            _text("Subject", m.subject),
            _text("Content", m.content),
            _group(
                "SignerInfo",
                _text("Competence", m.signer.competence),
                _text("Position", m.signer.position),
                _text("FullName", m.signer.full_name),
            ),
            _text("DueDate", date_text(m.due_on)),
            _other(m.other),
            *(_response(r) for r in m.responses),
            _number("SteeringType", m.steering or 0),
            _group("ResponseForTask", *(_text("TaskCode", code) for code in m.task_codes)),
            _text("ApplicationType", m.application),
            _group("ToPlaces", *(_text("Place", place) for place in m.places)),
        ],
    )


def _organ(name: str, organ: Organ) -> _Element | None:
    return _group(
        name,
        _text("OrganId", organ.code),
        _text("OrganizationInCharge", organ.in_charge),
        _text("OrganName", organ.name),
        _text("OrganAdd", organ.address),
        _text("Email", organ.email),
        _text("Telephone", organ.telephone),
        _text("Fax", organ.fax),
        _text("Website", organ.website),
    )


def _other(other: OtherInfo) -> _Element | None:
    return _group(
        "OtherInfo",
        _number("Priority", other.priority),
        _text("SphereOfPromulgation", other.sphere),
        _text("TyperNotation", other.typist),
        _number("PromulgationAmount", other.copies),
        _number("PageAmount", other.pages),
        _text("Direction", "true" if other.directive else "false"),
        _group("Appendixes", *(_text("Appendix", a) for a in other.appendixes)),
        _text("ReplyFors", other.reply_fors),
        _text("ReferenceCodes", other.reference_codes),
    )


def _response(response: ResponseFor) -> _Element | None:
    return _group(
        "ResponseFor",
        _text("OrganId", response.organ_code),
        _text("Code", response.code),
        _text("DocumentId", response.document_id),
        _text("PromulgationDate", date_text(response.promulgated_on)),
    )


def _trace_list(m: Envelope) -> _Element:
    traces = (
        _group("TraceHeader", _text("OrganId", t.organ_code), _text("Timestamp", instant_text(t.at))) for t in m.traces
    )
    return _Element("TraceHeaderList", children=[_business(m.business), *traces])


def _business(business: Business) -> _Element | None:
    return _group(
        "Bussiness",
        _text("DocumentId", business.document_id),
        _number("BussinessDocType", business.kind),
        _text("BussinessDocReason", business.reason),
        _number("Paper", int(business.paper)),
        *(_update(u) for u in business.updates),
        _group("ReplacementInfoList", *(_replacement(r) for r in business.replacements)),
        *(_staff(s) for s in business.staff),
    )


def _update(update: UpdateInfo) -> _Element | None:
    receivers = (
        _group("Receiver", _text("OrganId", c.organ_code), _number("ReceiverType", int(c.added)))
        for c in update.receivers
    )
    return _group(
        "BussinessDocumentInfo",
        _number("DocumentInfo", int(update.document_changed)),
        _number("DocumentReceiver", int(update.receivers_changed)),
        _group("ReceiverList", *receivers),
    )


def _replacement(replacement: Replacement) -> _Element | None:
    return _group(
        "ReplacementInfo",
        _text("DocumentId", replacement.document_id),
        _group("OrganIdList", *(_text("OrganId", code) for code in replacement.organ_codes)),
    )


def _staff(staff: Staff) -> _Element | None:
    return _group(
        "StaffInfo",
        _text("Department", staff.department),
        _text("DepartmentId", staff.department_id),
        _text("Staff", staff.name),
        _text("StaffId", staff.staff_id),
        _text("Email", staff.email),
        _text("Mobile", staff.mobile),
    )


def _status_header(m: StatusMessage) -> _Element:
    return _Element(
        "MessageHeader",
        children=[
            _organ("From", m.sender),
            _response(m.about),
            _staff(m.staff),
            _text("StatusCode", m.status.value),
            _text("Description", m.description),
            _text("Timestamp", instant_text(m.at)),
        ],
    )


# Signature and papers: the same namespace, but without prefix


def _signature(signature: EnvelopeSignature | None) -> _Element | None:
    if signature is None:
        return None
    references = [
        _Element(
            "Reference",
            children=[
                _bare("Transforms", *(_algorithm("Transform", t) for t in r.transforms)),
                _algorithm("DigestMethod", r.digest_method),
                _bare_text("DigestValue", r.digest_value),
            ],
            attributes=(("URI", r.uri),),
            prefixed=False,
        )
        for r in signature.references
    ]
    return _bare(
        "Signature",
        _bare(
            "SignedInfo",
            _algorithm("CanonicalizationMethod", signature.canonicalization),
            _algorithm("SignatureMethod", signature.method),
            *references,
        ),
        _bare_text("SignatureValue", signature.value),
        _bare(
            "KeyInfo",
            _bare(
                "X509Data",
                _bare_text("X509SubjectName", signature.subject_name),
                _bare_text("X509Certificate", signature.certificate),
            ),
        ),
    )


def _algorithm(name: str, uri: str) -> _Element:
    return _Element(name, attributes=(("Algorithm", uri),), prefixed=False)


def _reference(attachment: Attachment) -> _Element:
    # The official builder states application/zip for every paper here, packed or not.
    return _Element(
        "Reference",
        children=[
            _text("ContentId", f"cid:{attachment.content_id}"),
            _text("ContentType", "application/zip"),
            _text("Description", attachment.description),
            _text("AttachmentName", _written_name(attachment)),
        ],
    )


def _attachment(attachment: Attachment) -> _Element:
    content = _Element("ContentTransferEncoded", attributes=(("xmlns:edXML", NAMESPACE),), paper=attachment)
    return _bare(
        "Attachment",
        _bare_text("ContentId", f"cid:{attachment.content_id}"),
        _bare_text("AttachmentName", _written_name(attachment)),
        _bare_text("Description", attachment.description),
        _bare_text("ContentType", papers.type_to_declare(attachment.name)),
        content,
    )


def _written_name(attachment: Attachment) -> str:
    """The official parser unpacks `.ZIP` but leaves `.zip` alone, so an archive's ending is made small."""
    name = attachment.name
    return name[:-4] + ".zip" if papers.extension(name) == "zip" else name


# Elements and text


def _text(name: str, value: str, *, prefixed: bool = True) -> _Element | None:
    """An element with text; left out when nothing of the text can be written."""
    cleaned = clean(value)
    return _Element(name, cleaned, prefixed=prefixed) if cleaned else None


def _number(name: str, value: int | None) -> _Element | None:
    return None if value is None else _Element(name, str(int(value)))


def _group(name: str, *children: _Element | None) -> _Element | None:
    """An element with children; left out when it would be empty, as the official builder does."""
    kept = [child for child in children if child is not None]
    return _Element(name, children=kept) if kept else None


def _bare(name: str, *children: _Element | None) -> _Element:
    return _Element(name, children=children, prefixed=False)


def _bare_text(name: str, value: str) -> _Element | None:
    return _text(name, value, prefixed=False)


def _encoded(attachment: Attachment) -> Iterator[str]:
    """A paper in Base64, one unbroken line in pieces."""
    source = attachment.file.open() if attachment.file is not None else io.BytesIO(attachment.data)
    with source, papers.packed(source, attachment.name, attachment.content_id) as packed:
        rest = b""
        while piece := packed.read(_PIECE):
            piece = rest + piece  # files elsewhere may give less than they were asked for
            whole = len(piece) // 3 * 3
            rest = piece[whole:]
            yield base64.b64encode(piece[:whole]).decode("ascii")
        yield base64.b64encode(rest).decode("ascii")


def _rendered(element: _Element, depth: int) -> Iterator[str]:
    indent = "  " * depth
    name = f"edXML:{element.name}" if element.prefixed else element.name
    attributes = "".join(f' {k}="{_attribute(v)}"' for k, v in element.attributes)
    children = [child for child in element.children if child is not None]
    if element.paper is not None:
        yield f"{indent}<{name}{attributes}>"
        yield from _encoded(element.paper)
        yield f"</{name}>\r\n"
    elif element.text is not None:
        yield f"{indent}<{name}{attributes}>{escape(element.text)}</{name}>\r\n"
    elif not children:
        yield f"{indent}<{name}{attributes} />\r\n"
    else:
        yield f"{indent}<{name}{attributes}>\r\n"
        for child in children:
            yield from _rendered(child, depth + 1)
        yield f"{indent}</{name}>\r\n"


def escape(text: str) -> str:
    """As the official builder: line ends CRLF, `&#x…;` beyond the basic plane."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "\r\n")
    if plain.isascii():
        return plain
    return "".join(f"&#x{ord(c):x};" if c > "\uffff" else c for c in plain)


def _attribute(text: str) -> str:
    return escape(clean(text)).replace('"', "&quot;").replace("\r\n", "&#xa;").replace("\t", "&#x9;")
