"""The room before the opening, in a pause and after the end; its light and dark theme."""

import pytest
from playwright.sync_api import expect

from meetings import attending, concluding, holding
from meetings.concluding import ConclusionWords
from tests.browser.conftest import Seat, axe, overflow, room_of
from tests.browser.house import House
from tests.cast import Cast
from tests.meetings import stage as at


@pytest.mark.parametrize("width", [390, 1024])
def test_nobody_looks_at_an_empty_room_before_in_a_pause_and_after(
    seat: Seat, house: House, people: Cast, width: int
) -> None:
    stage = at.convened(house.db, people)
    with house.db.write(people.lan.by) as tx:
        attending.check_in(tx, people.lan, stage.id)
    lan = seat("lan", room_of(stage), width=width)
    expect(lan.locator("mt-now")).to_contain_text("nữa đến giờ họp")
    expect(lan.locator("mt-now")).to_contain_text(people.lan.name)
    assert (axe(lan), overflow(lan)) == ([], None)
    with house.db.write(people.binh.by) as tx:
        holding.open_meeting(tx, people.binh, stage.id)
        holding.take_item(tx, people.binh, stage.id, stage.items[0])
    with house.db.write(people.binh.by) as tx:
        holding.pause(tx, people.binh, stage.id)
    expect(lan.locator("mt-now")).to_contain_text("Tạm nghỉ từ")
    expect(lan.locator("mt-top")).to_contain_text("Tạm nghỉ")
    with house.db.write(people.binh.by) as tx:
        concluding.conclude(tx, people.binh, stage.id, ConclusionWords(text="Giao Sở Tài chính rà soát"))
        holding.close(tx, people.binh, stage.id)
    expect(lan.locator("mt-now")).to_contain_text("Giao Sở Tài chính rà soát")
    expect(lan.locator("mt-now").get_by_role("link", name="Biên bản và trang cuộc họp")).to_be_visible()
    assert (axe(lan), overflow(lan)) == ([], None)


def test_the_chair_is_told_before_opening_short_of_the_quorum(seat: Seat, house: House, people: Cast) -> None:
    stage = at.convened(house.db, people)
    chair = seat("binh", room_of(stage))
    expect(chair.locator("mt-desk")).to_contain_text("Mới có mặt 0/4, cần 3 người")
    chair.get_by_text("Quy định số người phải có mặt").click()
    chair.get_by_label("Cuộc họp đủ số người khi có mặt").select_option("none")
    chair.get_by_role("button", name="Đặt quy định").click()
    expect(chair.locator("mt-desk")).not_to_contain_text("Mới có mặt")
    assert axe(chair) == []


def test_the_theme_is_the_systems_until_this_device_is_told_another(seat: Seat, house: House, people: Cast) -> None:
    stage = at.convened(house.db, people)
    lan = seat("lan", room_of(stage))
    root = lan.locator("html")
    expect(root).to_have_attribute("data-bs-theme", "light")
    lan.emulate_media(color_scheme="dark")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    assert axe(lan) == []
    lan.get_by_role("button", name="Nền sáng").press("Enter")
    expect(root).to_have_attribute("data-bs-theme", "light")
    lan.reload()
    expect(root).to_have_attribute("data-bs-theme", "light")
