"""A screen on the wall in a real browser, before and after it has a meeting."""

import re

from playwright.sync_api import expect

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
