"""The server has done what was asked, and its answer never came: pressing again, reloading or going back does it once,
and what was typed is still there."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from playwright.sync_api import APIResponse, Page, Route, expect

from meetings.models import Conclusion
from tasks.models import Task
from tests.browser.conftest import Seat, room_of
from tests.browser.house import House
from tests.cast import Cast
from tests.meetings.stage import Stage
from tests.sampling import sampled

TEXT = "Rà soát số liệu giải ngân"
# Requests that wait for nothing end after half a second while a test says so, not after twenty.
HASTY = """window.hasty = false;
const ends = AbortSignal.timeout.bind(AbortSignal);
AbortSignal.timeout = ms => ends(window.hasty ? 500 : ms);"""
HASTY_AND_OLD = """window.hasty = false;
delete AbortSignal.timeout;
const later = window.setTimeout.bind(window);
window.setTimeout = (what, ms, ...more) => later(what, window.hasty && ms === 20000 ? 500 : ms, ...more);"""


def lose_one_answer(page: Page, how: str) -> None:
    """The next conclusion reaches the server, and of its answer the browser gets nothing that is ours."""

    def lose(route: Route) -> None:
        assert route.fetch().ok
        if how == "cut":
            route.abort("connectionreset")
        elif how == "gateway":
            route.fulfill(status=504, content_type="text/html", body="<h1>504 Gateway Time-out</h1>")

    page.evaluate("how => { window.hasty = how === 'silence'; }", how)
    page.route("**/conclusions", lose, times=1)


def expect_not_sent(page: Page) -> None:
    expect(page.locator("#room-note")).to_contain_text("Chưa gửi được")
    page.evaluate("() => { window.hasty = false; }")


def ready(page: Page) -> None:
    expect(page.locator("mt-sync")).to_have_text("Trực tiếp")


def written(house: House, stage: Stage) -> list[tuple[str, bool]]:
    """The conclusions of the meeting, and whether each became a task."""
    with house.db.read() as tx:
        rows = tx.session.scalars(
            sa.select(Conclusion).where(Conclusion.meeting_id == stage.id).order_by(Conclusion.id)
        )
        return [(row.text, row.task_id is not None) for row in rows]


def tasks_called(house: House, title: str) -> int:
    with house.db.read() as tx:
        return int(tx.session.scalar(sa.select(sa.func.count()).where(Task.title == title)) or 0)


@pytest.mark.parametrize("again", ["press", "reload"])
@pytest.mark.parametrize("how", sampled(["cut", "gateway", "silence", "silence on an old tablet"], one_in=3))
def test_a_conclusion_sent_again_is_one_conclusion_one_task_and_one_sms(
    seat: Seat, house: House, people: Cast, stage: Stage, how: str, again: str
) -> None:
    script = HASTY_AND_OLD if "old" in how else HASTY
    chair = seat("binh", room_of(stage), watched_for_faults=False, script=script)
    ready(chair)
    box = chair.locator("form.conclude")
    text = f"{TEXT} {stage.id}"
    box.get_by_label("Nội dung kết luận").fill(text)
    box.get_by_label("Chủ trì thực hiện").select_option(str(people.nam.person_id))
    lose_one_answer(chair, how.split()[0])
    box.get_by_role("button", name="Ghi và giao việc").click()
    expect_not_sent(chair)
    if again == "reload":
        chair.reload()
        ready(chair)
    expect(box.get_by_label("Nội dung kết luận")).to_have_value(text)
    box.get_by_role("button", name="Ghi và giao việc").click()
    expect(box.get_by_label("Nội dung kết luận")).to_have_value("")
    expect(chair.locator("#room-note")).to_be_hidden()
    assert written(house, stage) == [(text, True)]
    assert tasks_called(house, text) == 1


def test_what_was_only_written_and_not_answered_becomes_a_task_by_the_other_button(
    seat: Seat, house: House, people: Cast, stage: Stage
) -> None:
    chair = seat("binh", room_of(stage), watched_for_faults=False, script=HASTY)
    ready(chair)
    box = chair.locator("form.conclude")
    box.get_by_label("Nội dung kết luận").fill(TEXT)
    box.get_by_label("Chủ trì thực hiện").select_option(str(people.nam.person_id))
    lose_one_answer(chair, "cut")
    box.get_by_role("button", name="Chỉ ghi").click()
    expect_not_sent(chair)
    box.get_by_role("button", name="Ghi và giao việc").click()
    expect(box.get_by_label("Nội dung kết luận")).to_have_value("")
    assert written(house, stage) == [(TEXT, True)]


def test_what_was_written_on_after_a_lost_answer_is_kept_as_well(seat: Seat, house: House, stage: Stage) -> None:
    chair = seat("binh", room_of(stage), watched_for_faults=False, script=HASTY)
    ready(chair)
    box = chair.locator("form.conclude")
    box.get_by_label("Nội dung kết luận").fill(TEXT)
    lose_one_answer(chair, "cut")
    box.get_by_role("button", name="Chỉ ghi").click()
    expect_not_sent(chair)
    box.get_by_label("Nội dung kết luận").fill(f"{TEXT}, báo cáo lại")
    box.get_by_role("button", name="Chỉ ghi").click()
    expect(box.get_by_label("Nội dung kết luận")).to_have_value("")
    box.get_by_label("Nội dung kết luận").fill(TEXT)  # said once more on purpose: another conclusion
    box.get_by_role("button", name="Chỉ ghi").click()
    expect(box.get_by_label("Nội dung kết luận")).to_have_value("")
    assert written(house, stage) == [(TEXT, False), (f"{TEXT}, báo cáo lại", False), (TEXT, False)]


def test_what_is_typed_while_a_conclusion_is_on_its_way_stays(seat: Seat, house: House, stage: Stage) -> None:
    chair = seat("binh", room_of(stage))
    ready(chair)
    box = chair.locator("form.conclude")
    held: list[tuple[Route, APIResponse]] = []
    chair.route("**/conclusions", lambda route: held.append((route, route.fetch())), times=1)
    box.get_by_label("Nội dung kết luận").fill(TEXT)
    box.get_by_role("button", name="Chỉ ghi").click()
    expect(chair.locator("mt-conclusions li")).to_contain_text(TEXT)
    box.get_by_label("Nội dung kết luận").fill("Kết luận tiếp theo")
    while not held:  # the others hear of it while its answer is still on the way
        chair.wait_for_timeout(20)
    [(route, answer)] = held
    route.fulfill(response=answer)
    expect(box).not_to_have_attribute("aria-busy", "true")
    expect(box.get_by_label("Nội dung kết luận")).to_have_value("Kết luận tiếp theo")
    box.get_by_role("button", name="Chỉ ghi").click()
    expect(box.get_by_label("Nội dung kết luận")).to_have_value("")
    assert written(house, stage) == [(TEXT, False), ("Kết luận tiếp theo", False)]


def back(page: Page, _url: str) -> None:
    page.go_back()


def back_and_pressed_before_the_scripts_come(page: Page, _url: str) -> None:
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": 500, "downloadThroughput": -1, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", slow)
    page.go_back()


def anew(page: Page, url: str) -> None:
    page.goto(url)


@pytest.mark.long_proof
@pytest.mark.parametrize("come", [back, back_and_pressed_before_the_scripts_come, anew])
def test_a_task_given_again_after_a_lost_answer_is_one_task(
    seat: Seat, house: House, people: Cast, come: Callable[[Page, str], None]
) -> None:
    page = seat("binh", "/tasks/new", watched_for_faults=False)
    title = f"Lập báo cáo tháng, {come.__name__}"
    page.get_by_label("Việc cần làm").fill(title)
    page.get_by_label("Chủ trì").select_option(f"p{people.nam.person_id}")
    page.wait_for_function("() => Object.values(sessionStorage).some(kept => kept.includes('tháng'))")

    def lose(route: Route) -> None:
        assert route.fetch(max_redirects=0).status == 303
        route.abort("connectionreset")

    page.route("**/tasks", lose, times=1)
    page.get_by_role("button", name="Giao việc").click(no_wait_after=True)
    expect(page).to_have_url("chrome-error://chromewebdata/")
    come(page, house.url + "/tasks/new")
    expect(page.get_by_label("Việc cần làm")).to_have_value(title)
    page.get_by_role("button", name="Giao việc").click()
    page.wait_for_url("**/tasks/*")
    expect(page.locator("h1")).to_have_text(title)
    assert tasks_called(house, title) == 1
    page.goto(house.url + "/tasks/new")
    expect(page.get_by_label("Việc cần làm")).to_have_value("")
    assert page.locator(".draft-note").count() == 0
