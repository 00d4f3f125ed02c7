"""A pane that moves by itself changes what changed and leaves alone what the reader holds."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Pages

MORPH = """async ({before, after, act}) => {
    const {morphChildren} = await import('/static/js/morph.js');
    const box = document.createElement('div');
    box.innerHTML = before;
    document.querySelector('main').append(box);
    new Function('box', act)(box);
    const fresh = new DOMParser().parseFromString(after, 'text/html').body;
    morphChildren(box, fresh);
    return {html: box.innerHTML, active: document.activeElement.id,
            value: box.querySelector('input, textarea')?.value ?? null,
            open: box.querySelector('details')?.open ?? null, kept: window.node ? window.node.isConnected : null};
}"""


@pytest.fixture
def page(gallery: str, page_at: Pages) -> Page:
    return page_at(1024).open(gallery + "/alone")


def morph(page: Page, before: str, after: str, act: str = "") -> Any:
    return page.evaluate(MORPH, {"before": before, "after": after, "act": act})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<p>một</p>", "<p>hai</p>"),
        ("", "<ul><li id='a'>a</li></ul>"),
        ("<ul><li id='a'>a</li><li id='b'>b</li></ul>", "<ul><li id='b'>b</li></ul>"),
        ("<ul><li id='a'>a</li><li id='b'>b</li></ul>", "<ul><li id='b'>B</li><li id='c'>c</li><li id='a'>a</li></ul>"),
        ("<p>x</p><ul><li>1</li></ul>", "<ul><li>1</li><li>2</li></ul>"),
        ("<p class='x' title='t'>a<b>b</b>c</p>", "<p class='y'>a<i>b</i></p>"),
    ],
)
def test_the_result_is_what_the_server_says(page: Page, before: str, after: str) -> None:
    expected = page.evaluate("html => new DOMParser().parseFromString(html, 'text/html').body.innerHTML", after)
    assert morph(page, before, after)["html"] == expected


def test_a_row_that_moves_up_keeps_its_focus(page: Page) -> None:
    row = "<li id='{0}'><a href='/{0}' id='link-{0}'>{0}</a></li>"
    before = "<ul>" + "".join(row.format(n) for n in "abc") + "</ul>"
    after = "<ul>" + "".join(row.format(n) for n in "bc") + "</ul>"
    assert morph(page, before, after, "box.querySelector('#link-c').focus()")["active"] == "link-c"


def test_a_new_row_above_takes_nothing_from_the_one_in_hand(page: Page) -> None:
    before = "<ul><li><a href='/1' id='one'>1</a></li></ul>"
    after = "<ul><li><a href='/0'>0</a></li><li><a href='/1' id='one'>1 mới</a></li></ul>"
    result = morph(page, before, after, "box.querySelector('#one').focus(); window.node = box.querySelector('#one')")
    assert result["active"] == "one"
    assert result["kept"]


def test_white_space_before_the_first_element_makes_nothing_new(page: Page) -> None:
    before = "\n  <nav>x</nav>\n<ul><li><a href='/1' id='one'>1</a></li></ul>"
    after = "<nav>x</nav>\n<ul><li><a href='/0'>0</a></li><li><a href='/1' id='one'>1 mới</a></li></ul>"
    result = morph(page, before, after, "box.querySelector('#one').focus(); window.node = box.querySelector('ul')")
    assert (result["active"], result["kept"]) == ("one", True)
    assert "1 mới" in result["html"]


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_dialog_that_came_back_with_errors_stays_as_it_is(page: Page, is_gone: bool) -> None:
    before = "<ul><li id='a'><dialog id='d' open data-open><textarea>Gửi nhầm</textarea>Cần lý do</dialog></li></ul>"
    after = "<ul></ul>" if is_gone else "<ul><li id='a'><dialog id='d' open><textarea></textarea></dialog></li></ul>"
    result = morph(page, before, after)
    assert result["value"] == "Gửi nhầm"
    assert "Cần lý do" in result["html"]


def test_typed_text_and_open_details_survive(page: Page) -> None:
    before = "<details><summary>Vì sao</summary>a</details><input id='t' value='cũ'><p>1</p>"
    after = "<details><summary>Vì sao</summary>b</details><input id='t' value='mới'><p>2</p>"
    result = morph(
        page, before, after, "box.querySelector('details').open = true; box.querySelector('#t').value = 'gõ'"
    )
    assert (result["value"], result["open"]) == ("gõ", True)
    assert "<p>2</p>" in result["html"]
