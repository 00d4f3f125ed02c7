"""Bytes of a stranger to a small tree of elements, safely.

expat is used directly because it lets us stop at the first DOCTYPE (so no entity is ever declared, expanded
or fetched), count depth and elements while reading, and override a wrongly declared charset. Names are matched
by local name without case; where an element of the standard's namespace is there, it wins over a namesake.
The papers in the file go to the shelf piece by piece and never into the tree.
"""

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain, count
from typing import IO
from xml.parsers import expat

from docex.edxml.codes import NAMESPACE
from docex.edxml.errors import EdxmlError, Refusal
from docex.edxml.limits import Limits
from docex.edxml.paper_store import Shelf
from docex.edxml.papers import Encoded
from kernel.text import nfc, phrase
from kernel.turns import give_way

_JUNK_BYTES = 4096
_BOM = b"\xef\xbb\xbf"
UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF16_UNMARKED = {b"<\x00": b"\xff\xfe", b"\x00<": b"\xfe\xff"}
_CHUNK = 64 * 1024
_DECLARED = re.compile(rb"""<\?xml[^>]{0,100}\sencoding\s*=\s*["']([^"'>]{0,100})["']""")
_AS_UTF8 = (b"utf-8", b"us-ascii")
_TURN = 8
"""Pieces between two turns of others; a usual letter takes a few milliseconds at once."""
_PIECES = 1024
_BLANK = b"\x00 \t\r\n"
PAPER = ("contenttransferencoded", "content")
"""The elements of an attachment that hold the paper itself, in the standard and in an older dialect."""
_NAMING = frozenset({"code", "codenotation", "codenumber", "documentid", "organid", "taskcode"})


class Node:
    """One element: `name` is the local name in lower case, `spelt` the name in the file."""

    __slots__ = ("attributes", "children", "joined", "name", "own", "paper", "parts", "size", "spelt")

    def __init__(self, spelt: str, own: bool, attributes: dict[str, str]) -> None:
        self.spelt = spelt
        self.name = _local(spelt).lower()
        self.own = own
        self.attributes = attributes
        self.children: list[Node] = []
        self.parts: list[str] = []
        self.joined = 0
        self.size = 0
        self.paper: Encoded | None = None

    @property
    def local(self) -> str:
        """The name in the file without its prefix."""
        return _local(self.spelt)

    @property
    def text(self) -> str:
        """The element's own text, composed (NFC) and without blanks around it."""
        return nfc("".join(self.parts)).strip()

    def add(self, text: str) -> None:
        """One more piece of text; millions of tiny pieces, as between comments, are joined on the way."""
        self.size += len(text)
        self.parts.append(text)
        if len(self.parts) - self.joined >= _PIECES:
            self.parts[self.joined :] = ["".join(self.parts[self.joined :])]
            self.joined += 1

    def all(self, *names: str) -> list["Node"]:
        """The children of the first of these names that occurs, in file order."""
        for name in names:
            found = [child for child in self.children if child.name == name]
            if found:
                return [child for child in found if child.own] or found
        return []

    def one(self, *names: str) -> "Node | None":
        """The last such child: the official parser lets the last of doubled elements win."""
        found = self.all(*names)
        return found[-1] if found else None

    def text_of(self, *names: str) -> str:
        """The text of that child, or ""."""
        node = self.one(*names)
        return node.text if node else ""

    def walk(self) -> Iterator["Node"]:
        """This element and all below it, in file order."""
        left = [self]
        while left:
            node = left.pop()
            yield node
            left.extend(reversed(node.children))

    def find_all(self, *names: str) -> list["Node"]:
        """All elements of the first of these names that occurs at any depth."""
        nodes = list(self.walk())
        for name in names:
            found = [node for node in nodes if node.name == name]
            if found:
                return [node for node in found if node.own] or found
        return []

    def find(self, *names: str) -> "Node | None":
        """The first element of such a name at any depth."""
        found = self.find_all(*names)
        return found[0] if found else None


