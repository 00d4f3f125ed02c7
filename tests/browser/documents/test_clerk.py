"""A clerk with sixty documents works her inbox with the keyboard alone: nothing here presses or clicks with a mouse."""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote_plus

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, Route, expect

from docex.documents.models import Incoming
from docex.documents.registers.jobs import register_jobs as register_reading
from docex.jobs.delivery import register_jobs
from kernel.storage.blobs import store_for
from notify.jobs import register_jobs as register_notices
from tests.browser.conftest import HEIGHTS, axe, overflow, watch
from tests.browser.house import House, signed_in
from tests.cast import meet
from tests.docex.office import Office
from tests.docex.registers.papers import pdf, word

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
WAITING = "/documents/in?state=arrived"
ALL = 60
REASON = "Văn bản không thuộc thẩm quyền của cơ quan"
# The page says one sentence after the other, some only for a second and a half: all are written down.
LISTENER = """window.heard = [];
addEventListener('DOMContentLoaded', () => {
    const region = document.querySelector('#live[role=status]');
    if (region) new MutationObserver(() => window.heard.push(region.textContent)).observe(region, {childList: true});
});"""

Take = Callable[..., "Keyboard"]


class Keyboard:
    """A clerk's page and her keys, which are counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.pressed = 0

    def press(self, *keys: str) -> None:
        """One key after the other."""
        for key in keys:
            self.page.keyboard.press(key)
            self.pressed += 1

    def type(self, text: str) -> None:
        """A text, letter by letter."""
        self.page.keyboard.type(text)

    @property
    def subjects(self) -> list[str]:
        """What the list shows, from above."""
        shown = self.page.locator(".row-subject").all_inner_texts()
        return [text.removesuffix("(chưa đọc)").strip() for text in shown]

    def expect_only(self, subject: str) -> None:
        """The list has one row, this one."""
        expect(self.page.locator(".row-subject")).to_have_text([subject + " (chưa đọc)"])

    @property
    def chosen(self) -> int:
        """So many rows are chosen."""
        return self.page.get_by_role("checkbox", checked=True).count()

    def back_to(self, address: str) -> None:
        """The key that leads back to the list, once the page knows which."""
        expect(self.page.locator(".crumbs a")).to_have_attribute("href", re.compile(re.escape(address) + "$"))
        self.press("u")
        expect(self.page).to_have_url(re.compile(re.escape(address) + "$"))
        awake(self.page)  # the address is new before the list is there

    def search(self, words: str) -> None:
        """Type it where the list is searched, and wait for the page that answers: what was found may look the same."""
        self.press("/")
        self.type(words)
        self.press("Enter")
        expect(self.page).to_have_url(re.compile(f"[?&]q={re.escape(quote_plus(words))}(&|$)"))
        awake(self.page)

    def expect_here(self, subject: str) -> None:
        """The keyboard stands at this row."""
        expect(self.page.locator(".row-subject:focus")).to_contain_text(subject)


@pytest.fixture(scope="module")
def office(house: House) -> Office:
    """The rooms behind the running house; its worker is this process, in a thread without Playwright's loop."""
    blobs = store_for(house.config)
    for register in (register_notices, register_jobs, register_reading):
        register(house.config, blobs)
    with house.db.read() as tx:
        return Office(house.db, blobs, house.config, meet(tx))


def in_peace(act: Callable[[], object]) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(act).result()


@pytest.fixture(scope="module")
def sixty(office: Office) -> Office:
    """Lan's agency has been away: sixty documents wait, two of them with papers."""
    paper = office.file(pdf("Xử lý điểm ngập tại đường Hoa Sứ."), "ngap.pdf")
    table = office.file(word("Mua sắm máy chủ", cell="Đấu thầu rộng rãi"), "du-toan.docx", WORD)

    to = (office.cast.finance.id,)

    def send() -> None:
        office.hand_in(paper, subject="Chống ngập mùa mưa", code="01/SNV-VP", key="1", to=to)
        office.hand_in(table, subject="Dự toán năm 2027", code="02/SNV-VP", key="2", to=to)
        for number in range(3, ALL + 1):
            subject = f"Báo cáo số {number:02d} về cải cách hành chính"
            office.hand_in(subject=subject, code=f"{number:02d}/SNV-VP", key=f"{number}", to=to)
        office.work()

    in_peace(send)
    return office


