"""The page of an evidence pack in Chromium, opened as a file with the network off."""

import random
import re
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from kernel.db import Database
from signing.trust.revocation_info import read_list
from tests.browser.conftest import axe, overflow, watch
from tests.signing.conftest import Office, letter, office
from tests.signing.evidence.conftest import made, own_db
from tests.signing.evidence.packs import Made, by_answers, grown, spoiled

__all__ = ["letter", "made", "office", "own_db"]


@pytest.fixture(scope="module")
def page(made: Made, chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The page as it lies in the pack, unpacked to a folder."""
    with zipfile.ZipFile(made.file) as pack:
        path = Path(pack.extract("index.html", tmp_path_factory.mktemp("unpacked")))
    context = chromium.new_context(viewport={"width": 390, "height": 844}, locale="vi-VN", offline=True)
    found = watch(context.new_page())
    found.page.goto(path.as_uri())
    yield found.page
    context.close()
    assert not found.faults, "\n".join(found.faults)


def judged(page: Page, data: bytes) -> str | None:
    page.set_input_files("#file", {"name": "ho-so.zip", "mimeType": "application/zip", "buffer": data})
    expect(page.locator("#result")).to_be_visible()
    return page.locator("#result").get_attribute("data-value")


def codes(page: Page) -> list[str]:
    found: list[str] = page.locator(".findings li").evaluate_all("all => all.map(one => one.dataset.code)")
    return found


def test_a_good_pack_is_valid_once_the_reader_has_compared_the_fingerprints(page: Page, made: Made) -> None:
    assert judged(page, made.data) == "unclear"
    assert codes(page) == ["VERDICT_KEPT", "ENVELOPE", "LEVEL"]
    assert overflow(page) is None
    assert axe(page) == []
    for number in range(page.locator(".compare input").count()):
        page.locator(".compare input").nth(number).check()
    assert page.locator("#result").get_attribute("data-value") == "valid"
    assert "Mời họp giao ban tháng 3" in page.locator("#out").inner_text()
    page.click("#language")
    assert page.locator("#result").inner_text() == "Valid"
    page.click("#language")
    page.locator(".compare input").first.uncheck()
    assert page.locator("#result").get_attribute("data-value") == "unclear"


@pytest.mark.parametrize("file", ["papers/01-Giay-moi-hop.pdf", "META-INF/manifest.jws"])
def test_a_changed_file_is_invalid(page: Page, made: Made, file: str) -> None:
    with zipfile.ZipFile(made.file) as pack:
        start = made.data.index(pack.read(file))
    changed = bytearray(made.data)
    changed[start + 20] ^= 1
    assert judged(page, bytes(changed)) == "invalid"
    assert page.locator("#result").inner_text() == "Không hợp lệ"


@pytest.mark.long_proof
def test_right_hashes_do_not_make_false_evidence_true(page: Page, made: Made, office: Office, own_db: Database) -> None:
    """The page finds what `lienthong verify` finds (tests/signing/evidence)."""
    with ThreadPoolExecutor(1) as aside:  # where Playwright has its loop, pyHanko refuses to work
        packs = aside.submit(spoiled, made, office, own_db).result()
    for what, (pack, _, code) in packs.items():
        assert judged(page, pack.data) == "invalid", what
        assert code in codes(page), (what, codes(page))


def test_an_archived_file_is_checked_too(page: Page, made: Made, office: Office) -> None:
    with ThreadPoolExecutor(1) as aside:
        pack = aside.submit(grown, made, office).result()
    assert judged(page, pack.data) == "unclear"  # until the fingerprints are compared
    assert set(codes(page)) == {"VERDICT_KEPT", "ENVELOPE", "LEVEL"}
    assert "B-T" in page.locator("#out dl").inner_text()


def test_answers_of_authorities_are_checked_too(page: Page, made: Made, office: Office) -> None:
    with ThreadPoolExecutor(1) as aside:
        pack = aside.submit(by_answers, made, office).result()
        silent = aside.submit(made.other, trust=replace(office.trust, crls=(), ocsps=())).result()
    judged(page, pack.data)
    assert set(codes(page)) == {"VERDICT_KEPT", "ENVELOPE", "LEVEL"}
    assert judged(page, silent.data) == "unclear"
    assert "REVOCATION_UNKNOWN" in codes(page)


def test_a_pack_whose_lists_have_ended_says_so(made: Made, office: Office, chromium: Browser, tmp_path: Path) -> None:
    ends = min(one.ends_at for one in map(read_list, office.trust.crls) if one is not None and one.ends_at is not None)
    with zipfile.ZipFile(made.file) as pack:
        path = Path(pack.extract("index.html", tmp_path))
    context = chromium.new_context(locale="vi-VN", offline=True)
    later = context.new_page()
    later.clock.set_fixed_time(ends + timedelta(days=2))
    later.goto(path.as_uri())
    assert judged(later, made.data) == "unclear"
    assert "ANSWERS_ENDED" in codes(later)
    said = later.locator("#out").inner_text()
    assert f"giá trị đến {ends.astimezone(UTC):%Y-%m-%d}" in said
    assert re.search(r"--at \d{4}-\d\d-\d\dT", said)
    context.close()


def test_what_is_no_pack_is_invalid(page: Page) -> None:
    for data in (b"", b"PK", b"%PDF-1.7", b"PK\x03\x04" + bytes(100)):
        assert judged(page, data) == "invalid"
        assert codes(page) == ["NOT_A_PACK"]


def test_every_change_of_one_bit_is_found_by_the_page(page: Page, made: Made) -> None:
    chance = random.Random(8)
    places = [chance.randrange(len(made.data) * 8) for _ in range(60)]
    judged(page, made.data)
    missed = page.evaluate(
        """async places => {
            const data = new Uint8Array(await document.getElementById('file').files[0].arrayBuffer());
            const missed = [];
            for (const place of places) {
                data[place >> 3] ^= 1 << (place & 7);
                const {found} = await checkPack(data, Date.now());
                if (worst(found.map(one => one.weight)) !== 'invalid') missed.push(place);
                data[place >> 3] ^= 1 << (place & 7);
            }
            return missed;
        }""",
        places,
    )
    assert missed == []
