"""The two looks into an envelope that a check of its signature takes: where the signature is, and the digests.

The first look ends with the header, where the signature stands; the second goes through the whole file and finds a
second signature wherever it hides. Both take expat's events, piece by piece, and keep little.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any
from xml.parsers import expat

from docex.edxml.base64text import Decoder
from docex.edxml.canonical import Canonical, Scope, Tag, tag
from docex.edxml.errors import EdxmlError, Refusal
from docex.edxml.limits import Limits
from docex.edxml.signature import MalformedError, Part
from docex.edxml.tree import PAPER, body_of, broken, charset_of, feed, refuse_doctype
from kernel.text import phrase

_PLACE = ("edxmlenvelope", "edxmlheader", "signature")
_MOST_KEPT = 256 * 1024
"""Characters of a signature element, and of what stands between two lines of the trace."""
_CODE_LENGTH = 60


@dataclass(frozen=True)
class TraceLine:
    """A TraceHeader. `plain` says that it holds a code and a time and nothing else."""

    organ_code: str
    plain: bool


@dataclass
class Found:
    """What stands in the header: the signature, the lines of the trace, and the attributes `xml:…` over SignedInfo.

    `flaw` says what is wrong when there is no signature that could be checked.
    """

    signature: Part | None = None
    within: dict[str, str] = field(default_factory=dict)
    traces: list[TraceLine] = field(default_factory=list)
    flaw: str = ""


@dataclass(frozen=True)
class Removal:
    """Digest the document without the lines of the trace from number `since` on (from 0; None leaves all), and without
    the blanks before each of them."""

    since: int | None = None
    blanks: bool = False


def look(file: IO[bytes], limits: Limits) -> Found:
    """What stands in the header."""
    looker = _Looker(limits)
    _events(file, limits, looker)
    return looker.found


def digest_file(file: IO[bytes], limits: Limits, digester: "Digester") -> None:
    """Go through the whole file."""
    _events(file, limits, _Whole(limits, digester))


def digest_pieces(pieces: Iterable[bytes], limits: Limits, digester: "Digester") -> None:
    """The same of a document in UTF-8 that comes in pieces, such as one that is being written."""
    _parse("UTF-8", pieces, limits, _Whole(limits, digester))


class Digester:
    """The digests to make: one of the document for each removal, one of each paper by its `cid:…`."""

    def __init__(self, method: str, algorithm: str, removals: Iterable[Removal], papers: Mapping[str, str]) -> None:
        self.method = method
        self.removals = tuple(removals)
        self.hashes = [hashlib.new(algorithm, usedforsecurity=False) for _ in self.removals]
        self.forms = [Canonical(method, one.update) for one in self.hashes]
        self.wanted = dict(papers)
        self.papers: dict[str, bytes] = {}
        """What was found, by reference; a paper that is there twice has none."""

    @property
    def whole(self) -> list[bytes]:
        """The digests of the document, in the order of the removals."""
        return [one.digest() for one in self.hashes]


class _EnoughError(Exception):
    """The header is over, and it had a signature."""


class _Events:
    """Expat's handlers: depth, namespaces in scope, and the path by local names in lower case."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.path: list[str] = []
        self.tags: list[Tag] = []
        self.complete = False
        self._count = 0

    def start(self, spelt: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > self.limits.elements:
            raise EdxmlError(Refusal.TOO_MANY, phrase("Tệp edXML có quá nhiều phần tử."))
        if len(self.path) >= self.limits.depth:
            raise EdxmlError(Refusal.TOO_DEEP, phrase("Tệp edXML lồng quá nhiều cấp."))
        outer: Scope = self.tags[-1].scope if self.tags else {}
        one = tag(spelt, attributes, outer)
        self.tags.append(one)
        self.path.append(one.local.lower())
        self.began(one)

    def end(self, spelt: str) -> None:
        self.ended(spelt)
        self.path.pop()
        self.tags.pop()
        self.complete = not self.path

    def began(self, one: Tag) -> None: ...

    def ended(self, spelt: str) -> None: ...

    def text(self, text: str) -> None: ...

    def instruction(self, target: str, data: str) -> None: ...


def _events(file: IO[bytes], limits: Limits, events: _Events) -> None:
    _parse(charset_of(body_of(file, []), []), body_of(file, []), limits, events)


def _parse(charset: str | None, pieces: Iterable[bytes], limits: Limits, events: _Events) -> None:
    parser = expat.ParserCreate(charset)
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.StartElementHandler = events.start
    parser.EndElementHandler = events.end
    parser.CharacterDataHandler = events.text
    parser.ProcessingInstructionHandler = events.instruction
    try:
        feed(parser, pieces, limits)
    except _EnoughError:
        pass
    except (MalformedError, EdxmlError):
        raise
    except (expat.ExpatError, LookupError) as error:
        if not events.complete:
            raise broken(error, parser) from error


class _Looker(_Events):
    """Keeps the signature and the trace."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.found = Found()
        self._open: list[Part] = []
        self._kept = 0
        self._trace: list[str] = []
        self._code: list[str] = []
        self._plain = True

    def began(self, one: Tag) -> None:
        if self._open:
            self._keep(len(one.spelt) + sum(len(name) + len(value) for name, value in one.attributes.items()))
            part = Part(one)
            self._open[-1].parts.append(part)
            self._open[-1].content.append(part)
            self._open.append(part)
        elif self.path[-1] == "signature":
            self._signature(one)
        elif "traceheader" in self.path:
            self._in_trace(one)

    def _signature(self, one: Tag) -> None:
        if tuple(self.path[-3:]) != _PLACE or len(self.path) > 4:
            raise MalformedError("misplaced")
        if self.found.signature is not None or self.found.flaw:
            raise MalformedError("duplicate")
        self._open = [Part(one)]
        for outer in self.tags:
            self.found.within |= {name: value for name, value in outer.attributes.items() if name.startswith("xml:")}

    def _in_trace(self, one: Tag) -> None:
        if self.path[-1] == "traceheader" and self.path.count("traceheader") == 1:
            self._code, self._trace, self._plain = [], [], not one.attributes
            return
        name = self.path[-1]
        is_new = name in ("organid", "timestamp") and name not in self._trace
        self._plain = self._plain and is_new and self.path[-2] == "traceheader" and not one.attributes
        self._trace.append(name)

    def text(self, text: str) -> None:
        if self._open:
            self._keep(len(text))
            self._open[-1].content.append(text)
        elif self.path[-1:] == ["organid"] and "traceheader" in self.path and len(self._code) < 9:
            self._code.append(text[:_CODE_LENGTH])
        elif self.path[-1:] == ["traceheader"] and text.strip():
            self._plain = False

    def _keep(self, size: int) -> None:
        self._kept += size
        if self._kept > _MOST_KEPT:
            raise MalformedError("too long")

    def instruction(self, target: str, data: str) -> None:
        if self._open:
            raise MalformedError("instruction")
        if "traceheader" in self.path:
            self._plain = False

    def ended(self, spelt: str) -> None:
        if self._open:
            part = self._open.pop()
            if not self._open and (part.parts or part.text):
                self.found.signature = part
        elif self.path[-1] == "traceheader":
            self.found.traces.append(TraceLine("".join(self._code).strip()[:_CODE_LENGTH], self._plain))
        elif self.path[-1] == "edxmlheader" and self.found.signature is not None:
            raise _EnoughError


class _Whole(_Events):
    """Feeds the canonical forms and digests papers; the signature itself stays out of everything."""

    def __init__(self, limits: Limits, digester: Digester) -> None:
        super().__init__(limits)
        self._to = digester
        self._signatures = self._traces = 0
        self._skipped: int | None = None  # the depth of the element that is left out of everything
        self._dropped: int | None = None  # the depth of a line of the trace that some forms leave out
        self._blanks: list[str] | None = None
        self._id: list[str] = []
        self._paper: Any = None
        self._decoder = Decoder()
        self._digest = b""

    def began(self, one: Tag) -> None:
        if self.path[-1] == "signature":
            self._signatures += 1
            if self._signatures > 1 or tuple(self.path[-3:]) != _PLACE:
                raise MalformedError("duplicate")
            self._flush()
            self._skipped = len(self.path)
        if self._skipped is not None:
            return
        if self.path[-1] == "traceheader" and self._dropped is None:
            self._dropped = len(self.path)
            self._flush(before=self._traces)
            self._traces += 1
        else:
            self._flush()
        for form in self._forms():
            form.start(one)
        if self.path[-1] == "attachment":
            self._id, self._digest = [], b""
        elif self.path[-1] in PAPER and self.path[-2:-1] == ["attachment"] and self._to.wanted:
            self._paper, self._decoder = True, Decoder()
            self._running = {name: hashlib.new(name, usedforsecurity=False) for name in set(self._to.wanted.values())}

    def text(self, text: str) -> None:
        if self._skipped is not None:
            return
        if self.path[-1:] == ["traceheaderlist"] and self._dropped is None:
            self._hold(text)
            return
        for form in self._forms():
            form.text(text)
        if self.path[-2:] == ["attachment", "contentid"]:
            self._id.append(text[: _CODE_LENGTH * 4])
        elif self._paper:
            self._decode(lambda: self._decoder.feed(text))

    def instruction(self, target: str, data: str) -> None:
        if self._skipped is None:
            self._flush()
            for form in self._forms():
                form.instruction(target, data)

    def ended(self, spelt: str) -> None:
        if self._skipped is not None:
            if len(self.path) == self._skipped:
                self._skipped = None
            return
        self._flush()
        for form in self._forms():
            form.end(spelt)
        if self._dropped == len(self.path):
            self._dropped = None
        if self._paper and self.path[-1] in PAPER:
            self._decode(self._decoder.end)
            self._paper = None
        elif self.path[-1] == "attachment":
            self._attachment()

    def _forms(self) -> list[Canonical]:
        """The forms that take the next event: inside a line of the trace only those that keep it."""
        to = self._to
        if self._dropped is None:
            return to.forms
        kept = self._traces - 1
        return [form for form, one in zip(to.forms, to.removals, strict=True) if one.since is None or kept < one.since]

    def _hold(self, text: str) -> None:
        """Blanks between the lines of the trace wait for what follows them."""
        self._blanks = [*(self._blanks or []), text]
        if text.strip() or sum(map(len, self._blanks)) > _MOST_KEPT:
            self._flush()

    def _flush(self, before: int | None = None) -> None:
        if self._blanks is None:
            return
        text, self._blanks = "".join(self._blanks), None
        for form, one in zip(self._to.forms, self._to.removals, strict=True):
            gone = before is not None and one.since is not None and before >= one.since and one.blanks
            if not gone:
                form.text(text)

    def _decode(self, piece: Any) -> None:
        try:
            data = piece()
        except ValueError:  # no Base64: the reader refuses such a paper, and no digest fits it
            self._paper, self._running = None, {}
            return
        for one in self._running.values():
            one.update(data)

    def _attachment(self) -> None:
        uri = f"cid:{_plain_id(''.join(self._id))}"
        wanted = next((one for one in self._to.wanted if f"cid:{_plain_id(one)}" == uri), None)
        if wanted is None:
            return
        if wanted in self._to.papers:
            raise MalformedError("a paper twice")
        self._to.papers[wanted] = self._running[self._to.wanted[wanted]].digest() if self._running else b""
        self._running = {}

    _running: dict[str, Any] = {}  # noqa: RUF012 - replaced for each paper, never changed


def _plain_id(text: str) -> str:
    text = text.strip()
    while text.lower().startswith("cid:"):
        text = text[4:].strip()
    return text
