"""Bytes of a stranger to a small tree of elements, safely.

expat is used directly because it lets us stop at the first DOCTYPE (so no entity is ever declared, expanded
or fetched), count depth and elements while reading, and override a wrongly declared charset. Names are matched
by local name without case; where an element of the standard's namespace is there, it wins over a namesake.
"""

from collections.abc import Iterator
from xml.parsers import expat

from docex.edxml.codes import NAMESPACE
from docex.edxml.errors import EdxmlError, Refusal
from docex.edxml.limits import Limits
from kernel.text import nfc, phrase

_JUNK_BYTES = 4096
_BOM = b"\xef\xbb\xbf"
UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF16_UNMARKED = {b"<\x00": b"\xff\xfe", b"\x00<": b"\xfe\xff"}
_CHUNK = 64 * 1024
_PIECES = 1024


class Node:
    """One element: `name` is the local name in lower case, `spelt` the name in the file."""

    __slots__ = ("attributes", "children", "joined", "name", "own", "parts", "size", "spelt")

    def __init__(self, spelt: str, own: bool, attributes: dict[str, str]) -> None:
        self.spelt = spelt
        self.name = _local(spelt).lower()
        self.own = own
        self.attributes = attributes
        self.children: list[Node] = []
        self.parts: list[str] = []
        self.joined = 0
        self.size = 0

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

    def take_text(self) -> str:
        """The raw text, let go of here: a paper of tens of megabytes should not stay twice."""
        text = "".join(self.parts)
        self.parts.clear()
        return text

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
        yield self
        for child in self.children:
            yield from child.walk()

    def find_all(self, *names: str) -> list["Node"]:
        """All elements of the first of these names that occurs at any depth."""
        for name in names:
            found = [node for node in self.walk() if node.name == name]
            if found:
                return [node for node in found if node.own] or found
        return []

    def find(self, *names: str) -> "Node | None":
        """The first element of such a name at any depth."""
        found = self.find_all(*names)
        return found[0] if found else None


def parse(data: bytes, limits: Limits) -> tuple[Node, list[str]]:
    """The root element, and which oddities were overlooked: `junk_before`, `junk_after`, `charset`.

    Raises EdxmlError for anything that is no well-formed, harmless XML within `limits`.
    """
    if len(data) > limits.file_bytes:
        raise EdxmlError(
            Refusal.TOO_LARGE,
            phrase("Tệp edXML lớn hơn mức cho phép ({limit} MB).", limit=limits.file_bytes // 1024**2),
        )
    if not data.strip(b"\x00 \t\r\n"):
        raise EdxmlError(Refusal.EMPTY, phrase("Tệp edXML trống."))
    oddities: list[str] = []
    body = from_prolog(data, oddities)
    builder = _Builder(limits)
    parser = expat.ParserCreate(charset_of(body, oddities))
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        feed(parser, body, limits)
    except (expat.ExpatError, LookupError, ValueError) as error:
        if not builder.complete:
            raise broken(error, parser) from error
        oddities.append("junk_after")
    assert builder.root is not None
    return builder.root, oddities


def feed(parser: expat.XMLParserType, body: bytes, limits: Limits) -> None:
    """Hand over the file piece by piece; what the parser cannot finish for too long is one giant tag."""
    for start in range(0, len(body), _CHUNK):
        end = min(start + _CHUNK, len(body))
        parser.Parse(body[start:end], end == len(body))
        if end - max(parser.CurrentByteIndex, 0) > limits.tag_bytes:
            raise EdxmlError(
                Refusal.TAG_TOO_LONG,
                phrase("Tệp edXML có thẻ hoặc chú thích dài bất thường ở dòng {line}.", line=parser.CurrentLineNumber),
            )


def refuse_doctype(*_: object) -> None:
    """expat's handler: no entity is ever declared, expanded or fetched."""
    raise EdxmlError(
        Refusal.DOCTYPE,
        phrase("Tệp edXML có khai báo DOCTYPE hoặc thực thể; vì an toàn, tệp không được đọc."),
    )


class _Builder:
    """expat's events to nodes, with the caps."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.root: Node | None = None
        self.complete = False
        self._open: list[Node] = []
        self._scopes: list[dict[str, str]] = [{}]
        self._count = 0

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
        scope = self._scope(attributes)
        prefix = name.rpartition(":")[0]
        node = Node(name, scope.get(prefix) == NAMESPACE, {_local(k): v for k, v in attributes.items()})
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)
        self._scopes.append(scope)

    def end(self, _: str) -> None:
        self._open.pop()
        self._scopes.pop()
        self.complete = not self._open

    def data(self, text: str) -> None:
        node = self._open[-1]
        carries_paper = len(self._open) > 1 and self._open[-2].name == "attachment"
        if node.size + len(text) > self.limits.text_bytes and not carries_paper:
            raise EdxmlError(
                Refusal.FIELD_TOO_LONG,
                phrase("Trường {field} trong tệp edXML dài quá mức cho phép.", field=_local(node.spelt)[:100]),
                _local(node.spelt)[:100],
            )
        node.add(text)

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
    if data[:start].replace(_BOM, b"").strip():
        oddities.append("junk_before")
    return data[start:] if start else data


def charset_of(body: bytes, oddities: list[str]) -> str | None:
    """UTF-8 whenever the bytes are UTF-8, whatever the file declares; None leaves it to the declaration."""
    if body.startswith(UTF16):
        return "UTF-16"
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        oddities.append("charset")
        return None
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
