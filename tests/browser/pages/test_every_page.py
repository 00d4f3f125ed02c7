"""Every page of the house, found by itself: each of the cast follows every link, on a phone and on a desk.

Nothing is listed here. The start is every GET endpoint without parameters plus every link that a page shows, so a new
page is covered the day it gets a link or an endpoint.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext
from playwright.sync_api import Error as PlaywrightError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from kernel.config import Config
from kernel.endpoints import Guard
from tests.browser.city import CAST, City, live_a_day, running_city
from tests.browser.conftest import HEIGHTS, Watched, axe, overflow, watch
from web import rooms
from web.app import create_app

SAME_FOR_ALL = (
    "notify.",
    "directory.account",
    "directory.second",
    "web.offline",
)  # looked at once, by whoever comes first
OF_A_KIND = 1  # as many objects behind one endpoint are looked at, per person
SHAPE = """() => [...new Set([...document.querySelectorAll('body *')].map(e =>
    e.localName + '.' + [...e.classList].filter(c => c !== 'is-here').sort().join('.')))].sort().join(' ')"""


@dataclass
class Known:
    """What somebody of the cast has looked at already: pages of one build are examined by axe once, at these widths."""

    examined_at: tuple[int, ...]
    shapes: set[str] = field(default_factory=set)
    behind: dict[str, int] = field(default_factory=lambda: defaultdict(int))


@dataclass
class Walk:
    """What one person has seen so far."""

    urls: MapAdapter
    base: str
    context: BrowserContext
    known: Known
    endpoints: list[str]
    waiting: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    behind: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    faults: list[str] = field(default_factory=list)
    pages: int = 0

    def run(self) -> None:
        """Look at everything that can be reached."""
        window = watch(self.context.new_page())
        # An endpoint may be closed to this person; a link that is shown to them may not.
        self.waiting = list(self.endpoints)
        while self.waiting:
            target = self.waiting.pop(0)
            if target not in self.seen and self._is_new(target):
                self._look(window, target)
            self.seen.add(target)
        self.faults += window.faults

    def _is_new(self, target: str) -> bool:
        parts = urlsplit(target)
        try:
            endpoint, _ = self.urls.match(parts.path, method="GET")
        except HTTPException:
            self.faults.append(f"a link leads nowhere: {target}")
            return False
        kind = endpoint + ("?" if parts.query else "")
        counted = self.known.behind if endpoint.startswith(SAME_FOR_ALL) else self.behind
        counted[kind] += 1
        return counted[kind] <= (1 if parts.query else OF_A_KIND) and not endpoint.endswith("static")

    def _look(self, window: Watched, target: str) -> None:
        answer = self.context.request.get(self.base + target, headers={"Accept": "text/html"})
        if answer.status >= 500 or (answer.status >= 400 and target not in self.endpoints):
            self.faults.append(f"{answer.status} {target}")
        if answer.status >= 400 or not answer.headers.get("content-type", "").startswith("text/html"):
            return
        try:
            page = window.open(self.base + target)
        except PlaywrightError as error:
            self.faults.append(f"{target} does not open: {error.message.splitlines()[0]}")
            return
        self.pages += 1
        shape = page.evaluate(SHAPE)
        new = shape not in self.known.shapes
        for width in (1024, 390) if new else (390,):
            page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
            if wide := overflow(page):
                self.faults.append(f"{target} at {width}: {wide}")
            if new and width in self.known.examined_at:
                self.faults += [f"{target} at {width}: {finding}" for finding in axe(page)]
        self.known.shapes.add(shape)
        if page.locator("h1").count() != 1:
            self.faults.append(f"{target}: {page.locator('h1').count()} headings of the first level")
        links: list[str] = page.evaluate("[...document.querySelectorAll('a[href]')].map(a => a.href)")
        own = [link.removeprefix(self.base).split("#")[0] for link in links if link.startswith(self.base + "/")]
        self.waiting += own
        if target.startswith("/mailbox/"):
            # The demo's mailbox shows everybody's letters; what they lead to may be closed to this reader.
            self.endpoints += own


@pytest.fixture(scope="module")
def city() -> Iterator[City]:
    with running_city() as running:
        live_a_day(running)
        yield running


@pytest.fixture(scope="module")
def known(full: bool) -> Known:
    return Known((1024, 390) if full else (390,))


def _walk(city: City, chromium: Browser, mailbox: str | None, known: Known) -> Walk:
    context = city.window(chromium, mailbox, 390, HEIGHTS[390])
    adapter = create_app(Config(data_dir=city.instance.folder)).url_map.bind(urlsplit(city.url).netloc)
    open_to = {Guard.OPEN, Guard.PERSON} if mailbox else {Guard.OPEN}
    endpoints = [d for d in rooms.load_pages() if d.method == "GET" and "<" not in d.path and d.guard in open_to]
    mine = [d.path for d in endpoints if mailbox is None or mailbox == "quantri" or not d.path.startswith("/admin")]
    walk = Walk(adapter, city.url, context, known, mine)
    try:
        walk.run()
    finally:
        context.close()
    return walk


@pytest.mark.timeout(600)  # the first one waits for a day's work
@pytest.mark.parametrize("mailbox", [CAST[0], *(pytest.param(one, marks=pytest.mark.long_proof) for one in CAST[1:])])
def test_every_page_of_somebody_is_whole(city: City, chromium: Browser, known: Known, mailbox: str) -> None:
    walk = _walk(city, chromium, mailbox, known)
    assert not walk.faults, "\n".join(walk.faults)
    assert walk.pages >= 5


def test_every_page_for_strangers_is_whole(city: City, chromium: Browser, known: Known) -> None:
    walk = _walk(city, chromium, None, known)
    assert not walk.faults, "\n".join(walk.faults)