def parse(file: IO[bytes], limits: Limits, shelf: Shelf) -> tuple[Node, list[str]]:
    """The root element, and which oddities were overlooked: `junk_before`, `blank_before`, `marks` (of byte order),
    `junk_after`, `charset` (not UTF-8), `declared_charset` (UTF-8, and another one is declared).

    `file` is read twice in pieces; it must be possible to go back in it. Raises EdxmlError for anything that is no
    well-formed, harmless XML within `limits`.
    """
    if file.seek(0, io.SEEK_END) > limits.file_bytes:
        raise EdxmlError(
            Refusal.TOO_LARGE,
            phrase("Tệp edXML lớn hơn mức cho phép ({limit} MB).", limit=limits.file_bytes // 1024**2),
        )
    if not any(piece.strip(_BLANK) for piece in _pieces(file)):
        raise EdxmlError(Refusal.EMPTY, phrase("Tệp edXML trống."))
    oddities: list[str] = []
    charset = charset_of(body_of(file, oddities), oddities)
    builder = _Builder(limits, shelf)
    parser = expat.ParserCreate(charset)
    parser.buffer_text = True
    parser.buffer_size = _CHUNK
    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        feed(parser, body_of(file, []), limits)
    except (expat.ExpatError, LookupError, ValueError) as error:
        if not builder.complete:
            raise broken(error, parser) from error
        oddities.append("junk_after")
    assert builder.root is not None
    return builder.root, oddities


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    for number in count(1):
        piece = file.read(_CHUNK)
        if not piece:
            return
        if number % _TURN == 0:
            give_way()  # a gigabyte takes seconds
        yield piece


def body_of(file: IO[bytes], oddities: list[str]) -> Iterator[bytes]:
    """The document without what stands before its prolog."""
    rest = _pieces(file)
    return chain([from_prolog(next(rest), oddities)], rest)


def feed(parser: expat.XMLParserType, body: Iterable[bytes], limits: Limits) -> None:
    """Hand over the file piece by piece; what the parser cannot finish for too long is one giant tag."""
    end = 0
    for piece in body:
        end += len(piece)
        parser.Parse(piece, False)
        if end - max(parser.CurrentByteIndex, 0) > limits.tag_bytes:
            raise EdxmlError(
                Refusal.TAG_TOO_LONG,
                phrase("Tệp edXML có thẻ hoặc chú thích dài bất thường ở dòng {line}.", line=parser.CurrentLineNumber),
            )
    parser.Parse(b"", True)


def refuse_doctype(*_: object) -> None:
    """expat's handler: no entity is ever declared, expanded or fetched."""
    raise EdxmlError(
        Refusal.DOCTYPE,
        phrase("Tệp edXML có khai báo DOCTYPE hoặc thực thể; vì an toàn, tệp không được đọc."),
    )


class _Builder:
    """expat's events to nodes, with the caps."""

    def __init__(self, limits: Limits, shelf: Shelf) -> None:
        self.limits = limits
        self.shelf = shelf
        self.root: Node | None = None
        self.complete = False
        self._open: list[Node] = []
        self._scopes: list[dict[str, str]] = [{}]
        self._count = self._papers = self._kept = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= self.limits.depth:
            raise EdxmlError(Refusal.TOO_DEEP, phrase("Tệp edXML lồng quá nhiều cấp."))
        if self._count > self.limits.elements:
            raise EdxmlError(Refusal.TOO_MANY, phrase("Tệp edXML có quá nhiều phần tử."))
        if len(attributes) > self.limits.attributes:
            raise EdxmlError(
                Refusal.TOO_MANY,
                phrase("Phần tử {field} trong tệp edXML có quá nhiều thuộc tính.", field=_local(name)[:100]),
                _local(name)[:100],
            )
        self._keep(len(name) + sum(len(key) + len(value) for key, value in attributes.items()))
        scope = self._scope(attributes)
        prefix = name.rpartition(":")[0]
        node = Node(name, scope.get(prefix) == NAMESPACE, {_local(k): v for k, v in attributes.items()})
        if self._open:
            self._open[-1].children.append(node)
            if node.name in PAPER and self._open[-1].name == "attachment":
                node.paper = self._paper()
        else:
            self.root = node
        self._open.append(node)
        self._scopes.append(scope)

    def end(self, _: str) -> None:
        node = self._open.pop()
        if node.paper is not None:
            node.paper.end()
        self._scopes.pop()
        self.complete = not self._open

    def data(self, text: str) -> None:
        node = self._open[-1]
        if node.paper is not None:
            node.paper.feed(text)
            return
        longest = self.limits.name_chars if node.name in _NAMING else self.limits.text_bytes
        if node.size + len(text) > longest:
            raise EdxmlError(
                Refusal.FIELD_TOO_LONG,
                phrase("Trường {field} trong tệp edXML dài quá mức cho phép.", field=_local(node.spelt)[:100]),
                _local(node.spelt)[:100],
            )
        self._keep(len(text))
        node.add(text)

    def _paper(self) -> Encoded:
        self._papers += 1
        if self._papers > self.limits.attachments:
            raise EdxmlError(Refusal.TOO_MANY, phrase("Tệp edXML có quá nhiều tệp đính kèm."))
        return Encoded(self.shelf(), self.limits.attachment_bytes)

    def _keep(self, size: int) -> None:
        """Count what stays in memory: large files are large by their papers, never by their words."""
        self._kept += size
        if self._kept > self.limits.words_bytes:
            raise EdxmlError(Refusal.TOO_MANY, phrase("Tệp edXML có quá nhiều chữ ngoài các tệp đính kèm."))

    def _scope(self, attributes: dict[str, str]) -> dict[str, str]:
        declared = {k: v for k, v in attributes.items() if k == "xmlns" or k.startswith("xmlns:")}
        if not declared:
            return self._scopes[-1]
        return {**self._scopes[-1], **{k[6:]: v for k, v in declared.items()}}


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def from_prolog(data: bytes, oddities: list[str]) -> bytes:
    """Drop byte order marks, blanks and typed junk before the prolog, which real files have."""
    if data.startswith(UTF16):
        return data
    if data[:2] in _UTF16_UNMARKED:
        return _UTF16_UNMARKED[data[:2]] + data
    start = data.find(b"<", 0, _JUNK_BYTES)
    if data[: max(start, 0)].replace(_BOM, b"").strip():
        # Junk may hold "<" too; the declaration is the surer sign of where the document begins.
        start = max(start, data.find(b"<?xml", 0, _JUNK_BYTES))
    if start < 0:
        raise EdxmlError(Refusal.NOT_XML, phrase("Tệp này không phải là tệp edXML."))
    junk = data[:start].replace(_BOM, b"").strip()
    if b"content-disposition:" in junk.lower():
        raise EdxmlError(
            Refusal.FORM, phrase("Tệp còn nguyên vỏ biểu mẫu (multipart/form-data). Xin gửi chính tệp edXML.")
        )
    if junk:
        oddities.append("junk_before")
    elif data[:start].count(_BOM) > 1:
        oddities.append("marks")
    elif data[:start].replace(_BOM, b""):
        oddities.append("blank_before")
    return data[start:] if start else data


def charset_of(body: Iterator[bytes], oddities: list[str]) -> str | None:
    """UTF-8 whenever the bytes are UTF-8, whatever the file declares; None leaves it to the declaration."""
    first = next(body)
    if first.startswith(UTF16):
        oddities.append("charset")
        return "UTF-16"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for piece in chain([first], body):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        oddities.append("charset")
        return None
    declared = _DECLARED.match(first)
    if declared is not None and declared[1].lower() not in _AS_UTF8:
        oddities.append("declared_charset")
    return "UTF-8"


def broken(error: Exception, parser: expat.XMLParserType) -> EdxmlError:
    """The refusal of XML that is not well-formed, with the place."""
    return EdxmlError(
        Refusal.BROKEN_XML,
        phrase(
            "Tệp edXML hỏng hoặc bị cắt ở dòng {line}, cột {column}.",
            line=parser.CurrentLineNumber,
            column=parser.CurrentColumnNumber + 1,
        ),
    )
