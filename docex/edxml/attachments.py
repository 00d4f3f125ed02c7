"""Reading the papers of an envelope: named, decoded and unwrapped, never by what the sender declared them to be."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass

from docex.edxml import papers, strictness
from docex.edxml.errors import EdxmlError, Refusal
from docex.edxml.limits import Limits
from docex.edxml.model import Attachment
from docex.edxml.paper_store import Shelf
from docex.edxml.papers import Encoded
from docex.edxml.tree import PAPER, Node
from kernel.text import Phrase, nfc, phrase

_ENDING = re.compile(r"\.?[^\W_]{1,8}")
"""A type that is declared as an ending: `.pdf` or `pdf`, not `application/pdf`."""


@dataclass(frozen=True)
class Papers:
    """The papers of one message; what is overlooked is told to `note`."""

    root: Node
    limits: Limits
    shelf: Shelf
    note: Callable[[str, Phrase], None]

    def read(self) -> tuple[Attachment, ...]:
        """All of them in the order of the file, unwrapped onto the shelf."""
        nodes = self.root.find_all("attachment")
        if len(nodes) > self.limits.attachments:
            raise EdxmlError(Refusal.TOO_MANY, phrase("Tệp edXML có quá nhiều tệp đính kèm."))
        references = {_content_id(n): n for n in self.root.find_all("reference") if n.one("contentid")}
        found: list[Attachment] = []
        total = 0
        for place, node in enumerate(nodes, start=1):
            attachment, size = self._paper(place, node, references)
            total += size
            if total > self.limits.unpacked_bytes:
                raise EdxmlError(
                    Refusal.ATTACHMENT_TOO_LARGE, phrase("Các tệp đính kèm cộng lại lớn hơn mức cho phép.")
                )
            found.append(attachment)
        absent = references.keys() - {a.content_id for a in found}
        if absent:
            self.note("manifest", phrase("Danh mục nêu {count} tệp không có trong văn bản.", count=len(absent)))
        return tuple(found)

    def _paper(self, place: int, node: Node, references: dict[str, Node]) -> tuple[Attachment, int]:
        """A paper and its size in bytes."""
        content_id = _content_id(node) or f"attachment-{place}"
        reference = references.get(content_id)
        written = node.text_of("attachmentname", "filename") or (
            reference.text_of("attachmentname") if reference else ""
        )
        name = papers.plain_name(written) or f"tep-dinh-kem-{place}"
        encoded = self._content(node, name)
        declared = node.text_of("contenttype", "filetype")
        if not papers.extension(name) and _ENDING.fullmatch(declared):
            name = f"{name}.{declared.lstrip('.').lower()}"
        if name != nfc(written).strip() or not node.text_of("attachmentname"):
            self.note("name", phrase("Tên tệp đính kèm được sửa thành “{name}”.", name=name))
        raw = encoded.checked(name)
        if not encoded.size:
            self.note("empty", phrase("Tệp đính kèm “{name}” trống.", name=name))
        with raw.open() as file:
            raw_head = file.read(4)
        paper = papers.unwrap(raw, name, declared, self.limits, self.shelf)
        with paper.open() as file:
            head = file.read(1024)
            size = file.seek(0, io.SEEK_END)
        odd = strictness.paper_note(
            papers.plain_name(written),
            declared,
            is_packed=raw_head.startswith(b"PK\x03\x04"),
            unwrapped=paper is not raw,
        )
        if odd is not None:
            self.note(odd.code, odd.text)
        attachment = Attachment(
            content_id=content_id,
            name=name,
            data=b"",
            description=node.text_of("description") or (reference.text_of("description") if reference else ""),
            media_type=papers.media_type(head, name),
            declared_type=declared,
            unwrapped=paper is not raw,
            file=paper,
        )
        return attachment, size

    def _content(self, node: Node, name: str) -> Encoded:
        element = node.one(*PAPER)
        if element is None or element.paper is None:
            raise EdxmlError(
                Refusal.ATTACHMENT_MISSING, phrase("Tệp đính kèm “{name}” không có nội dung.", name=name), name
            )
        count = sum(child.paper is not None for child in node.children)
        if count > 1:
            told = phrase("Tệp đính kèm “{name}” có {count} nội dung; chỉ lấy được một.", name=name, count=count)
            self.note("contents", told)
        return element.paper


def _content_id(node: Node) -> str:
    """Without `cid:`, which some builders write twice."""
    text = node.text_of("contentid")
    while text.lower().startswith("cid:"):
        text = text[4:].strip()
    return text