@pytest.fixture
def take(house: House, sixty: Office, chromium: Browser) -> Iterator[Take]:
    """`take("/documents/in")`: Lan's browser at a page whose keys are awake."""
    _person, cookie = signed_in(house, "lan")
    context = chromium.new_context(
        viewport={"width": 1024, "height": HEIGHTS[1024]}, locale="vi-VN", reduced_motion="reduce"
    )
    context.add_cookies([cookie])
    context.add_init_script(LISTENER)
    watched = watch(context.new_page())

    def at(path: str, *, refused: int = 200) -> Keyboard:
        watched.expected_status = refused
        watched.page.goto(house.url + path, timeout=60_000)
        awake(watched.page)
        return Keyboard(watched.page)

    yield at
    context.close()
    faults = [fault for fault in watched.faults if "ERR_INTERNET_DISCONNECTED" not in fault]  # one test cuts the cable
    assert not faults, "\n".join(faults)


def awake(page: Page) -> None:
    """The keys are set by scripts: on a busy machine they may come after the first key.

    The switch is the last that the page brings, so before it is there nothing can be said of the others.
    """
    expect(page.locator("[data-keys-switch]")).to_have_count(1)
    for woken in page.locator("[data-keys-switch], [data-bulk-all]").all():
        expect(woken).not_to_have_attribute("hidden", "")


def states(office: Office) -> dict[str, tuple[str, int | None]]:
    """By subject, how each document of Lan's stands and its number in the book."""
    with office.db.read() as tx:
        mine = sa.select(Incoming).where(Incoming.agency_id == office.cast.finance.id)
        return {row.subject: (row.state, row.number) for row in tx.session.scalars(mine)}


def said(page: Page, text: str) -> None:
    """A screen reader hears it."""
    end = time.monotonic() + 30
    while not any(text in sentence for sentence in page.evaluate("window.heard")):
        assert time.monotonic() < end, f"{text!r} is not among {page.evaluate('window.heard')}"
        page.wait_for_timeout(50)


def test_what_is_chosen_can_be_dropped_and_taken_back(take: Take) -> None:
    lan = take(WAITING)
    bar = lan.page.get_by_role("form", name="Với các văn bản đã chọn")
    lan.press("j", "x", "j", "j", "x")
    assert lan.chosen == 2
    expect(bar).to_contain_text("Đã chọn 2")
    said(lan.page, "Đã chọn 2")
    lan.press("Escape")
    assert lan.chosen == 0
    expect(bar).to_be_hidden()
    said(lan.page, "Đã bỏ chọn")
    lan.press("z")
    assert lan.chosen == 2
    lan.press("a")
    assert lan.chosen == 50
    lan.press("z", "b")
    expect(bar.get_by_role("button", name="Tiếp nhận")).to_be_focused()
    lan.press("Escape")
    lan.expect_here(lan.subjects[2])
    assert lan.chosen == 2, "from the bar Escape only goes back to the list"
    lan.press("Escape", "k", "Shift+K")
    assert [box.is_checked() for box in lan.page.get_by_role("checkbox").all()[:3]] == [True, True, False]


@pytest.mark.long_proof
def test_enter_on_a_box_opens_the_document_and_registers_nothing(take: Take, sixty: Office) -> None:
    lan = take(WAITING)
    before = states(sixty)
    first = lan.subjects[0]
    lan.press("j", "x", "Shift+Tab")
    expect(lan.page.get_by_role("checkbox").first).to_be_focused()
    lan.press("Enter")
    expect(lan.page.get_by_role("heading", level=1)).to_have_text(first)
    assert states(sixty) == before


@pytest.mark.long_proof
def test_the_keys_are_explained_and_can_be_switched_off(take: Take) -> None:
    lan = take(WAITING)
    expect(lan.page.get_by_role("button", name="Phím tắt")).to_be_visible()
    lan.press("?")
    help_ = lan.page.get_by_role("dialog", name="Phím tắt")
    expect(help_).to_be_visible()
    for key in ("j", "Enter", "x", "a", "b", "z", "/", "t", "u"):
        expect(help_.locator("kbd", has_text=key).first).to_be_visible()
    assert axe(lan.page) == []
    help_.get_by_role("button", name="Bật phím tắt").press("Space")
    lan.press("Escape")
    expect(help_).to_be_hidden()
    lan.press("j")
    assert lan.page.locator(".is-here").count() == 0


