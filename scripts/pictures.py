#!/usr/bin/env python3
"""Take pictures of the main pages at 390, 1,024 and 1,920 px (the wall at 3,840) into docs/pictures.

Starts a fresh instance, lives a day of the demo city in it, looks, and throws it away. Small PNGs: 256 colours.
`scripts/pictures.py --all FOLDER` keeps every page and every width for looking through.
"""

import argparse
import sys
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser.city import City, live_a_day, running_city  # noqa: E402
from tests.browser.conftest import CHROMIUM, FLAGS, HEIGHTS  # noqa: E402
from web.tour.reading import link  # noqa: E402


@dataclass(frozen=True)
class Shot:
    """One page as one person sees it. `path` may be a pattern that is looked for on the page `found_on`."""

    name: str
    who: str | None
    path: str
    found_on: str = ""
    widths: tuple[int, ...] = (390, 1024, 1920)
    in_readme: tuple[int, ...] = ()


SHOTS = (
    Shot("sign-in", None, "/sign-in"),
    Shot("today", "binh", "/", in_readme=(390, 1024)),
    Shot("inbox", "lan", "/documents/in", in_readme=(390,)),
    Shot("document", "ha", r"/documents/out/\d+", "/documents/out", in_readme=(1024, 1920)),
    Shot("received", "lan", r"/documents/in/\d+", "/documents/in"),
    Shot("write", "ha", "/documents/out/new"),
    Shot("meeting", "lan", r"/meetings/\d+", "/meetings"),
    Shot("plan", "thu", r"/meetings/\d+/build", "/meetings"),
    Shot("room", "binh", r"/meetings/\d+/room", r"/meetings", in_readme=(390, 1024)),
    Shot("task", "binh", r"/tasks/\d+", "/tasks"),
    Shot("tasks", "binh", "/tasks"),
    Shot("new-task", "binh", "/tasks/new"),
    Shot("outbox", "ha", "/documents/out"),
    Shot("evidence", "ha", r"/documents/out/\d+/evidence", "/documents/out"),
    Shot("registers", "lan", "/documents/registers"),
    Shot("reports", "lan", "/documents/reports"),
    Shot("exchange", "quantri", "/admin/exchange"),
    Shot("mailbox", "thu", "/mailbox"),
    Shot("people", "quantri", "/admin/people"),
    Shot("wall", None, "/wall", widths=(1920, 3840)),
)


def main() -> int:
    """Take the pictures that the README shows, or all."""
    options = argparse.ArgumentParser(description="Pictures of the main pages.")
    options.add_argument("--all", metavar="FOLDER", type=Path, help="every page and width, into FOLDER")
    everything: Path | None = options.parse_args().all
    folder = everything or ROOT / "docs" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    with running_city() as city, sync_playwright() as playwright:
        live_a_day(city)
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for shot in SHOTS:
            take(city, chromium, shot, folder, shot.widths if everything else shot.in_readme)
        chromium.close()
    return 0


def take(city: City, chromium: Browser, shot: Shot, folder: Path, widths: tuple[int, ...]) -> None:
    """Open the page once and photograph it at each width."""
    if not widths:
        return
    window = city.window(chromium, shot.who, widths[0], HEIGHTS.get(widths[0], 2160))
    path = address(city, window, shot)
    page = window.new_page()
    for width in widths:
        page.set_viewport_size({"width": width, "height": HEIGHTS.get(width, 2160)})
        page.goto(city.url + path)
        page.wait_for_timeout(400)
        if page.locator("doc-paper").count():
            page.locator(".paper-page canvas").first.wait_for(timeout=20_000)
        target = folder / f"{shot.name}-{width}.png"
        small(page.screenshot(), target)
        print(f"{target.name}: {target.stat().st_size // 1024} KB")
    window.close()


def address(city: City, window: BrowserContext, shot: Shot) -> str:
    """The path itself, or the first link on another page that looks like it."""
    if not shot.found_on:
        return shot.path
    page = window.request.get(city.url + shot.found_on, headers={"Accept": "text/html"}).text()
    end = shot.path.rsplit("/", 1)[-1]
    if end in {"room", "build", "evidence"}:
        return link(page, shot.path.removesuffix(f"/{end}")) + f"/{end}"
    return link(page, shot.path)


def small(png: bytes, target: Path) -> None:
    """A PNG of 256 colours: a third of the size, and nobody sees it."""
    picture = Image.open(BytesIO(png)).convert("RGB")
    picture.quantize(256, dither=Image.Dither.NONE).save(target, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
