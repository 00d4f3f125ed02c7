"""The first look into an envelope for a check of its signature: the signature itself, and the lines of the trace.

It ends with the header, where the signature stands; a second one that hides further on is found by `digesting`.
"""

from dataclasses import dataclass, field
from typing import IO

from docex.edxml.limits import Limits
from docex.edxml.xmldsig.canonical import Tag
from docex.edxml.xmldsig.events import SIGNATURE, EnoughError, Events, go_through
from docex.edxml.xmldsig.signature import MalformedError, Part

_MAX_KEPT = 256 * 1024
"""Characters of a signature element."""
_CODE_LENGTH = 60


@dataclass(frozen=True)
class TraceLine:
    """A TraceHeader. `plain` says that it holds a code and a time and nothing else."""

    organ_code: str
    plain: bool


@dataclass
class Found:
    """The parts of the header that count: the signature, the lines of the trace, and the attributes `xml:…` over
    SignedInfo."""

    signature: Part | None = None
    within: dict[str, str] = field(default_factory=dict)
    traces: list[TraceLine] = field(default_factory=list)


def look(file: IO[bytes], limits: Limits) -> Found:
    """The parts of the header that count."""
    looker = _Looker(limits)
    go_through(file, limits, looker)
    return looker.found


class _Looker(Events):
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
        if tuple(self.path[-3:]) != SIGNATURE or len(self.path) > 4:
            raise MalformedError("misplaced")
        if self.found.signature is not None:
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
        if self._kept > _MAX_KEPT:
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
            raise EnoughError