@pytest.mark.long_proof
def test_search_with_and_without_accents_and_a_filter_that_is_kept(take: Take) -> None:
    lan = take("/documents/in")
    for words, found in {
        "chong ngap": "Chống ngập mùa mưa",
        "Dự toán": "Dự toán năm 2027",
        "hoa su": "Chống ngập mùa mưa",
        "đấu thầu": "Dự toán năm 2027",
        "bao cao so 17": "Báo cáo số 17 về cải cách hành chính",
        "23/SNV-VP": "Báo cáo số 23 về cải cách hành chính",
    }.items():
        lan.search(words)
        lan.expect_only(found)
    for words in ("sở nội vụ", "so noi vu"):
        lan.search(words)
        expect(lan.page.locator(".row-subject")).to_have_count(50)
    lan.search("đương hoa sứ")
    expect(lan.page.get_by_text("Không tìm thấy văn bản đến nào")).to_be_visible()
    assert axe(lan.page) == []
    lan.search("cải cách")
    expect(lan.page.locator(".row-subject")).to_have_count(50)
    lan.press("/", "Tab", "Tab", "Tab")
    expect(lan.page.get_by_role("textbox", name="Lưu bộ lọc này với tên")).to_be_focused()
    lan.type("Cải cách hành chính")
    lan.press("Enter")
    kept = lan.page.get_by_role("navigation", name="Bộ lọc đã lưu").get_by_role("link", name="Cải cách hành chính")
    expect(kept).to_have_attribute("aria-current", "true")
    again = take("/documents/in")
    again.page.get_by_role("link", name="Cải cách hành chính", exact=True).press("Enter")
    expect(again.page.locator(".list-find [name=q]")).to_have_value("cải cách")


def test_refused_with_a_reason_and_back_at_the_same_place(take: Take, sixty: Office) -> None:
    lan = take(WAITING)
    _first, second, third = lan.subjects[:3]
    lan.press("j", "j", "Enter")
    expect(lan.page.get_by_role("heading", level=1)).to_have_text(second)
    awake(lan.page)
    lan.press("t")
    dialog = lan.page.get_by_role("dialog", name="Từ chối tiếp nhận văn bản này")
    expect(dialog.get_by_role("textbox", name="Lý do")).to_be_focused()
    assert axe(lan.page) == []
    lan.type(REASON)
    lan.press("Escape")
    expect(dialog).to_be_hidden()
    expect(lan.page.get_by_role("button", name="Từ chối…")).to_be_focused()
    assert states(sixty)[second][0] == "arrived"
    lan.press("t")
    expect(dialog.get_by_role("textbox", name="Lý do")).to_have_value(REASON)
    lan.press("Tab", "Tab")
    expect(dialog.get_by_role("button", name="Từ chối")).to_be_focused()
    lan.press("Enter")
    expect(lan.page.get_by_text("Đã từ chối tiếp nhận; nơi gửi được báo ngay.")).to_be_visible()
    assert states(sixty)[second] == ("refused", None)
    awake(lan.page)
    lan.back_to(WAITING)
    lan.expect_here(third)
    assert second not in lan.subjects


@pytest.mark.long_proof
def test_a_reason_is_not_lost_when_somebody_else_was_quicker(take: Take, sixty: Office) -> None:
    to = (sixty.cast.finance.id,)
    in_peace(lambda: sixty.handed_in(subject="Văn bản của hai người", code="62/SNV-VP", key="62", to=to))
    with sixty.db.read() as tx:
        number = tx.session.scalars(sa.select(Incoming.id).where(Incoming.subject == "Văn bản của hai người")).one()
    lan = take(f"/documents/in/{number}", refused=409)
    lan.press("t")
    dialog = lan.page.get_by_role("dialog", name="Từ chối tiếp nhận văn bản này")
    expect(dialog.get_by_role("textbox", name="Lý do")).to_be_focused()
    lan.type(REASON)
    in_peace(lambda: sixty.register(sixty.cast.lan, number))
    expect(lan.page.locator(".document-facts .chip").first).to_have_text("Đã tiếp nhận")  # the page has moved on
    expect(dialog.get_by_role("textbox", name="Lý do")).to_have_value(REASON)
    lan.press("Tab", "Tab", "Enter")
    expect(lan.page.get_by_role("textbox", name="Nội dung bạn đã nhập, chưa được lưu")).to_have_value(REASON)
    expect(lan.page.locator("dialog[id=refuse]")).to_have_count(0)
    assert axe(lan.page) == []
    assert overflow(lan.page) is None


@pytest.mark.long_proof
def test_keys_wake_only_when_what_they_open_is_served(take: Take) -> None:
    lan = take(WAITING)
    held: list[Route] = []
    served: list[bool] = []
    lan.page.context.route(
        re.compile(r"/js/forms\.js"), lambda route: route.continue_() if served else held.append(route)
    )
    lan.press("j", "Enter")
    back = re.compile(re.escape(WAITING) + "$")
    expect(lan.page.locator(".crumbs a")).to_have_attribute("href", back)  # the other scripts are there
    expect(lan.page.locator("[data-keys-switch]")).to_have_attribute("hidden", "")
    served.append(True)
    for route in held:
        route.continue_()
    awake(lan.page)
    lan.press("t")
    expect(lan.page.get_by_role("dialog", name="Từ chối tiếp nhận văn bản này")).to_be_visible()


