"""Passing an envelope on: one TraceHeader more, and otherwise the bytes of the sender.

A received message is never written anew, because a reader never keeps everything that a stranger wrote. The relay's
own line is put into the text beside its neighbours, with their prefix, indentation, line ends and charset.
"""

import io
import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO
from xml.parsers import expat

from docex.edxml.errors import EdxmlError, Refusal
from docex.edxml.limits import DEFAULT, Limits
from docex.edxml.model import Envelope, Trace
from docex.edxml.tree import UTF16, broken, charset_of, feed, from_prolog, refuse_doctype
from docex.edxml.values import instant_text
from docex.edxml.writer import escape
from kernel.text import phrase

_DECLARED = re.compile(rb"""(<\?xml[^>]{0,100}\sencoding\s*=\s*["'])([A-Za-z0-9._-]{1,40})""")

_PIECE = 1 << 16


def has_passed(envelope: Envelope, code: str) -> bool:
    """Whether that node has relayed this envelope before: passing it on again would be a circle.

    The first line is the sender's own, unless the sender wrote none.
    """
    first, *others = envelope.traces or (Trace("", None),)
    return any(t.organ_code == code for t in others) or first.organ_code == code != envelope.sender.code


def with_trace(data: bytes, trace: Trace, limits: Limits = DEFAULT) -> bytes:
    """The file with `trace` appended to its TraceHeaderList.

    Junk around the document is left behind and a wrongly declared charset set right, because the official reader
    would lose the message over them. A status carries no trace list and gets none. Raises EdxmlError when
    the header cannot be read.
    """
    return b"".join(_passed_on(_Body(data), trace, limits))


def pass_on(file: IO[bytes], trace: Trace, target: IO[bytes], limits: Limits = DEFAULT) -> None:
    """The same from a file on the disk to another, which a large one never leaves for the memory."""
    if not file.seek(0, io.SEEK_END):
        raise EdxmlError(Refusal.EMPTY, phrase("Tệp edXML trống."))
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for piece in _passed_on(_Body(data), trace, limits):
            target.write(piece)


def _passed_on(body: "_Body", trace: Trace, limits: Limits) -> Iterator[bytes]:
    charset = charset_of(body.pieces(), [])
    look = _looked_at(body, charset, limits)
    declaration, rest = _right_declaration(body) if charset == "UTF-8" else (b"", 0)
    end = _its_end(body, look.root)
    yield declaration
    if look.status:
        yield from body.pieces(rest, end)
        return
    insertion, until, since = look.insertion(trace)
    yield from body.pieces(rest, until)
    yield insertion.encode(body.codec)
    yield from body.pieces(since, end)


def _looked_at(body: "_Body", charset: str | None, limits: Limits) -> "_Look":
    parser = expat.ParserCreate(charset)
    look = _Look(parser, body)
    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.StartElementHandler = look.start
    parser.EndElementHandler = look.end
    parser.CharacterDataHandler = look.text
    parser.CommentHandler = parser.DefaultHandler = look.other
    try:
        feed(parser, body.pieces(), limits)
    except _SeenEnoughError:
        pass
    except (expat.ExpatError, LookupError, ValueError) as error:
        if not look.complete:
            raise broken(error, parser) from error
    return look


