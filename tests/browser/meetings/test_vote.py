"""A vote in real browsers: the ballot by keyboard alone, the result on every screen, a network that fails."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Seat, axe, overflow, room_of
from tests.browser.house import House
from tests.browser.meetings.test_room import paired_wall, take_up
from tests.cast import Cast
from tests.meetings.stage import Stage
from tests.meetings.voting import scene

WIDTHS = (390, 1024, 1920)


def vote_of(page: Page) -> Locator:
    """The panel at the head of the stage."""
    return page.locator("mt-vote .vote-now")


def test_a_vote_is_cast_by_keyboard_alone_and_its_result_reaches_every_screen(
    seat: Seat, house: House, people: Cast
) -> None:
    stage = scene.in_session(house.db, people)
    take_up(house, people.binh, stage, 0)
    thu, lan = seat("thu", room_of(stage)), seat("lan", room_of(stage))
    wall = paired_wall(seat, house, people, stage)
    thu.get_by_text("Chuẩn bị biểu quyết").click()
    thu.get_by_label("Nội dung biểu quyết").fill("Thông qua phương án chống ngập")
    thu.get_by_role("button", name="Mở biểu quyết ngay").click()
    expect(vote_of(lan)).to_contain_text("Thông qua phương án chống ngập")
    expect(lan.locator("mt-vote [data-field=sent]")).to_have_text("Chưa gửi")
    first = lan.get_by_role("radio", name="Tán thành", exact=True)
    reach(lan, first)
    lan.keyboard.press("ArrowDown")
    lan.keyboard.press("ArrowUp")
    lan.keyboard.press("Enter")
    expect(lan.locator("mt-vote [data-field=sent]")).to_have_text("Đã ghi nhận phiếu")
    expect(first).to_be_focused()
    expect(thu.locator("mt-vote [data-field=voted]")).to_have_text("Đã gửi phiếu: 1/4")
    expect(wall.locator("[data-field=voted]")).to_have_text("Đã gửi phiếu: 1/4")
    thu.get_by_role("button", name="Đóng biểu quyết").click()
    expect(lan.locator("#vote-head")).to_be_focused()
    thu.get_by_role("button", name="Công bố kết quả").click()
    for page in (lan, thu, wall):
        expect(page.locator(".vote-outcome, .wall-outcome")).to_have_text("Không được thông qua: 1/4 phiếu tán thành.")
        expect(page.locator(".vote-result tbody tr").first).to_contain_text("100%")


def reach(page: Page, wanted: Locator) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if wanted.evaluate("e => e === document.activeElement"):
            return
    raise AssertionError("the keyboard does not reach it")


def test_a_ballot_without_network_stays_unsent_and_is_sent_by_pressing_again(
    seat: Seat, house: House, people: Cast
) -> None:
    stage = scene.in_session(house.db, people)
    scene.running(house.db, people, stage)
    lan = seat("lan", room_of(stage), watched_for_faults=False)
    lan.get_by_role("radio", name="Không tán thành").check()
    lan.route("**/ballot", lambda route: route.abort())
    lan.get_by_role("button", name="Gửi phiếu").click()
    expect(lan.locator("#room-note")).to_contain_text("Chưa gửi được")
    expect(lan.locator("mt-vote [data-field=sent]")).to_have_text("Chưa gửi")
    lan.unroute("**/ballot")
    lan.get_by_role("button", name="Gửi phiếu").click()
    expect(lan.locator("mt-vote [data-field=sent]")).to_have_text("Đã ghi nhận phiếu")
    lan.get_by_role("radio", name="Tán thành", exact=True).check()
    expect(lan.locator("mt-vote [data-field=sent]")).to_have_text("Chưa gửi")


def test_a_show_of_hands_counts_and_names_the_silent_and_ends_by_itself(seat: Seat, house: House, people: Cast) -> None:
    stage = scene.in_session(house.db, people)
    thu, lan = seat("thu", room_of(stage)), seat("lan", room_of(stage))
    thu.get_by_text("Giơ tay nhanh").click()
    thu.get_by_role("button", name="Mời giơ tay").click()
    lan.get_by_role("radio", name="Đồng ý", exact=True).check()
    lan.get_by_role("button", name="Gửi phiếu").click()
    expect(thu.locator(".vote-result tbody tr").first).to_contain_text("100%")
    thu.get_by_text("3 người chưa trả lời").click()
    silent = thu.locator(".vote-silent p")
    expect(silent).to_contain_text(people.nam.name)
    expect(silent).not_to_contain_text(people.lan.name)


def test_votes_are_accessible_and_fit_at_every_width(seat: Seat, house: House, people: Cast, stage: Stage) -> None:
    del stage
    found = []
    meeting = scene.in_session(house.db, people)
    take_up(house, people.binh, meeting, 0)
    vote_id = scene.running(
        house.db, people, meeting, options=("Phương án một", "Phương án hai", "Phương án ba"), most=2
    )
    for state in ("open", "announced"):
        if state == "announced":
            scene.choose(house.db, people, meeting, vote_id, lan=(0, 1), nam=0)
            scene.finish(house.db, people, meeting, vote_id)
        for name, path in (
            ("lan", room_of(meeting)),
            ("thu", room_of(meeting)),
            ("thu", f"/meetings/{meeting.id}/votes"),
            ("thu", f"/meetings/{meeting.id}/votes/{vote_id}"),
            ("lan", f"/meetings/{meeting.id}/plain"),
        ):
            page = seat(name, path, width=390)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                found += [f"{state} {path} {width}: {one}" for one in filter(None, [overflow(page)])]
            found += [f"{state} {path}: {one}" for one in axe(page)]
            page.context.close()
    assert found == []
