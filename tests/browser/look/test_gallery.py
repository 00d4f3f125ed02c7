"""The house's own parts in Chromium: accessible, never wider than the screen, quiet in the console."""

from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.browser.conftest import Pages, axe, overflow
from tests.sampling import sampled

SCREENS = [
    "/today/full",
    "/today/none",
    "/list/0",
    "/list/1",
    "/list/500",
    "/document",
    "/form",
    "/parts",
    "/dark",
    "/alone",
]


@pytest.mark.parametrize("path", sampled(SCREENS, one_in=2))
def test_every_part_is_accessible_and_fits(gallery: str, page_at: Pages, path: str) -> None:
    page = page_at(390).open(gallery + path)
    # Five hundred rows take axe ten seconds and hold nothing that one row does not. The real pages, which are made
    # of these parts, are examined on a phone too.
    if path != "/list/500":
        page.set_viewport_size({"width": 1024, "height": 900})
        assert axe(page) == []
    for width in (320, 390, 768, 1024, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        assert overflow(page) is None


def test_every_error_page_says_what_to_do_and_is_accessible(gallery: str, page_at: Pages) -> None:
    watched = page_at(390)
    for status in (400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 429, 500, 503):
        page = watched.open(f"{gallery}/error/{status}", status=status)
        assert page.locator("h1").count() == 1
        assert page.locator(".fault li").count() >= 1
        assert overflow(page) is None
    assert axe(page) == []


def test_an_error_page_stands_without_frame_or_person(gallery: str, page_at: Pages) -> None:
    page = page_at(390).open(f"{gallery}/bare/503", status=503)
    expect(page.locator("h1")).to_have_text("Hệ thống tạm thời chưa phục vụ")
    assert page.locator("nav.bar").count() == 0


def test_the_language_switch_turns_the_frame_english_and_back(gallery: str, page_at: Pages) -> None:
    page = page_at(1024).open(gallery + "/today/full")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("h1")).to_have_text("Today")
    page.get_by_role("button", name="Tiếng Việt").click()
    expect(page.locator("h1")).to_have_text("Hôm nay")


def test_the_five_parts_stand_below_on_a_phone_and_left_on_a_desk(gallery: str, page_at: Pages) -> None:
    phone = page_at(390).open(gallery + "/today/full")
    assert phone.locator("nav.bar a:visible").count() == 5
    assert not phone.locator("nav.rail").is_visible()
    desk = page_at(1024).open(gallery + "/today/full")
    assert desk.locator("nav.rail a:visible").count() == 8
    assert not desk.locator("nav.bar").is_visible()


def test_today_shows_what_waits_first_and_folds_the_rest_into_one_line(gallery: str, page_at: Pages) -> None:
    page = page_at(390).open(gallery + "/today/full")
    assert page.locator(".today > *").evaluate_all("all => all.map(one => one.tagName)") == ["SECTION"] * 3 + [
        "DETAILS"
    ]
    rest = page.locator(".today > details")
    expect(rest).to_have_text("2 mục khác không có gì chờ", use_inner_text=True)
    assert rest.bounding_box()["height"] < 60  # type: ignore[index]
    rest.locator("summary").click()
    expect(rest).to_contain_text("Không có giấy mời chờ trả lời.")
    assert axe(page) == []
    assert page_at(390).open(gallery + "/today/none").locator(".today details").count() == 0


@pytest.mark.long_proof
def test_the_skip_link_leads_into_the_content(gallery: str, page_at: Pages) -> None:
    page = page_at(1024).open(gallery + "/list/500")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_every_target_on_a_phone_is_at_least_24_pixels_and_the_main_ones_44(gallery: str, page_at: Pages) -> None:
    page = page_at(390).open(gallery + "/list/500")
    small = page.evaluate(
        """() => [...document.querySelectorAll('.btn, .bar a, .top-button, .filters a, .row-select')]
            .filter(e => e.checkVisibility()).map(e => [e.className, e.getBoundingClientRect()])
            .filter(([, box]) => box.height < 44 || box.width < 44)
            .map(([name, box]) => `${name} ${box.width}×${box.height}`)"""
    )
    assert small == []