class _Body:
    """A document by places in it, without what stands before its prolog; only what is asked for is copied."""

    def __init__(self, data: bytes | mmap.mmap) -> None:
        self._data = data
        head = data[:_PIECE]
        body = from_prolog(head, [])
        # What stood before the prolog is left out, or a missing mark of byte order is put before it.
        self._mark = body[: max(0, len(body) - len(head))]
        self._shift = len(head) - len(body)
        self.codec = "utf-8"
        """How a line of Latin letters and digits is written in this file."""
        if body.startswith(UTF16):
            self.codec = "utf-16-le" if body.startswith(b"\xff\xfe") else "utf-16-be"

    def __len__(self) -> int:
        return len(self._data) - self._shift

    def part(self, start: int, end: int) -> bytes:
        """The bytes from one place to another."""
        first = max(start, len(self._mark))
        return self._mark[start:end] + self._data[first + self._shift : max(first, end) + self._shift]

    def pieces(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The same piece by piece, to the end when no other is given."""
        last = len(self) if end is None else end
        for place in range(start, last, _PIECE):
            yield self.part(place, min(place + _PIECE, last))

    def find(self, text: str, start: int) -> int:
        """The first place of a text from there on, -1 for none."""
        found = self._data.find(text.encode(self.codec), start + self._shift)
        return found - self._shift if found >= 0 else -1

    def rfind(self, text: str) -> int:
        """The last place of a text, -1 for none."""
        found = self._data.rfind(text.encode(self.codec))
        return found - self._shift if found >= 0 else -1


def _its_end(body: _Body, root: str) -> int:
    """Where the document ends, without junk behind its last tag; blank lines are no junk."""
    last = body.rfind(f"</{root}")
    end = body.find(">", last) + len(">".encode(body.codec))
    blanks = b" \t\r\n" if body.codec == "utf-8" else b"\x00 \t\r\n"
    is_junk = last >= 0 and end > last and any(piece.strip(blanks) for piece in body.pieces(end))
    return end if is_junk else len(body)


def _right_declaration(body: _Body) -> tuple[bytes, int]:
    """The XML declaration of what is UTF-8 and says otherwise, set right, and where the rest begins."""
    declared = _DECLARED.match(body.part(0, _PIECE))
    if declared is None or declared[2].lower() == b"utf-8":
        return b"", 0
    return declared[1] + b"UTF-8", declared.end()


class _SeenEnoughError(Exception):
    """The header is over; the papers need not be parsed."""


@dataclass
class _Place:
    """Where an element stands in the bytes, and the blanks before it."""

    spelt: str
    start: int
    blanks: str
    end: int = -1
    empty: bool = False

    @property
    def prefix(self) -> str:
        head, colon, _ = self.spelt.rpartition(":")
        return head + colon


class _Look:
    """Notes where the elements of interest begin and end; an element's end is where the next event begins."""

    def __init__(self, parser: expat.XMLParserType, body: _Body) -> None:
        self.parser = parser
        self.body = body
        self.root = ""
        self.status = False
        self.complete = False
        self.places: dict[str, _Place] = {}
        self._open: list[str] = []
        self._ended: _Place | None = None
        self._blanks_from: int | None = None

    def start(self, spelt: str, _: dict[str, str]) -> None:
        at = self._at()
        name = spelt.rpartition(":")[2].lower()
        self.root = self.root or spelt
        self._open.append(name)
        if len(self._open) > DEFAULT.depth:
            raise EdxmlError(Refusal.TOO_DEEP, phrase("Tệp edXML lồng quá nhiều cấp."))
        if name in ("messageheader", "traceheaderlist", "traceheader"):
            blanks = self.body.part(at if self._blanks_from is None else self._blanks_from, at)
            self.places[name] = _Place(spelt, at, blanks.decode(self.body.codec, "replace"))
        elif name == "statuscode":
            self.status = True
        elif name in ("edxmlbody", "attachmentencoded"):
            self._enough()
        self._blanks_from = None

    def end(self, spelt: str) -> None:
        at = self._at()
        name = self._open.pop()
        self.complete = not self._open
        place = self.places.get(name)
        if place is not None and place.end < 0:
            place.empty = at == place.start
            if name == "traceheaderlist" and not place.empty:
                place.end = at  # inside, before the closing tag
            else:
                self._ended = place
        if name == "edxmlheader":
            self._enough()
        self._blanks_from = None

    def text(self, text: str) -> None:
        at = self._at()
        if not text.isspace():
            self._blanks_from = None
        elif self._blanks_from is None:
            self._blanks_from = at

    def other(self, _: str) -> None:
        self._at()

    def insertion(self, trace: Trace) -> tuple[str, int, int]:
        """The text to put in, and which bytes it takes the place of."""
        last, all_of_them = self.places.get("traceheader"), self.places.get("traceheaderlist")
        if last is not None and last.end >= 0:
            return _header(trace, last.prefix, last.blanks), last.end, last.end
        if all_of_them is not None and all_of_them.end >= 0:
            gap, prefix = all_of_them.blanks, all_of_them.prefix
            if not all_of_them.empty:
                return _header(trace, prefix, _deeper(gap)), all_of_them.end, all_of_them.end
            return _list(trace, prefix, gap), all_of_them.start, all_of_them.end
        header = self.places.get("messageheader")
        if header is None or header.end < 0:
            raise EdxmlError(Refusal.NOT_EDXML, phrase("Tệp XML này không phải là văn bản hay trạng thái edXML."))
        return header.blanks + _list(trace, header.prefix, header.blanks), header.end, header.end

    def _at(self) -> int:
        at = self.parser.CurrentByteIndex
        if self._ended is not None:
            self._ended.end, self._ended = at, None
        return at

    def _enough(self) -> None:
        if "messageheader" in self.places:
            raise _SeenEnoughError


def _list(trace: Trace, prefix: str, gap: str) -> str:
    inner = _header(trace, prefix, _deeper(gap))
    return f"<{prefix}TraceHeaderList>{inner}{_line(gap)}</{prefix}TraceHeaderList>"


def _header(trace: Trace, prefix: str, gap: str) -> str:
    fields = (("OrganId", trace.organ_code), ("Timestamp", instant_text(trace.at)))
    inner = "".join(f"{_deeper(gap)}<{prefix}{n}>{escape(v)}</{prefix}{n}>" for n, v in fields if v)
    return f"{_line(gap)}<{prefix}TraceHeader>{inner}{_line(gap)}</{prefix}TraceHeader>"


def _line(gap: str) -> str:
    """The line end and indentation in `gap`, one line however many were there."""
    head, newline, indent = gap.rpartition("\n")
    return ("\r\n" if head.endswith("\r") else newline) + indent if newline else ""


def _deeper(gap: str) -> str:
    line = _line(gap)
    return f"{line}  " if line else ""
