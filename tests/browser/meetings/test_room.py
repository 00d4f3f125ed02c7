"""The live room in real browsers: a chair, two delegates and a wall; losses of every kind; the plain page as oracle."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

from directory.actor import Actor
from kernel import streams
from kernel.streams import stored_name
from meetings import convening, holding, planning, projection, speaking
from meetings.models import Meeting
from notify import links
from notify.models import Link
from tasks.links import ReceiveLink
from tests.browser.conftest import HEIGHTS, Seat, axe, overflow, room_of
from tests.browser.house import House
from tests.browser.tcp_proxy import TcpProxy
from tests.cast import Cast
from tests.meetings import stage as at
from tests.meetings.stage import Stage
from tests.sample_events import Sample
from tests.sampling import sampled

EVENTS = Path(__file__).parents[2] / "meetings" / "events.json"
FIELDS = ("current", "state", "present", "speaker")
SHOWN = """names => Object.fromEntries(names.map(name => {
    const found = document.querySelector(`main [data-field="${name}"], header [data-field="${name}"]`);
    return [name, found ? found.textContent.trim() : null];
}))"""


@pytest.fixture
def wire(house: House) -> Iterator[TcpProxy]:
    proxy = TcpProxy(house.config.port)
    yield proxy
    proxy.close()


def take_up(house: House, actor: Actor, stage: Stage, place: int) -> None:
    with house.db.write(actor.by) as tx:
        holding.take_item(tx, actor, stage.id, stage.items[place])


def expect_current(page: Page, place: int) -> None:
    expect(page.locator('main [data-field="current"]')).to_have_text(at.TITLES[place])


def shown(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(SHOWN, list(FIELDS))
    return found


def paired_wall(seat: Seat, house: House, people: Cast, stage: Stage) -> Page:
    wall = seat(None, "/wall")
    code = re.sub(r"\s", "", wall.locator(".wall-code").inner_text())
    with house.db.write(people.thu.by) as tx:
        from meetings import walls

        walls.pair(tx, people.thu, stage.id, code)
    wall.wait_for_url("**/wall")
    expect(wall.locator("mt-wall")).to_be_visible()
    return wall


def test_chair_delegates_and_wall_see_the_current_point_and_the_plain_page_says_the_same(
    seat: Seat, house: House, people: Cast, stage: Stage
) -> None:
    chair, lan, nam = (seat(name, room_of(stage)) for name in ("binh", "lan", "nam"))
    wall = paired_wall(seat, house, people, stage)
    for place in (0, 1):
        chair.locator("mt-desk .btn-primary").click()
        for page in (chair, lan, nam, wall):
            expect_current(page, place)
    lan.get_by_role("button", name="Tôi có mặt").click()
    nam.get_by_role("button", name="Đăng ký phát biểu").click()
    chair.locator("mt-speakers").get_by_role("button", name="Mời phát biểu").click()
    for page in (chair, lan, nam, wall):
        expect(page.locator('[data-field="speaker"]')).to_have_text(people.nam.name)
        expect(page.locator('[data-field="present"]')).to_have_text("1/4")
    plain = seat("lan", f"/meetings/{stage.id}/plain")
    wanted = shown(plain)
    assert wanted["current"] == at.TITLES[1]
    assert shown(lan) == wanted
    assert {**shown(wall), "state": wanted["state"]} == wanted
    lan.reload()
    expect_current(lan, 1)
    assert shown(lan) == wanted


def test_who_lost_the_network_is_told_after_three_seconds_and_lands_on_the_present_point(
    seat: Seat, house: House, people: Cast, stage: Stage, wire: TcpProxy
) -> None:
    lan = seat("lan", room_of(stage), url=wire.url, watched_for_faults=False)
    take_up(house, people.binh, stage, 0)
    expect_current(lan, 0)
    wire.cut()
    expect(lan.locator("mt-sync")).to_contain_text("Mất mạng từ")
    take_up(house, people.binh, stage, 1)
    take_up(house, people.binh, stage, 2)
    expect_current(lan, 0)
    wire.mend()
    expect(lan.locator("mt-sync")).to_have_text("Trực tiếp")
    expect_current(lan, 2)


@pytest.mark.long_proof
def test_more_than_500_missed_events_and_a_new_epoch_are_healed_by_a_snapshot(
    seat: Seat, house: House, people: Cast, stage: Stage, wire: TcpProxy
) -> None:
    lan = seat("lan", room_of(stage), url=wire.url, watched_for_faults=False)
    expect(lan.locator("mt-sync")).to_have_text("Trực tiếp")
    asked = []
    lan.on("request", lambda request: asked.append(request.url) if request.url.endswith("/snapshot") else None)
    wire.cut()
    with house.db.write() as tx:
        for _ in range(600):
            tx.publish(stored_name(f"meeting:{stage.id}"), "tick", Sample({}))
    take_up(house, people.binh, stage, 1)
    wire.mend()
    expect(lan.locator('main [data-field="current"]')).to_have_text(at.TITLES[1])
    assert len(asked) == 1
    wire.cut()
    with house.db.write() as tx:
        streams.renew_epoch(tx)
    take_up(house, people.binh, stage, 2)
    wire.mend()
    expect(lan.locator('main [data-field="current"]')).to_have_text(at.TITLES[2])
    assert len(asked) == 2


def test_a_server_that_was_killed_and_came_back_is_found_by_itself(
    seat: Seat, house: House, people: Cast, stage: Stage
) -> None:
    lan = seat("lan", room_of(stage), watched_for_faults=False)
    expect(lan.locator("mt-sync")).to_have_text("Trực tiếp")
    house.process.kill()
    take_up(house, people.binh, stage, 0)
    house.process.start()
    # While the server starts, the next try is put off for up to fifteen seconds.
    expect(lan.locator('main [data-field="current"]')).to_have_text(at.TITLES[0], timeout=90_000)


@pytest.mark.long_proof
def test_two_tabs_of_one_person_move_together(seat: Seat, house: House, people: Cast, stage: Stage) -> None:
    first = seat("nam", room_of(stage))
    second = first.context.new_page()
    second.goto(first.url)
    take_up(house, people.binh, stage, 0)
    first.get_by_role("button", name="Đăng ký phát biểu").click()
    for page in (first, second):
        expect_current(page, 0)
        expect(page.get_by_role("button", name="Thôi đăng ký phát biểu")).to_be_visible()


def test_the_last_state_is_kept_in_the_browser_for_the_next_load(
    seat: Seat, house: House, people: Cast, stage: Stage
) -> None:
    lan = seat("lan", room_of(stage))
    expect(lan.locator("mt-sync")).to_have_text("Trực tiếp")
    take_up(house, people.binh, stage, 1)
    expect_current(lan, 1)
    kept = """async ([meeting, who, item]) => {
        const { load } = await import("/static/js/room/cache.js");
        for (let tries = 0; tries < 600; tries += 1) {
            const found = await load(meeting, who);
            if (found?.state.meeting.current === item) return found.epoch;
            await new Promise(done => setTimeout(done, 100));
        }
        return null;
    }"""
    with house.db.read() as tx:
        wanted = str(streams.epoch(tx))
    assert lan.evaluate(kept, [stage.id, f"person-{people.lan.person_id}", stage.items[1]]) == wanted


def test_who_is_taken_off_the_list_is_put_out_of_the_room_at_once(
    seat: Seat, house: House, people: Cast, stage: Stage
) -> None:
    lan, nam = seat("lan", room_of(stage), watched_for_faults=False), seat("nam", room_of(stage))
    expect(lan.locator("mt-sync")).to_have_text("Trực tiếp")
    expect(nam.locator("mt-sync")).to_have_text("Trực tiếp")
    with house.db.write(people.thu.by) as tx:
        convening.drop_person(tx, people.thu, stage.id, stage.people["lan"])
    lan.wait_for_url(lambda url: not url.endswith("/room"))
    take_up(house, people.binh, stage, 1)
    expect_current(nam, 1)


def test_a_conclusion_becomes_a_task_in_one_press_and_its_receipt_is_seen_live(
    seat: Seat, house: House, people: Cast, stage: Stage
) -> None:
    chair, lan = seat("binh", room_of(stage), watched_for_faults=False), seat("lan", room_of(stage))
    take_up(house, people.binh, stage, 0)
    box = chair.locator("form.conclude")
    box.get_by_label("Nội dung kết luận").fill("Rà soát số liệu giải ngân")
    box.get_by_role("button", name="Ghi và giao việc").click()
    expect(chair.locator("#room-note")).to_have_text("Xin chọn người chủ trì thực hiện.")
    expect(box.get_by_label("Nội dung kết luận")).to_have_value("Rà soát số liệu giải ngân")
    box.get_by_label("Chủ trì thực hiện").select_option(str(people.nam.person_id))
    box.get_by_role("button", name="Ghi và giao việc").click()
    expect(lan.locator("mt-conclusions li")).to_contain_text("Rà soát số liệu giải ngân")
    expect(chair.locator("mt-conclusions .chip")).to_have_text("Mới giao")
    expect(box.get_by_label("Nội dung kết luận")).to_have_value("")
    box.get_by_label("Nội dung kết luận").fill("Một kết luận đang viết dở")
    chair.wait_for_timeout(400)  # drafts are kept 300 ms after the last key
    chair.reload()
    expect(box.get_by_label("Nội dung kết luận")).to_have_value("Một kết luận đang viết dở")
    with house.db.write() as tx:
        receipt = tx.session.scalars(
            sa.select(Link).where(Link.purpose == "task.receive", Link.person_id == people.nam.person_id)
        ).all()[-1]
        ReceiveLink().act(tx, receipt, {})
    expect(chair.locator("mt-conclusions .chip")).to_have_text("Đã nhận")


def test_the_same_events_lead_to_the_same_state_in_the_browser(seat: Seat, house: House, stage: Stage) -> None:
    events = json.loads(EVENTS.read_text())
    wanted = projection.empty()
    for event in events:
        wanted = projection.apply(wanted, event["kind"], event["data"])
    page = seat("lan", room_of(stage))
    found = page.evaluate(
        """async events => {
            const { empty, apply, seen } = await import("/static/js/room/store.js");
            const told = events.reduce((state, { kind, data }) => apply(state, kind, data), empty());
            return [told, seen(told)];
        }""",
        events,
    )
    assert found == [wanted, projection.seen(wanted)]


def test_the_answer_link_works_without_scripts_on_a_small_phone(chromium: Browser, house: House, people: Cast) -> None:
    stage = at.convened(house.db, people)
    with house.db.read() as tx:
        link = tx.session.scalars(
            sa.select(Link).where(Link.ref == f"meeting:{stage.id}", Link.person_id == people.lan.person_id)
        ).one()
        address = links.address(link, house.config.signing_secret(), house.url)
    context = chromium.new_context(viewport={"width": 320, "height": 640}, java_script_enabled=False, locale="vi-VN")
    page = context.new_page()
    page.goto(address)
    assert not page.locator('a[href*="papers"]').count()
    page.get_by_label("Tôi vắng mặt").check()
    page.get_by_role("button", name="Gửi câu trả lời").click()
    expect(page.locator(".error-summary")).to_contain_text("Xin nêu lý do vắng mặt.")
    page.get_by_label("Lý do").fill("Bận họp khác")
    page.get_by_role("button", name="Gửi câu trả lời").click()
    expect(page.locator(".note-good")).to_contain_text("Đã ghi nhận: vắng mặt.")
    box = page.locator("main").bounding_box()
    assert box is not None
    assert box["width"] <= 320
    context.close()


@pytest.mark.parametrize("width", sampled([390, 768, 1024, 1920], one_in=2))
def test_the_room_and_the_wall_are_accessible_and_fit_at_every_width(
    seat: Seat, house: House, people: Cast, width: int
) -> None:
    stage = at.opened(house.db, people)
    with house.db.write(people.thu.by) as tx:
        tx.session.get_one(Meeting, stage.id).title = "Họp " + "nghiêm túc " * 40
        planning.add_item(tx, people.thu, stage.id, planning.ItemFacts("Nội dung rất dài " * 29, "Người trình bày", 5))
        speaking.ask_to_speak(tx, people.lan, stage.id)
    with house.db.write(people.binh.by) as tx:
        last = tx.session.get_one(Meeting, stage.id).item_order[-1]
        holding.take_item(tx, people.binh, stage.id, last)
    pages = [seat("binh", room_of(stage), width=width), seat("lan", room_of(stage), width=width)]
    wall = paired_wall(seat, house, people, stage)
    wall.set_viewport_size({"width": width, "height": HEIGHTS[width]})
    for page in (*pages, wall):
        expect(page.locator("mt-sync")).to_have_text("Trực tiếp")
        assert overflow(page) is None
        assert axe(page) == []
    if width < 768:
        pages[0].get_by_role("button", name="Điều hành").click()
        expect(pages[0].locator("mt-desk")).to_be_visible()
        assert axe(pages[0]) == []
        pages[0].keyboard.press("Escape")
        expect(pages[0].locator("mt-desk")).to_be_hidden()
