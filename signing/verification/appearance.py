"""The second judge: whether pages still look as they were signed, whatever later updates say that they changed.

`updates` reads what a file says, this one looks at it: each signed state is drawn and compared with the next one, and
what a later signature's picture covers is weighed. Neither judge trusts the other.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import pairwise
from threading import Lock
from time import thread_time
from typing import Any

from signing.rendering.comparison import Comparison, compare
from signing.rendering.covering import Covering, covered_ink
from signing.rendering.pages import Area, Pages, Undrawable
from signing.trust.holders import read_holder
from signing.updates.review import Box, Update
from signing.verdicts.reasons import Code, reason
from signing.verification.context import Case

PDFIUM = Lock()
"""PDFium works for one thread at a time (its own documentation); threads of a worker take turns."""
LOOKING_S = 4.0
"""Seconds of the processor for all pages of a file: how busy the machine is changes no verdict. What is not looked at
by then rests on `updates` alone, and the report says so."""
NUMBER_FAULTS = {Covering.LOST, Covering.CHANGED, Covering.TOUCHED, Covering.NOT_SEEN}
"""A number stands among words; everything else it may do no more than a signature."""


def verify_appearance(case: Case) -> None:
    """Add what looks different from what was signed, and which later picture covers what stood there before."""
    if not case.later.updates:
        return
    try:
        with PDFIUM, ExitStack() as opened:
            _StateComparison(case, opened).compare_all()
    except Undrawable:
        case.reasons.append(reason(Code.STRUCTURE_UNCLEAR, who=_names(case, len(case.file.data))))


class _StateComparison:
    """The file's signed states as pages, each opened once."""

    def __init__(self, case: Case, opened: ExitStack) -> None:
        self._case = case
        self._opened = opened
        self._states: dict[int, Pages] = {}
        self._until = thread_time() + LOOKING_S

    def compare_all(self) -> None:
        """Each signed state against the next, and the last one against the file as it is."""
        case = self._case
        size = len(case.file.data)
        ends = sorted({found.end for found in case.papers if found.signature is not None})
        if case.file.data[ends[-1] :].strip():
            ends.append(size)
        for before, after in pairwise(ends):
            between = [update for update in case.later.after(before) if update.begin < after]
            self._compare(before, after, between)
            self._weigh(between)

    def _state(self, end: int) -> Pages:
        if end not in self._states:
            self._states[end] = self._opened.enter_context(Pages(self._case.file.data[:end]))
        return self._states[end]

    def _compare(self, before: int, after: int, between: Sequence[Update]) -> None:
        areas = [_area(box) for update in between for box in update.boxes]
        left_s = max(0.0, self._until - thread_time())
        seen = compare(self._state(before), self._state(after), areas, left_s, [area.page for area in areas])
        case = self._case
        for page in _changed_pages(seen):
            told: dict[str, Any] = {"page": page + 1, "weight": case.policy.edited_later}
            for found in case.papers:
                if found.signature is not None and found.end <= before:
                    who = read_holder(found.signature.signer_cert).full_name
                    case.reasons.append(reason(Code.LOOKS_DIFFERENT, found.field, who=who, **told))
        if seen.left_out:
            case.details.append({"pages_not_compared": len(seen.left_out), "from": before, "to": after})

    def _weigh(self, between: Sequence[Update]) -> None:
        case = self._case
        for update in between:
            for box in update.boxes:
                begin = max(found.end for found in case.file.found if found.end <= update.begin)
                end = min((found.end for found in case.file.found if found.end > update.begin), default=update.end)
                covered = covered_ink(self._state(begin), self._state(end), _area(box))
                faults = set(covered.faults) & (NUMBER_FAULTS if box.number else set(Covering))
                if faults == {Covering.NOT_SEEN}:
                    case.reasons.append(reason(Code.JUDGING_TOO_LONG))  # nothing is known of it
                elif faults:
                    told = reason(
                        Code.COVERS_CONTENT, weight=case.policy.edited_later, who=box.field, page=box.page + 1
                    )
                    case.reasons.append(told)
                    case.details.append({"covering": sorted(faults), "field": box.field, "page": box.page})


def _area(box: Box) -> Area:
    return Area(box.page, box.left, box.bottom, box.right, box.top)


def _changed_pages(seen: Comparison) -> Iterator[int]:
    """The pages (from 0) that look different; the first one that is missing or new when their number changed."""
    yield from sorted({one.page for one in seen.differences})
    if seen.pages[0] != seen.pages[1]:
        yield min(seen.pages)


def _names(case: Case, end: int) -> str:
    """Who had signed up to here, as the verdict calls them."""
    fields = {found.field for found in case.papers if found.end <= end}
    return ", ".join(signer.name for signer in case.signers if signer.field in fields and signer.name)
