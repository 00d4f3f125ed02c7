"""A reader as strict as the axis' official parser, written from its observed behaviour and nothing of ours."""

import base64
import io
import zipfile
from dataclasses import dataclass, field
from xml.etree import ElementTree

NAMESPACE = "{http://www.mic.gov.vn/TBT/QCVN_102_2016}"


class LostError(Exception):
    """The parser throws: the whole message is lost."""


@dataclass
class Seen:
    """The answers of the parser's getters."""

    sender: str
    receivers: list[str]
    document_id: str | None
    number: str | None
    subject: str | None
    issued_on: str | None
    papers: list[tuple[str, bytes]] = field(default_factory=list)


def strictly(data: bytes) -> Seen:
    """A file as the parser reads it. LostError where it throws."""
    head = data.removeprefix(b"\xef\xbb\xbf")
    if not head.startswith(b"<"):
        raise LostError("something before the prolog")
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise LostError(str(error)) from error
    header = root.find(f"{NAMESPACE}edXMLEnvelope/{NAMESPACE}edXMLHeader/{NAMESPACE}MessageHeader")
    if header is None:
        raise LostError("no header in the namespace")
    steering = header.find(f"{NAMESPACE}SteeringType")
    if steering is not None and not (steering.text or "").isdigit():
        raise LostError("NumberFormatException")
    return Seen(
        sender=_text(header, "From/OrganId") or "",
        receivers=[_text(to, "OrganId") or "" for to in header.findall(f"{NAMESPACE}To")],
        document_id=_text(header, "DocumentId"),
        number=_text(header, "Code/CodeNumber"),
        subject=_text(header, "Subject"),
        issued_on=_text(header, "PromulgationInfo/PromulgationDate"),
        papers=[_paper(one) for one in root.iter(f"{NAMESPACE}Attachment")],
    )


def _text(node: ElementTree.Element, path: str) -> str | None:
    found = node.find("/".join(NAMESPACE + name for name in path.split("/")))
    return None if found is None else (found.text or "").strip()


def _paper(node: ElementTree.Element) -> tuple[str, bytes]:
    name, text = _text(node, "AttachmentName"), _text(node, "ContentTransferEncoded")
    if not name or text is None:
        raise LostError("NullPointerException")
    data = base64.b64decode(text)
    if (_text(node, "ContentType") or "application/zip") != "application/zip" or name.endswith(".zip"):
        return name, data
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            first = archive.infolist()[0].filename
            if any(sign in first for sign in "/\\:"):
                raise LostError(f"writes to {first}")
            return name, archive.read(first)
    except (zipfile.BadZipFile, IndexError) as error:
        raise LostError(str(error)) from error
