"""A screen on the wall in a real browser, before and after it has a meeting."""

import re

from playwright.sync_api import Locator, expect

from meetings import walls
from tests.browser.conftest import Seat, axe, overflow
from tests.browser.house import House
from tests.cast import Cast
from tests.meetings.stage import Stage


def test_a_screen_on_which_a_stranger_is_signed_in_says_so_and_follows_once_they_have_left(
    seat: Seat,
    house: House,
    people: Cast,
    stage: Stage,
) -> None:
    wall = seat("oanh", "/wall")
    code = re.sub(r"\s", "", wall.locator(".wall-code").inner_text())
    with house.db.write(people.thu.by) as tx:
        walls.pair(tx, people.thu, stage.id, code)
    expect(wall.locator(".wall-code")).to_have_count(0)
    leave = wall.get_by_role("button", name="Đăng xuất")
    expect(leave).to_be_visible()
    for width in (390, 1366):
        wall.set_viewport_size({"width": width, "height": 768})
        assert overflow(wall) is None
        assert axe(wall) == []
    leave.click()
    wall.wait_for_url("**/sign-in*")
    wall.goto(f"{house.url}/wall")
    expect(wall.locator("mt-wall")).to_be_visible()


def test_the_widest_code_fits_every_screen(seat: Seat) -> None:
    wall = seat(None, "/wall")
    code = wall.locator(".wall-code")
    expect(code).to_have_text(re.compile(r"^[A-Z0-9]{3} [A-Z0-9]{3}$"))
    wide = max(walls.ALPHABET, key=lambda letter: _width_of(code, letter))
    code.evaluate("(p, letter) => { p.textContent = `${letter.repeat(3)} ${letter.repeat(3)}`; }", wide)
    for width, height in ((390, 844), (1024, 768), (1920, 1080), (3840, 2160)):
        wall.set_viewport_size({"width": width, "height": height})
        assert overflow(wall) is None
        assert code.evaluate("p => p.getBoundingClientRect().left >= 0 && p.scrollWidth <= p.clientWidth + 1")


def _width_of(code: Locator, letter: str) -> float:
    width: float = code.evaluate(
        """(p, letter) => {
            const pen = document.createElement('canvas').getContext('2d');
            pen.font = getComputedStyle(p).font;
            return pen.measureText(letter).width;
        }""",
        letter,
    )
    return width
