"""What has changed since a signature, for people: pictures of the pages concerned, and where on them in words."""

from dataclasses import dataclass
from time import thread_time

from kernel.text import Phrase, phrase
from signing.policy import DocumentKind, policy_for
from signing.rendering.comparison import Comparison, Difference, compare
from signing.rendering.framing import framed
from signing.rendering.pages import Area, OutOfTime, Pages, Undrawable
from signing.updates.review import Box, review

MOST_PICTURES = 3
SLACK = 0.5
"""Points that two writings of the same rectangle may differ by."""
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
    pictures; `left_out` says that not every page could be compared in the time for it."""

    pages: tuple[int, ...] = ()
    shown: tuple[ChangedPage, ...] = ()
    left_out: bool = False


def warm_up() -> None:
    """Load what drawing needs, once for all files (`signing.isolated`)."""
    import pypdfium2  # noqa: F401


def changes_since(data: bytes, end: int, covering: tuple[str, ...] = ()) -> Changes:
    """Compare the file with its first `end` bytes, which somebody signed.

    What may follow a signature is no change, except the pictures of the fields in `covering`. Behind a forbidden update
    nothing is known: later signatures are framed there where nothing else is.
    Never raises for what a file does: of what cannot be drawn there is no picture. For work in a process of its own.
    """
    until = thread_time() + ALL_OF_IT_S
    updates = review(data, end, policy_for(DocumentKind.PUBLIC).fields_filled_later).updates
    boxes = [box for update in updates for box in update.boxes]
    allowed = [_area(box) for box in boxes if box.field not in covering]
    objected = [_area(box) for box in boxes if box.field in covering]
    try:
        with Pages(data[:end]) as before, Pages(data) as after:
            found = _compared(before, after, allowed, objected)
            numbers = list(dict.fromkeys(one.page for one in found.differences))
            shown = list[ChangedPage]()
            for index in sorted(numbers)[:MOST_PICTURES]:
                if thread_time() < until:
                    there = tuple(one for one in found.differences if one.page == index)
                    shown.append(ChangedPage(index + 1, framed(before, after, there), _where(before, after, there)))
            pages = tuple(sorted(index + 1 for index in numbers))
            return Changes(pages, tuple(shown), bool(found.left_out))
    except (Undrawable, OutOfTime):
        return Changes(left_out=True)


def _compared(before: Pages, after: Pages, allowed: list[Area], objected: list[Area]) -> Comparison:
    signatures = [one for index in range(min(after.count, before.count, 50)) for one in _signatures(after, index)]
    others = [one for one in signatures if not any(one.within(box.wider(SLACK)) for box in objected)]
    found = compare(before, after, [*allowed, *others], COMPARING_S)
    return found if found.differences else compare(before, after, allowed, COMPARING_S)


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
