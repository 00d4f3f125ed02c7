"""Forged papers handed in at the public page of a running instance, photographed: what a stranger is told about each.

`python -m tests.signing.forgery.public_page FOLDER [N]` forges N papers (50) with the keys of a fresh demo city, hands
each in at `/check` in Chromium and leaves pictures, sheets of them and `told.json` in the folder. It ends with 1 when a
paper is valid, or when a changed place that mupdf sees stands in no red frame.
"""

import base64
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps
from playwright.sync_api import Page, sync_playwright

from signing.rendering.change_pictures import signed_part
from signing.rendering.framing import BETWEEN, FRAME
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verification.file_verification import verify
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.forks.instance import ForkedInstance
from tests.signing.forgery.__main__ import office_in, spread
from tests.signing.forgery.pictures import Box, by_mupdf, signature_boxes, without
from tests.signing.forgery.scribe import Scribe
from tests.signing.forgery.table import Forgery

WIDTHS = (390, 1024, 1920)
WIDE = 1024
IN_ALL_WIDTHS = 5
"""Every how many papers are photographed at all widths; all others at `WIDE` only."""
SEEN = 48
"""Levels of grey by which a pixel differs for a reader."""
COARSE = 4
"""Pixels of the picture that are looked at as one."""
AROUND = 3
"""Such pixels around a frame that count as within: programs without a font draw its letters in other sizes."""
MAX_OUTSIDE = 0.2
"""Part of the changed pixels that may stand outside of all frames: without its font, two programs draw a line in other
letters. Of a frame at another place all of them stand outside."""
EACH_SHEET = 10
OTHERS: list[Box] = [(230, 180, 330, 280), (300, 400, 480, 440), (300, 300, 480, 340), (60, 40, 200, 80)]
"""Where programs that look at nothing sign (`scribe`)."""


@dataclass(frozen=True)
class Told:
    """What the page said about one paper. `outside` is the part (0 to 1) of what mupdf sees changed that stands in no
    red frame, None when mupdf sees nothing changed or the page shows no picture; `wide` are the widths at which the
    page is wider than the window."""

    name: str
    tone: str
    sentence: str
    codes: tuple[str, ...]
    pictures: int
    outside: float | None
    wide: tuple[int, ...]


def told_about(page: Page, url: str, path: Path, folder: Path, widths: tuple[int, ...]) -> tuple[int, ...]:
    """Hand the file in and photograph the answer at these widths; those at which the page is too wide."""
    page.set_viewport_size({"width": widths[-1], "height": 1100})
    page.goto(f"{url}/check")
    page.set_input_files("input[type=file]", path)
    page.get_by_role("button", name="Kiểm tra").click()
    page.wait_for_selector("#result")
    too_wide = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 1100})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            too_wide.append(width)
        page.screenshot(path=folder / f"{path.stem}-{width}.png", full_page=True)
    return tuple(too_wide)


def outside_of_frames(png: bytes, honest: Image.Image, forged: Image.Image) -> float | None:
    """Which part of the pixels that differ between two drawings of the page stands in no frame of the picture's right
    half; None when none differs."""
    both = Image.open(BytesIO(png)).convert("RGB")
    wide = (both.width - BETWEEN) // 2
    lines = _of_colour(both.crop((both.width - wide, 0, both.width, both.height)), FRAME)
    lines = lines.reduce(COARSE).point(lambda level: 255 if level else 0)  # filling is slow
    ground = ImageOps.expand(lines, 1)
    ImageDraw.floodfill(ground, (0, 0), 128)  # from outside, up to the frames
    framed = ImageOps.crop(ground, 1).point(lambda level: 0 if level == 128 else 255)
    framed = framed.filter(ImageFilter.MaxFilter(2 * AROUND + 1))
    changed = ImageChops.difference(honest, forged).point(lambda level: 255 if level >= SEEN else 0)
    changed = changed.resize(framed.size, Image.Resampling.NEAREST)
    amount = changed.histogram()[255]
    return ImageChops.multiply(changed, ImageChops.invert(framed)).histogram()[255] / amount if amount else None