@pytest.mark.long_proof
def test_what_arrives_meanwhile_takes_nothing_from_what_is_chosen(take: Take, sixty: Office) -> None:
    lan = take(WAITING)
    first, second = lan.subjects[:2]
    lan.press("j", "Shift+J")
    lan.expect_here(second)
    in_peace(lambda: sixty.handed_in(subject="Công điện vừa tới", code="61/SNV-VP", key="61"))
    expect(lan.page.locator(".row-subject").first).to_have_text("Công điện vừa tới (chưa đọc)")
    lan.expect_here(second)
    boxes = lan.page.get_by_role("checkbox", checked=True)
    assert [box.get_attribute("name") for box in boxes.all()] == ["id", "id"]
    expect(lan.page.get_by_role("checkbox", name=first)).to_be_checked()


def test_a_network_that_is_away_sends_nothing_and_keeps_everything(take: Take, sixty: Office) -> None:
    lan = take(WAITING)
    before = states(sixty)
    lan.press("j", "x", "j", "x", "b")
    lan.page.context.set_offline(True)
    lan.press("Enter")
    note = "Đang mất mạng nên chưa gửi được. Nội dung vẫn giữ nguyên, xin bấm lại khi có mạng."
    expect(lan.page.locator(".not-sent")).to_have_text(note)
    said(lan.page, note)
    assert lan.chosen == 2
    assert states(sixty) == before
    lan.page.context.set_offline(False)
    expect(lan.page.locator(".not-sent")).to_have_count(0)
    lan.press("Enter")
    expect(lan.page.get_by_text("Xong 2 trên 2 văn bản.")).to_be_visible()


def test_an_answer_that_is_lost_on_its_way_costs_no_second_number(take: Take, sixty: Office) -> None:
    lan = take("/documents/in")
    wanted = [row.subject for row in sixty.incoming(sixty.cast.lan)][:3]

    def lost(route: Route) -> None:
        route.fetch()
        route.abort()

    lan.page.route("**/register-many", lost, times=1)
    lan.press("j", "Shift+J", "Shift+J", "b", "Enter")
    expect(lan.page.locator("body")).not_to_contain_text("Văn bản đến")  # the browser's own page
    registered = states(sixty)
    lan.page.go_back()
    awake(lan.page)
    expect(lan.page.get_by_role("checkbox", checked=True)).to_have_count(3)
    lan.press("b", "Enter")
    expect(lan.page.get_by_role("heading", level=1)).to_have_text("Tiếp nhận nhiều văn bản")
    assert states(sixty) == registered
    assert "arrived" not in {registered[subject][0] for subject in wanted}


def test_thirty_are_registered_with_thirty_three_keys(take: Take, sixty: Office) -> None:
    lan = take(WAITING)
    wanted = lan.subjects[:30]
    last = max(number or 0 for _state, number in states(sixty).values())
    lan.press("j", *["Shift+J"] * 29)
    expect(lan.page.get_by_role("form", name="Với các văn bản đã chọn")).to_contain_text("Đã chọn 30")
    here, bar = lan.page.locator(".row-item.is-here"), lan.page.locator("#bulk")
    above, below = here.bounding_box(), bar.bounding_box()
    assert above is not None
    assert below is not None
    assert above["y"] + above["height"] <= below["y"], "the row in hand lies under the bar"
    lan.page.evaluate("scrollTo(0, document.body.scrollHeight)")  # where the bar covers no row by half
    assert axe(lan.page) == []
    lan.press("b", "Enter")
    expect(lan.page.locator(":focus")).to_contain_text("Xong 30 trên 30 văn bản.")  # a screen reader reads it first
    assert axe(lan.page) == []
    awake(lan.page)
    lan.back_to(WAITING)
    lan.expect_here(lan.subjects[0])
    assert lan.chosen == 0
    assert lan.pressed == 33
    found = states(sixty)
    numbers = [found[subject] for subject in reversed(wanted)]  # as they came, the oldest first
    assert numbers == [("registered", last + place) for place in range(1, 31)]


@pytest.mark.parametrize("width", [390, 1024, 1920])
def test_nothing_is_wider_than_the_screen_while_much_is_chosen(take: Take, width: int) -> None:
    lan = take("/documents/in")
    lan.page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
    lan.press("a")
    assert lan.chosen == 50
    assert overflow(lan.page) is None
    lan.press("?")
    expect(lan.page.get_by_role("dialog", name="Phím tắt")).to_be_visible()
    assert overflow(lan.page) is None
