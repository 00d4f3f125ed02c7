"""What has changed since a signature, for people: pictures of the pages concerned, and where on them in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import thread_time

from kernel.text import Phrase, phrase
from signing.rendering.comparison import Difference, compare
from signing.rendering.covering import covered_ink
from signing.rendering.framing import framed
from signing.rendering.pages import Area, OutOfTime, Pages, Undrawable
from signing.updates.review import Box, review
from signing.verdicts.policy import DocumentKind, policy_for

MAX_PICTURES = 3
MAX_WEIGHED, WEIGHING_S = 20, 1.0
"""Pages on which later signatures are weighed, and seconds for each of them."""
COMPARING_S, ALL_OF_IT_S = 4.0, 8.0
"""Seconds for finding what differs, and for everything."""

_PLACES = (
    (phrase("trên cùng bên trái"), phrase("trên cùng ở giữa"), phrase("trên cùng bên phải")),
    (phrase("giữa trang bên trái"), phrase("chính giữa trang"), phrase("giữa trang bên phải")),
    (phrase("cuối trang bên trái"), phrase("cuối trang ở giữa"), phrase("cuối trang bên phải")),
)
_EVERYWHERE = phrase("cả trang")


@dataclass(frozen=True)
class ChangedPage:
    """A page (from 1) as it was signed and as it is now, side by side with the changed places in frames (PNG), and
    where on the page these are."""

    page: int
    png: bytes
    where: tuple[Phrase, ...]


@dataclass(frozen=True)
class Changes:
    """What can be seen of the changes. `pages` are all pages that differ (from 1), `shown` the first of them with their
    pictures; `left_out` says that not every page could be compared in the time for it. `signed` is how many bytes were
    signed before the changes came."""

    pages: tuple[int, ...] = ()
    shown: tuple[ChangedPage, ...] = ()
    left_out: bool = False
    signed: int = 0


def warm_up() -> None:
    """Load what drawing needs, once for all files (`signing.sandbox.child_process`)."""
    import pypdfium2  # noqa: F401


def changes_since(data: bytes, ends: Sequence[int], covering: Sequence[str] = ()) -> Changes:
    """Compare the file with its first bytes, as somebody signed them: up to the first of `ends` since which something
    else is seen, else up to the first of them.

    What may follow a signature is no change, except the pictures of the fields in `covering`. Behind a forbidden update
    nothing is known of later signatures: those that cover nothing are taken for honest, and shown without a frame.
    Never raises for what a file does: of what cannot be drawn there is no picture. For work in a process of its own.
    """
    until = thread_time() + ALL_OF_IT_S
    try:
        with Pages(data) as after:
            first: Changes | None = None
            for end in ends:
                with Pages(data[:end]) as before:
                    found = _changes(before, after, end, covering, until)
                if found.pages:
                    return found
                first = first or found
            return first or Changes()
    except (Undrawable, OutOfTime):
        return Changes(left_out=True)


def _changes(before: Pages, after: Pages, end: int, covering: Sequence[str], until: float) -> Changes:
    updates = review(after.data, end, policy_for(DocumentKind.PUBLIC).fields_filled_later).updates
    boxes = [(_area(box), box.field in covering) for update in updates for box in update.boxes]
    allowed = [area for area, objected in boxes if not objected]
    if any(update.problem for update in updates):
        allowed += _harmless(before, after, until)
    found = compare(before, after, allowed, min(COMPARING_S, max(0.0, until - thread_time())))
    numbers = list(dict.fromkeys(one.page for one in found.differences))
    shown = list[ChangedPage]()
    for index in sorted(numbers)[:MAX_PICTURES]:
        if thread_time() < until:
            there = tuple(one for one in found.differences if one.page == index)
            shown.append(ChangedPage(index + 1, framed(before, after, there), _where(before, after, there)))
    pages = tuple(sorted(index + 1 for index in numbers))
    return Changes(pages, tuple(shown), bool(found.left_out), end)


def _harmless(before: Pages, after: Pages, until: float) -> list[Area]:
    """The boxes on the first pages in which nothing was signed before, and in which later signatures hide and change
    nothing of what stood there."""
    found = [one for index in range(min(after.count, before.count, MAX_WEIGHED)) for one in _signatures(after, index)]
    return [
        one
        for one in found
        if thread_time() < until and not _shows(before, one) and covered_ink(before, after, one, WEIGHING_S).allowed
    ]


def _shows(pages: Pages, area: Area) -> bool:
    """Whether a signature shows there."""
    sheet = pages.sheet(area.page)
    scale = sheet.bounded(1.0)
    width, height = sheet.pixels(scale)
    left, upper, right, lower = sheet.on_picture(area, scale)
    box = (max(0, int(left)), max(0, int(upper)), min(width, int(right) + 1), min(height, int(lower) + 1))
    if box[0] >= box[2] or box[1] >= box[3]:
        return False
    alone, signed = (pages.part(area.page, scale, box, signatures=signatures) for signatures in (False, True))
    return alone.tobytes() != signed.tobytes()


def _area(box: Box) -> Area:
    return Area(box.page, box.left, box.bottom, box.right, box.top)


def _signatures(pages: Pages, index: int) -> list[Area]:
    try:
        return [one.area for one in pages.marks(index) or () if one.is_signature and not one.is_empty]
    except Undrawable:
        return []


def _where(before: Pages, after: Pages, differences: tuple[Difference, ...]) -> tuple[Phrase, ...]:
    words = list[Phrase]()
    for one in differences:
        try:
            sheet = (before if one.page < before.count else after).sheet(one.page)
        except Undrawable:
            return (_EVERYWHERE,)
        if one.area is None:
            return (_EVERYWHERE,)
        left, upper, right, lower = sheet.on_picture(one.area, 1.0)
        width, height = sheet.pixels(1.0)
        row = min(2, max(0, int((upper + lower) / 2 / height * 3)))
        column = min(2, max(0, int((left + right) / 2 / width * 3)))
        words.append(_PLACES[row][column])
    return tuple(dict.fromkeys(words))