@pytest.mark.long_proof
def test_j_k_x_and_enter_work_a_list_and_the_bulk_bar_counts(gallery: str, page_at: Pages) -> None:
    page = page_at(1024).open(gallery + "/list/500")
    bar = page.locator("#bulk")
    expect(bar).to_be_hidden()
    # Set by the script itself: on a busy machine it may come after the first key.
    expect(page.locator("[data-keys-switch]").first).to_have_attribute("aria-pressed", "true")
    for key, row in (("j", 0), ("j", 1), ("k", 0)):
        page.keyboard.press(key)
        expect(page.locator(".row-subject").nth(row)).to_be_focused()
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(bar).to_contain_text("Đã chọn 2")
    page.keyboard.press("Enter")
    page.wait_for_url("**/document")


@pytest.mark.long_proof
def test_a_chooses_the_whole_page_and_b_goes_to_what_can_be_done(gallery: str, page_at: Pages) -> None:
    page = page_at(1024).open(gallery + "/list/500")
    switch = page.locator("[data-keys-switch]").first
    expect(switch).not_to_have_attribute("hidden", "")  # until its script is there
    expect(switch).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("a")
    expect(page.locator("#bulk")).to_contain_text("Đã chọn 500")
    page.keyboard.press("b")
    expect(page.locator("#bulk button").first).to_be_focused()
    page.keyboard.press("a")
    expect(page.locator("#bulk")).to_be_hidden()


@pytest.mark.long_proof
def test_letters_typed_into_search_do_not_move_the_list(gallery: str, page_at: Pages) -> None:
    page = page_at(1024).open(gallery + "/list/500")
    page.locator("#find").press_sequentially("jkx")
    assert page.locator("#find").input_value() == "jkx"
    assert page.locator(".is-here").count() == 0


@pytest.mark.long_proof
def test_one_letter_keys_can_be_switched_off(gallery: str, page_at: Pages) -> None:
    page = page_at(1024).open(gallery + "/list/500")
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="Phím tắt").click()
    switch = page.locator("[data-keys-switch]")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert page.locator(".is-here").count() == 0


@pytest.mark.long_proof
def test_the_paper_shows_its_first_page_with_text(gallery: str, page_at: Pages) -> None:
    page = page_at(390).open(gallery + "/document")
    expect(page.locator(".paper-page").first.locator("canvas")).to_be_visible()
    expect(page.locator(".textLayer").first).to_contain_text("Đoạn 1.")
    expect(page.locator(".paper-count")).to_have_text("Trang 1 / 3")
    assert axe(page) == []
    page.locator("doc-paper").evaluate("e => e.goTo(3)")
    expect(page.locator(".paper-count")).to_have_text("Trang 3 / 3")
    page.get_by_role("button", name="Phóng to").click()
    expect(page.locator(".paper-page canvas").last).to_be_visible()
    assert overflow(page) is None


def test_without_scripts_the_paper_is_a_link_and_the_question_a_form(gallery: str, page_at: Pages) -> None:
    watched = page_at(390, scripts=False)
    page = watched.open(gallery + "/document")
    expect(page.locator(".paper-link a")).to_be_visible()
    expect(page.locator("#refuse-reason")).to_be_visible()
    page.locator("#refuse-reason").fill("Gửi nhầm cơ quan")
    watched.expected_status = 422
    page.locator("#refuse .btn-danger").click()
    page.wait_for_url("**/form")


@pytest.mark.long_proof
def test_a_dangerous_act_asks_first_and_gives_the_focus_back(gallery: str, page_at: Pages) -> None:
    page = page_at(1024).open(gallery + "/document")
    expect(page.locator("#refuse")).to_be_hidden()
    opener = page.get_by_role("button", name="Từ chối…")
    opener.click()
    expect(page.locator("#refuse")).to_be_visible()
    assert axe(page) == []
    page.keyboard.press("Escape")
    expect(page.locator("#refuse")).to_be_hidden()
    expect(opener).to_be_focused()


def test_a_refused_form_keeps_what_was_typed_and_leads_to_the_errors(gallery: str, page_at: Pages) -> None:
    watched = page_at(390)
    page = watched.open(gallery + "/form")
    page.locator("#number").fill("12/UBND-VP")
    watched.expected_status = 422
    page.get_by_role("button", name="Lưu dự thảo").click()
    expect(page.locator(".error-summary")).to_be_focused()
    expect(page.locator("#number")).to_have_value("12/UBND-VP")
    expect(page.locator("#subject")).to_have_attribute("aria-describedby", "subject-hint subject-error")
    page.locator(".error-summary a").first.click()
    expect(page.locator("#subject")).to_be_focused()
    assert axe(page) == []
    assert overflow(page) is None


