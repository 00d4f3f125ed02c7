"""live.js against the real web process: dense, in order, nothing missed over cuts and kills."""

import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

from kernel import streams
from kernel.streams import stored_name
from tests.browser.conftest import HEIGHTS
from tests.browser.house import House, signed_in
from tests.sample_events import Sample

FOLLOW = """async ({stream, after}) => {
    const {connect} = await import('/static/js/live.js');
    const live = connect();
    window.got = []; window.snapshots = []; window.denied = []; window.states = [];
    live.addEventListener('state', e => window.states.push(e.detail.state));
    window.leave = live.join(stream, {
        after,
        onEvent: e => window.got.push(e.seq),
        onSnapshot: async ({heads}) => { window.snapshots.push(heads[stream]); return heads; },
        onDenied: e => window.denied.push(...e.streams),
    });
    window.live = live;
}"""


@pytest.fixture
def ha(house: House, chromium: Browser) -> Iterator[tuple[Page, str]]:
    """Hà's browser on an empty page, and her stream with everything before this test in it."""
    person_id, cookie = signed_in(house, "ha")
    context = chromium.new_context(viewport={"width": 390, "height": HEIGHTS[390]}, locale="vi-VN")
    context.add_cookies([cookie])
    page = context.new_page()
    page.goto(house.url + "/offline")
    yield page, f"person:{person_id}"
    context.close()


def head_of(house: House, stream: str) -> int:
    with house.db.read() as tx:
        return streams.heads(tx, [stream])[stream]


def publish(house: House, stream: str, count: int) -> None:
    for n in range(count):
        with house.db.write("system") as tx:
            tx.publish(stored_name(stream), "test.moved", Sample({"rev": n}))


def until(page: Page, condition: str) -> None:
    """Wait for a condition in the page. Playwright's own wait evaluates text, which our content policy forbids."""
    deadline = time.monotonic() + 60
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, f"never: {condition}; got {page.evaluate('window.got')}"
        page.wait_for_timeout(50)


def follow(page: Page, stream: str, after: int | None) -> None:
    page.evaluate(FOLLOW, {"stream": stream, "after": after})
    until(page, "window.live.state === 'live'")


def wait_for_events(page: Page, count: int) -> list[int]:
    until(page, f"window.got.length >= {count}")
    page.wait_for_timeout(200)
    seqs: list[int] = page.evaluate("window.got")
    return seqs


def test_what_was_missed_and_what_comes_arrive_once_and_in_order(house: House, ha: tuple[Page, str]) -> None:
    page, stream = ha
    start = head_of(house, stream)
    publish(house, stream, 5)
    follow(page, stream, start)
    wait_for_events(page, 5)
    publish(house, stream, 25)
    assert wait_for_events(page, 30) == list(range(start + 1, start + 31))
    assert page.evaluate("window.snapshots") == []


def test_who_has_nothing_yet_gets_a_snapshot_first(house: House, ha: tuple[Page, str]) -> None:
    page, stream = ha
    publish(house, stream, 3)
    start = head_of(house, stream)
    follow(page, stream, None)
    until(page, "window.snapshots.length === 1")
    publish(house, stream, 2)
    assert wait_for_events(page, 2) == [start + 1, start + 2]
    assert page.evaluate("window.snapshots") == [start]


def test_more_than_five_hundred_missed_is_a_snapshot_and_never_a_part(house: House, ha: tuple[Page, str]) -> None:
    page, stream = ha
    start = head_of(house, stream)
    with house.db.write("system") as tx:
        for n in range(501):
            tx.publish(stored_name(stream), "test.moved", Sample({"rev": n}))
    follow(page, stream, start)
    until(page, "window.snapshots.length === 1")
    publish(house, stream, 1)
    assert wait_for_events(page, 1) == [start + 502]


def test_another_persons_stream_and_an_unknown_one_are_denied_alike(house: House, ha: tuple[Page, str]) -> None:
    page, _ = ha
    other, _cookie = signed_in(house, "lan")
    for name in (f"person:{other}", "nothing:1"):
        page.evaluate(FOLLOW, {"stream": name, "after": 0})
        until(page, "window.denied.length === 1")
        assert page.evaluate("window.denied") == [name]


@pytest.mark.long_proof  # the room does so in test_room
def test_a_killed_server_is_found_again_and_nothing_is_missed(house: House, ha: tuple[Page, str]) -> None:
    page, stream = ha
    start = head_of(house, stream)
    follow(page, stream, start)
    page.evaluate("window.states = []")  # on a busy machine it was "offline" for a moment before it was "live"
    house.process.kill()
    publish(house, stream, 10)
    banner = page.locator("#net")
    expect(banner).to_be_visible()
    expect(banner).to_contain_text("Mất mạng từ")
    house.process.start()
    assert wait_for_events(page, 10) == list(range(start + 1, start + 11))
    expect(banner).to_have_text("Trực tiếp")
    assert page.evaluate("window.states") == ["connecting", "offline", "live"]


def test_a_short_cut_shows_no_banner(house: House, ha: tuple[Page, str]) -> None:
    page, stream = ha
    start = head_of(house, stream)
    follow(page, stream, start)
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    publish(house, stream, 3)
    assert wait_for_events(page, 3) == [start + 1, start + 2, start + 3]
    expect(page.locator("#net")).to_be_hidden()


def test_leaving_ends_the_events(house: House, ha: tuple[Page, str]) -> None:
    page, stream = ha
    follow(page, stream, head_of(house, stream))
    publish(house, stream, 1)
    before = wait_for_events(page, 1)
    page.evaluate("window.leave()")
    publish(house, stream, 3)
    page.wait_for_timeout(500)
    assert page.evaluate("window.got") == before


def test_a_join_that_the_server_could_not_answer_is_tried_again(house: House, ha: tuple[Page, str]) -> None:
    page, stream = ha
    start = head_of(house, stream)
    publish(house, stream, 3)
    rename(house, "stream", "stream_away")  # what a join reads is not there
    try:
        page.evaluate(FOLLOW, {"stream": stream, "after": start})
        until(page, "window.live.state === 'live'")
        page.wait_for_timeout(2500)  # a first wait and the next, longer one
        assert page.evaluate("[window.denied.length, window.got.length, window.live.state]") == [0, 0, "live"]
    finally:
        rename(house, "stream_away", "stream")
    assert wait_for_events(page, 3) == [start + 1, start + 2, start + 3]


def rename(house: House, table: str, to: str) -> None:
    with house.db.write("system") as tx:
        tx.session.execute(sa.text(f"ALTER TABLE {table} RENAME TO {to}"))
