"""Spellings that the axis' official parser cannot read, or reads as something else, in files that we can read.

A file of which one of these is noted reaches such systems as a copy in the official builder's form. Sources: the
parser's behaviour on changed files (docs/edxml.md, "For strict readers").
"""

import re
from collections.abc import Callable, Iterator

from docex.edxml.model import Note
from docex.edxml.tree import Node
from kernel.text import Phrase, phrase

UNREADABLE = frozenset(
    {
        "junk_before",
        "blank_before",
        "marks",
        "junk_after",
        "charset",
        "declared_charset",
        "namespace",
        "root",
        "spelling",
        "nested_receivers",
        "document_id",
        "date_form",
        "steering_form",
        "name",
        "paper_type",
        "zip",
    }
)
"""Codes of notes: the message is lost to a strict reader, or a part of it is wrong there or has no name."""

_DATE = re.compile(r"\d{4}/\d{1,2}/\d{1,2}([ T].*)?", re.DOTALL)
_DATES = ("promulgationdate", "duedate")
_NAMES = (
    "MessageHeader From To OrganId OrganizationInCharge OrganName DocumentId Code CodeNumber CodeNotation "
    "PromulgationInfo PromulgationDate DocumentType TypeName TypeDetail Subject Content SignerInfo Competence FullName "
    "DueDate OtherInfo Priority SphereOfPromulgation TyperNotation PromulgationAmount PageAmount Appendixes "
    "ResponseFor SteeringType ToPlaces TraceHeaderList TraceHeader Timestamp Bussiness BussinessDocType "
    "BussinessDocReason StatusCode Attachment AttachmentName ContentType ContentTransferEncoded ContentId"
)
_SPELT = {name.lower(): name for name in _NAMES.split()}
_SPELT |= {"business": "Bussiness", "businessdoctype": "BussinessDocType", "filename": "AttachmentName"}
_DIGITS = re.compile(r"\d+")


def is_unreadable(notes: tuple[Note, ...]) -> bool:
    """Whether a strict reader needs a repaired copy of a file with these notes."""
    return any(note.code in UNREADABLE for note in notes)


def notes_of(root: Node, header: Node) -> Iterator[Note]:
    """Oddities in the form of a file that was parsed: where it begins, and how its parts are spelt and written."""
    if not header.own:
        yield Note("namespace", phrase("Tệp không dùng không gian tên của QCVN 102:2016."))
    if root.name in ("edxmlenvelope", "edxmlheader", "messageheader"):
        yield Note("root", phrase("Tệp thiếu phần tử bao ngoài edXML."))
    nodes = [node for node in root.walk() if node.own or not header.own]
    odd = next((node for node in nodes if _SPELT.get(node.name, node.local) != node.local), None)
    if odd is not None:
        right = _SPELT[odd.name]
        yield Note("spelling", phrase("Tên phần tử “{name}” phải viết là “{right}”.", name=odd.local[:40], right=right))
    for node in nodes:
        if node.name in _DATES and node.text and not _DATE.fullmatch(node.text):
            told = phrase("Ngày “{value}” phải viết theo dạng yyyy/MM/dd.", value=node.text[:40])
            yield Note("date_form", told)
        elif node.name == "steeringtype" and not _DIGITS.fullmatch("".join(node.parts)):
            yield Note("steering_form", phrase("SteeringType phải là chữ số, không có khoảng trắng."))


def paper_note(name: str, declared: str, *, is_packed: bool, unwrapped: bool) -> Note | None:
    """A strict reader's view of a paper: what is declared a ZIP, or is not declared, it unpacks to the first entry,
    wherever that entry's name leads."""
    if declared not in ("", "application/zip") or name.endswith(".zip") or unwrapped:
        return None
    if is_packed:
        told = phrase("Tệp nén “{name}” không gồm đúng một tệp ngoài thư mục, phần mềm khác có thể mở sai.", name=name)
        return Note("zip", told)
    return Note("paper_type", phrase("Tệp “{name}” được khai là tệp nén nhưng không phải.", name=name))


def missing(note: Callable[[str, Phrase], None], *, number: bool, day: bool, papers: bool) -> None:
    """The parts that a new document has to have and this one lacks. Nobody can make that up: it is delivered as it
    is."""
    if not number:
        note("number", phrase("Văn bản không có số, ký hiệu."))
    if not day:
        note("issued_on", phrase("Văn bản không có ngày ban hành."))
    if not papers:
        note("papers", phrase("Văn bản không có tệp đính kèm."))
