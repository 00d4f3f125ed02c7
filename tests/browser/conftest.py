"""Chromium for the whole session, pages at a width, and axe-core."""

import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Response, expect, sync_playwright
from werkzeug.serving import make_server

from tests.browser.house import House, running_house, signed_in
from tests.browser.look.gallery_app import gallery_app
from tests.cast import Cast, meet
from tests.meetings.stage import Stage, opened

ROOT = Path(__file__).resolve().parents[2]
# The same engine without a desktop's parts comes first: on a machine without a graphics card the suite saves a minute.
CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome"))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HEIGHTS = {390: 844, 768: 1024, 1024: 768, 1920: 1080}
expect.set_options(timeout=30_000)  # six tests share two processors; what is usual comes within a second
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


# Of this folder, not of the session: a running Playwright keeps an event loop in the thread, under which pyHanko's
# plain functions refuse to work, and other tests follow in the same process.
@pytest.fixture(scope="package")
def _playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def chromium(_playwright: Playwright) -> Iterator[Browser]:
    """Debian's Chromium, headless, one for the folder."""
    if not CHROMIUM:
        pytest.fail("Chromium is missing: apt-get install chromium-headless-shell")
    browser = _playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A whole Liên Thông that the modules of this folder share; each makes what it looks at."""
    with running_house(tmp_path_factory.mktemp("house")) as running:
        yield running


@dataclass
class Watched:
    """A page with everything that went wrong on it."""

    page: Page
    faults: list[str] = field(default_factory=list)
    expected_status: int = 200

    def open(self, url: str, *, status: int = 200) -> Page:
        """Go to `url` and wait until its scripts have settled."""
        self.expected_status = status
        self.page.goto(url, wait_until="load", timeout=60_000)
        started(self.page)
        return self.page


def started(page: Page) -> None:
    """Wait until the scripts of the page have come; what is done before that has tests of its own."""
    page.locator("html.started, html:not(.js)").wait_for(state="attached")


class Pages(Protocol):
    """What `page_at` answers."""

    def __call__(self, width: int, *, scripts: bool = True) -> Watched: ...


@pytest.fixture
def page_at(chromium: Browser) -> Iterator[Pages]:
    """`page_at(390)`: a fresh Vietnamese browser window of that width; its faults fail the test at the end."""
    contexts: list[BrowserContext] = []
    watched: list[Watched] = []

    def new(width: int, *, scripts: bool = True) -> Watched:
        context = chromium.new_context(
            viewport={"width": width, "height": HEIGHTS.get(width, 900)},
            locale="vi-VN",
            timezone_id="Asia/Ho_Chi_Minh",
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        contexts.append(context)
        found = watch(context.new_page())
        watched.append(found)
        return found

    yield new
    for context in contexts:
        context.close()
    faults = [fault for one in watched for fault in one.faults]
    assert not faults, "\n".join(faults)


@pytest.fixture
def people(house: House) -> Cast:
    """The demo city's people of the running house."""
    with house.db.read() as tx:
        return meet(tx)


@pytest.fixture
def stage(house: House, people: Cast) -> Stage:
    """A meeting that is open and has not taken up a point."""
    return opened(house.db, people)


def room_of(stage: Stage) -> str:
    """Where the meeting is held."""
    return f"/meetings/{stage.id}/room"


Seat = Callable[..., Page]


@pytest.fixture
def seat(chromium: Browser, house: House) -> Iterator[Seat]:
    """`seat("lan", "/meetings/4/room")`: a browser of somebody at a page; faults on it fail the test. `script` runs
    before those of each page."""
    contexts: list[BrowserContext] = []
    watched = []

    def take(
        mailbox: str | None,
        path: str,
        *,
        url: str = "",
        width: int = 1280,
        watched_for_faults: bool = True,
        script: str = "",
    ) -> Page:
        base = url or house.url
        viewport: Any = {"width": width, "height": HEIGHTS.get(width, 900)}
        context = chromium.new_context(viewport=viewport, locale="vi-VN", reduced_motion="reduce")
        contexts.append(context)
        if script:
            context.add_init_script(script)
        if mailbox:
            _person, cookie = signed_in(house, mailbox)
            context.add_cookies([{**cookie, "url": base}])
        page = context.new_page()
        if watched_for_faults:
            watched.append(watch(page))
        page.goto(base + path, timeout=60_000)
        started(page)
        return page

    yield take
    for context in contexts:
        context.close()
    faults = [fault for one in watched for fault in one.faults]
    assert not faults, "\n".join(faults)


def watch(page: Page) -> Watched:
    """Note console errors, exceptions and failed loads of `page`."""
    found = Watched(page)

    def answered(response: Response) -> None:
        document = response.request.resource_type == "document"
        if response.status >= 400 and not (document and response.status == found.expected_status):
            found.faults.append(f"{response.status} {response.url} on {page.url}")

    page.on("response", answered)
    page.on("pageerror", lambda error: found.faults.append(f"exception on {page.url}: {error}"))
    page.on(
        "console",
        lambda message: (
            found.faults.append(f"console on {page.url}: {message.text}")
            if message.type == "error" and "Failed to load resource" not in message.text
            else None
        ),
    )
    return found


def axe(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 AA, one line a finding; empty when all is well."""
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate((ROOT / "static" / "vendor" / "test" / "axe.min.js").read_text(encoding="utf-8"))
    result = page.evaluate(
        """tags => axe.run(document, {
            runOnly: {type: 'tag', values: tags}, resultTypes: ['violations'],
            // Reading every style sheet again takes half the time and serves only css-orientation-lock: not run.
            preload: {assets: ['media']},
        })""",
        AXE_TAGS,
    )
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary'].splitlines()[-1].strip()}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]


def overflow(page: Page) -> str | None:
    """Names the widest thing that makes the page scroll sideways, or None."""
    found: str | None = page.evaluate(
        """() => {
            const wide = document.scrollingElement.scrollWidth, room = window.innerWidth;
            if (wide <= room) return null;
            const out = e => e.getBoundingClientRect().right > room + 1;
            const guilty = [...document.querySelectorAll('body *')].filter(out);
            return `${wide} > ${room}: ` + guilty.slice(0, 3).map(e => e.outerHTML.slice(0, 120)).join(' | ');
        }"""
    )
    return found


@pytest.fixture(scope="session")
def gallery() -> Iterator[str]:
    """The address of the gallery: the house's parts with made-up content."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, gallery_app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
