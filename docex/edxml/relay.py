"""Passing an envelope on: one TraceHeader more, and otherwise the bytes of the sender.

A received message is never written anew, because a reader never keeps everything that a stranger wrote. The relay's
own line is put into the text beside its neighbours, with their prefix, indentation, line ends and charset.
"""

import re
from dataclasses import dataclass
from xml.parsers import expat

from docex.edxml.errors import EdxmlError, Refusal
from docex.edxml.limits import DEFAULT, Limits
from docex.edxml.model import Envelope, Trace
from docex.edxml.tree import UTF16, broken, charset_of, feed, from_prolog, refuse_doctype
from docex.edxml.values import instant_text
from docex.edxml.writer import escape
from kernel.text import phrase

_DECLARED = re.compile(rb"""(<\?xml[^>]{0,100}\sencoding\s*=\s*["'])([A-Za-z0-9._-]{1,40})""")


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
    body = from_prolog(data, [])
    charset = charset_of(body, [])
    parser = expat.ParserCreate(charset)
    look = _Look(parser, body)
    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.StartElementHandler = look.start
    parser.EndElementHandler = look.end
    parser.CharacterDataHandler = look.text
    parser.CommentHandler = parser.DefaultHandler = look.other
    try:
        feed(parser, body, limits)
    except _SeenEnoughError:
        pass
    except (expat.ExpatError, LookupError, ValueError) as error:
        if not look.complete:
            raise broken(error, parser) from error
    passed_on = _to_its_end(body, look.root)
    if not look.status:
        insertion, start, end = look.insertion(trace)
        passed_on = passed_on[:start] + insertion.encode(_codec(body)) + passed_on[end:]
    return _rightly_declared(passed_on) if charset == "UTF-8" else passed_on


def _to_its_end(body: bytes, root: str) -> bytes:
    """The document without junk behind its last tag; blank lines are no junk."""
    codec = _codec(body)
    last = body.rfind(f"</{root}".encode(codec))
    bracket = ">".encode(codec)
    end = body.find(bracket, last) + len(bracket)
    blanks = b" \t\r\n" if codec == "utf-8" else b"\x00 \t\r\n"
    return body[:end] if last >= 0 and end > last and body[end:].strip(blanks) else body


def _rightly_declared(body: bytes) -> bytes:
    """What is UTF-8 says so."""
    declared = _DECLARED.match(body)
    if declared is None or declared[2].lower() == b"utf-8":
        return body
    return declared[1] + b"UTF-8" + body[declared.end() :]


def _codec(body: bytes) -> str:
    """How a line of Latin letters and digits is written in this file."""
    if body.startswith(UTF16):
        return "utf-16-le" if body.startswith(b"\xff\xfe") else "utf-16-be"
    return "utf-8"


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

    def __init__(self, parser: expat.XMLParserType, body: bytes) -> None:
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
            blanks = self.body[at if self._blanks_from is None else self._blanks_from : at]
            self.places[name] = _Place(spelt, at, blanks.decode(_codec(self.body), "replace"))
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