def test_a_draft_survives_leaving_and_goes_once_the_server_took_it(gallery: str, page_at: Pages) -> None:
    page = page_at(1024).open(gallery + "/form")
    page.locator("#subject").fill("Về việc trồng cây")
    page.locator("#number").fill("7")
    page.goto(gallery + "/list/1")
    page.goto(gallery + "/form")
    expect(page.locator("#subject")).to_have_value("Về việc trồng cây")
    expect(page.locator(".draft-note")).to_be_visible()
    page.get_by_role("button", name="Lưu dự thảo").click()
    page.wait_for_url("**/list/1")
    page.goto(gallery + "/form")
    expect(page.locator("#subject")).to_have_value("")


def test_after_an_error_in_a_dialog_enter_throws_nothing_away(gallery: str, page_at: Pages) -> None:
    watched = page_at(1024)
    page = watched.open(gallery + "/ask")
    page.get_by_role("button", name="Gửi lại…").click()
    page.get_by_label("Sở Tài chính").check()
    page.get_by_role("textbox", name="Lý do").fill(" ")
    watched.expected_status = 422
    page.get_by_role("dialog").get_by_role("button", name="Gửi lại").click()
    expect(page.locator(".field-error")).to_be_visible()
    expect(page.get_by_role("textbox", name="Lý do")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Sở Tài chính")).to_be_checked()
    expect(page.locator(".draft-note")).to_have_count(0)


@pytest.mark.parametrize("width", [390, 1024, 1920])
def test_without_scripts_a_row_that_asks_can_be_read(gallery: str, page_at: Pages, width: int) -> None:
    page = page_at(width, scripts=False).open(gallery + "/ask")
    row, text = (page.locator(one).bounding_box() for one in (".row-item", ".row-text"))
    assert row is not None
    assert text is not None
    assert text["width"] > row["width"] * 0.8
    assert overflow(page) is None


@pytest.mark.long_proof
@pytest.mark.parametrize("width", [390, 1024, 1920])
@pytest.mark.parametrize("body", ["", "wide"])
def test_under_a_heading_that_is_cut_no_marks_of_the_next_line_peep_out(
    gallery: str, page_at: Pages, width: int, body: str
) -> None:
    page = page_at(width).open(gallery + "/ask")
    page.evaluate(
        """body => { document.body.className = body;
            const heading = document.querySelector(".head h1");
            heading.style.whiteSpace = "pre-line";
            const shown = getComputedStyle(heading).webkitLineClamp;
            heading.textContent = "xxx\\n".repeat(shown) + "ỔẾẪỦ".repeat(4); }""",
        body,
    )
    heading = page.locator(".head h1")
    box = heading.bounding_box()
    assert box is not None
    below = 0.24 * heading.evaluate("h1 => parseFloat(getComputedStyle(h1).fontSize)")  # the dot of "Ậ" ends there
    strip = {"x": box["x"], "y": box["y"] + box["height"] - below, "width": box["width"], "height": below}
    picture = Image.open(BytesIO(page.screenshot(clip=strip)))  # type: ignore[arg-type]
    colours = picture.convert("RGB").getcolors()
    assert colours is not None
    assert len(colours) == 1


def hold_scripts(page: Page) -> list[Route]:
    """The script of forms is asked for and does not come until the test goes on with it."""
    held: list[Route] = []
    page.route("**/js/forms.js*", lambda route: held.append(route), times=1)
    return held


def let_come(page: Page, held: list[Route]) -> None:
    while not held:  # the house asks for it when it has looked at the page
        page.wait_for_timeout(20)
    held[0].continue_()


@pytest.mark.long_proof
@pytest.mark.parametrize("has_draft", [True, False])
def test_what_is_typed_before_the_scripts_come_is_kept(gallery: str, page_at: Pages, has_draft: bool) -> None:
    page = page_at(1024).open(gallery + "/form")
    if has_draft:
        page.locator("#subject").fill("Về việc trồng cây")
        page.locator("#number").fill("7")
    page.goto(gallery + "/list/1")
    held = hold_scripts(page)
    page.goto(gallery + "/form")
    page.locator("#number").fill("8")
    let_come(page, held)
    page.wait_for_function("() => Object.values(sessionStorage).some(kept => kept.includes('\"8\"'))")
    subject = "Về việc trồng cây" if has_draft else ""
    for _visit in ("this one", "the next"):
        expect(page.locator("#number")).to_have_value("8")
        expect(page.locator("#subject")).to_have_value(subject)
        page.goto(gallery + "/list/1")
        page.goto(gallery + "/form")
    expect(page.locator(".draft-note")).to_be_visible()


def test_a_press_before_the_scripts_come_waits_for_them_and_is_one(gallery: str, page_at: Pages) -> None:
    page = page_at(1024).page
    held = hold_scripts(page)
    page.goto(gallery + "/form")
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    page.locator("#subject").fill("Về việc trồng cây")
    page.locator("#number").fill("8")
    button = page.get_by_role("button", name="Lưu dự thảo")
    button.click()
    expect(button).to_have_attribute("aria-busy", "true")
    button.click()
    assert posts == []
    let_come(page, held)
    page.wait_for_url("**/list/1")
    assert len(posts) == 1
    page.goto(gallery + "/form")
    expect(page.locator("#subject")).to_have_value("")


def test_a_press_does_not_wait_for_scripts_that_never_come(gallery: str, page_at: Pages) -> None:
    page = page_at(1024).page
    page.clock.install()
    hold_scripts(page)
    page.goto(gallery + "/form")
    page.locator("#subject").fill("Về việc trồng cây")
    page.locator("#number").fill("8")
    page.get_by_role("button", name="Lưu dự thảo").click()
    page.clock.fast_forward(9_000)
    assert page.url.endswith("/form")
    page.clock.fast_forward(2_000)
    page.wait_for_url("**/list/1")


def test_a_heavy_file_chosen_before_the_scripts_come_is_refused(gallery: str, page_at: Pages) -> None:
    page = page_at(390).page
    held = hold_scripts(page)
    page.goto(gallery + "/form")
    page.locator("#file").set_input_files({"name": "lớn.pdf", "mimeType": "application/pdf", "buffer": b"x" * 5000})
    let_come(page, held)
    expect(page.locator("#file-weight")).to_contain_text("lớn.pdf nặng 5 KB")


@pytest.mark.long_proof
def test_too_heavy_a_file_is_refused_before_it_travels(gallery: str, page_at: Pages) -> None:
    page = page_at(390).open(gallery + "/form")
    page.locator("#file").set_input_files({"name": "lớn.pdf", "mimeType": "application/pdf", "buffer": b"x" * 5000})
    expect(page.locator("#file-weight")).to_contain_text("lớn.pdf nặng 5 KB")
    page.get_by_role("button", name="Lưu dự thảo").click()
    expect(page.locator("#file")).to_be_focused()
    assert page.url.endswith("/form")
    assert axe(page) == []


def test_several_chosen_files_stand_one_below_the_other(gallery: str, page_at: Pages) -> None:
    page = page_at(390).open(gallery + "/form")
    choice = page.locator("#file")
    choice.evaluate("input => { input.multiple = true; }")
    names = [f"Phụ lục {n:02} kèm theo Tờ trình.pdf" for n in range(1, 11)]
    files: list[FilePayload] = [{"name": name, "mimeType": "application/pdf", "buffer": b"%PDF"} for name in names]
    choice.set_input_files(files)
    expect(page.locator(".file-name")).to_have_text("10 tệp")
    expect(page.locator(".file-list li")).to_have_text(names)
    choice.set_input_files(files[:1])
    expect(page.locator(".file-name")).to_have_text(names[0])
    expect(page.locator(".file-list")).to_be_hidden()
    assert overflow(page) is None


def test_a_second_press_sends_nothing(gallery: str, page_at: Pages) -> None:
    page = page_at(1024).open(gallery + "/form")
    page.locator("#subject").fill("Một lần")
    page.locator("#number").fill("1")
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    page.evaluate("() => { const b = document.querySelector('.form-acts button'); b.click(); b.click(); b.click(); }")
    page.wait_for_url("**/list/1")
    assert len(posts) == 1
