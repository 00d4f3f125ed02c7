"""Going through an envelope by expat's events, as the reader does, for those who check its signature.

Files are read piece by piece; nothing is kept but the tags that are open.
"""

from collections.abc import Iterable
from typing import IO
from xml.parsers import expat

from docex.edxml.errors import EdxmlError, Refusal
from docex.edxml.limits import Limits
from docex.edxml.tree import body_of, broken, charset_of, feed, refuse_doctype
from docex.edxml.xmldsig.canonical import Scope, Tag, tag
from kernel.text import phrase

SIGNATURE = ("edxmlenvelope", "edxmlheader", "signature")
"""Where the signature stands below the root, by local names in lower case."""


class EnoughError(Exception):
    """The parts that were looked for are found; the rest need not be read."""


class Events:
    """Expat's handlers: depth, namespaces in scope, and the path by local names in lower case."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.path: list[str] = []
        self.tags: list[Tag] = []
        self.complete = False
        self._count = 0

    def start(self, spelt: str, attributes: dict[str, str]) -> None:
        """An element begins, as expat tells it."""
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
        """An element ends."""
        self.ended(spelt)
        self.path.pop()
        self.tags.pop()
        self.complete = not self.path

    def began(self, one: Tag) -> None:
        """The element at the end of the path begins."""

    def ended(self, spelt: str) -> None:
        """It ends; the path still names it."""

    def text(self, text: str) -> None:
        """Characters, in pieces of any length."""

    def instruction(self, target: str, data: str) -> None:
        """A processing instruction."""


def go_through(file: IO[bytes], limits: Limits, events: Events) -> None:
    """All of a file in which it is possible to go back. EdxmlError for what is not well-formed."""
    go_through_pieces(charset_of(body_of(file, []), []), body_of(file, []), limits, events)


def go_through_pieces(charset: str | None, pieces: Iterable[bytes], limits: Limits, events: Events) -> None:
    """The same of a document that comes in pieces; None leaves the charset to its declaration."""
    parser = expat.ParserCreate(charset)
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.StartElementHandler = events.start
    parser.EndElementHandler = events.end
    parser.CharacterDataHandler = events.text
    parser.ProcessingInstructionHandler = events.instruction
    try:
        feed(parser, pieces, limits)
    except EnoughError:
        pass
    except (expat.ExpatError, LookupError) as error:
        if not events.complete:
            raise broken(error, parser) from error
