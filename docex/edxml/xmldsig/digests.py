"""The second look into an envelope: the digests of the whole, of that without some lines of its trace, and of papers.

It goes through the whole file, so a second signature is found wherever it hides; the signature itself is left out.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import IO, Any

from docex.edxml.base64_text import Decoder
from docex.edxml.limits import Limits
from docex.edxml.tree import PAPER
from docex.edxml.xmldsig.canonical import Canonical, Tag
from docex.edxml.xmldsig.events import SIGNATURE, Events, go_through, go_through_pieces
from docex.edxml.xmldsig.signature import MalformedError

_MAX_BLANKS = 256 * 1024
"""Characters between two lines of the trace that wait for what follows them."""
_ID_LENGTH = 240


@dataclass(frozen=True)
class Removal:
    """Digest the document without the lines of the trace from number `since` on (from 0; None leaves all), and without
    the blanks before each of them."""

    since: int | None = None
    blanks: bool = False


def digest_file(file: IO[bytes], limits: Limits, digester: "Digester") -> None:
    """Go through the whole file."""
    go_through(file, limits, _Whole(limits, digester))


def digest_pieces(pieces: Iterable[bytes], limits: Limits, digester: "Digester") -> None:
    """The same of a document in UTF-8 that comes in pieces, such as one that is being written."""
    go_through_pieces("UTF-8", pieces, limits, _Whole(limits, digester))


class Digester:
    """The digests to make: one of the document for each removal, one of each paper by its `cid:…`."""

    def __init__(self, method: str, algorithm: str, removals: Iterable[Removal], papers: Mapping[str, str]) -> None:
        self.method = method
        self.removals = tuple(removals)
        self.hashes = [hashlib.new(algorithm, usedforsecurity=False) for _ in self.removals]
        self.forms = [Canonical(method, one.update) for one in self.hashes]
        self.wanted = dict(papers)
        self.papers: dict[str, bytes] = {}
        """The digests that were found, by reference; a paper that is there twice has none."""

    @property
    def whole(self) -> list[bytes]:
        """The digests of the document, in the order of the removals."""
        return [one.digest() for one in self.hashes]


class _Whole(Events):
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
            if self._signatures > 1 or tuple(self.path[-3:]) != SIGNATURE:
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
            self._id.append(text[:_ID_LENGTH])
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
        if text.strip() or sum(map(len, self._blanks)) > _MAX_BLANKS:
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