def _of_colour(picture: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    apart = ImageChops.difference(picture, Image.new("RGB", picture.size, colour)).split()
    most = ImageChops.lighter(ImageChops.lighter(apart[0], apart[1]), apart[2])
    return most.point(lambda level: 255 if level <= 2 else 0)


def _outside(page: Page, forged: "Forged") -> tuple[int, float | None]:
    """How many pictures the page shows, and which part of what mupdf sees changed there stands outside of their frames
    and of the boxes of honest signatures."""
    before, now, boxes = by_mupdf(forged.data[: forged.signed]), by_mupdf(forged.data), forged.boxes
    shown = page.locator("figure.changed img")
    worst: float | None = None
    for number in range(shown.count()):
        kept = shown.nth(number).locator("xpath=..").get_attribute("download") or ""
        index = int(kept.removeprefix("trang-").removesuffix(".png")) - 1
        if index < min(len(before), len(now)) and before[index].size == now[index].size:
            png = base64.b64decode((shown.nth(number).get_attribute("src") or "").partition(",")[2])
            masked = [without(one[index], [*boxes.get(index, []), *OTHERS]) for one in (before, now)]
            found = outside_of_frames(png, *masked)
            worst = max((one for one in (worst, found) if one is not None), default=None)
    return shown.count(), worst


@dataclass(frozen=True)
class Forged:
    """A forged paper: its name, its bytes, how many of them the first signature that is broken covers, and where the
    honest paper has its signatures, by page."""

    name: str
    data: bytes
    signed: int
    boxes: dict[int, list[Box]]


def forge(scribe: Scribe, forgery: Forgery) -> Forged:
    """Make it, and ask what was signed."""
    data = forgery.bytes(scribe)
    verdict = verify(data, scribe.office.trust, policy_for(DocumentKind.PUBLIC))
    boxes = signature_boxes(scribe.stages(forgery.paper)[-1])
    return Forged(forgery.name, data, signed_part(verdict, len(data)), boxes)


def run(folder: Path, forgeries: list[Forgery]) -> list[Told]:
    """Hand all of them in at a fresh instance, whose own test authority has signed the papers."""
    folder.mkdir(parents=True, exist_ok=True)
    found = list[Told]()
    with ForkedInstance(parts=("web",), LIENTHONG_CHECK_RATE="") as instance:
        scribe = Scribe(office_in(instance.folder))
        made = [forge(scribe, forgery) for forgery in forgeries]  # before Playwright keeps an event loop here
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = chromium.new_page(locale="vi-VN", reduced_motion="reduce")
            for number, forged in enumerate(made):
                path = folder / f"{number:03d}.pdf"
                path.write_bytes(forged.data)
                widths = (*(one for one in WIDTHS if one != WIDE and number % IN_ALL_WIDTHS == 0), WIDE)
                wide = told_about(page, instance.url, path, folder, widths)
                found.append(_told(page, forged.name, wide, _outside(page, forged)))
            chromium.close()
    return found


def _told(page: Page, name: str, wide: tuple[int, ...], seen: tuple[int, float | None]) -> Told:
    """What stands on the page now."""
    result = page.locator("#result")
    verdict = result.locator(".verdict").first
    return Told(
        name=name,
        tone=verdict.get_attribute("class") or "",
        sentence=verdict.inner_text().strip(),
        codes=tuple(text.split(" ")[0] for text in result.locator(".findings .code").all_inner_texts()),
        pictures=seen[0],
        outside=seen[1],
        wide=wide,
    )


def sheets(folder: Path, count: int) -> Iterator[Path]:
    """The pictures at `WIDE`, several on a sheet, for looking through."""
    for first in range(0, count, EACH_SHEET):
        drawn = []
        for number in range(first, min(first + EACH_SHEET, count)):
            picture = Image.open(folder / f"{number:03d}-{WIDE}.png").convert("RGB")
            picture = picture.crop((120, 0, 904, min(picture.height, 1900))).resize(
                (392, min(picture.height, 1900) // 2)
            )
            ImageDraw.Draw(picture).text((4, 4), f"{number:03d}", fill=FRAME)
            drawn.append(picture)
        sheet = Image.new("RGB", (5 * 400, 2 * 960), (120, 126, 133))
        for place, picture in enumerate(drawn):
            sheet.paste(picture, (place % 5 * 400, place // 5 * 960))
        path = folder / f"sheet-{first:03d}.png"
        sheet.save(path)
        yield path


def main() -> int:
    """Forge, hand in, photograph, and say what was not as it should be."""
    folder, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 50
    found = run(folder, spread(count))
    (folder / "told.json").write_text(json.dumps([asdict(one) for one in found], indent=1, ensure_ascii=False))
    drawn = list(sheets(folder, len(found)))
    bad = [one for one in found if "good" in one.tone or (one.outside or 0) > MAX_OUTSIDE or one.wide]
    for one in bad:
        sys.stdout.write(f"NOT AS IT SHOULD BE: {one}\n")
    framed = sum(one.outside is not None for one in found)
    sys.stdout.write(f"{len(found)} papers, {len(bad)} not as they should be, {framed} with a change that mupdf sees\n")
    sys.stdout.write(f"{len(drawn)} sheets in {folder}\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
