"""A leader signs with the device on their desk, in a real browser: no program, then a program, then signed."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page, expect

from directory import queries as directory
from directory.demo import PASSWORD, email_of
from docex.documents.key_custody import person_key_name
from docex.documents.models import Document
from docex.documents.states import DocumentState
from kernel.refs import Ref
from signing.remote_signing import handoffs as signing_desk
from signing.remote_signing.return_check import Returned
from signing.testca.authority import TestAuthority, TestPerson
from tests.browser.city import City
from tests.browser.conftest import HEIGHTS, axe, overflow
from tests.forks.instance import ForkedInstance
from tests.signing.remote_signing.agent import Agent, listening
from web.tour.browser import Browser
from web.tour.documents import until
from web.tour.instance import free_port

PICTURES = os.environ.get("LOOK_AT_DEVICE")


@dataclass
class Desk:
    city: City
    agent: Agent
    port: int
    paper: str


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    port = free_port()
    with ForkedInstance(LIENTHONG_SIGN_AGENT_URL=f"ws://127.0.0.1:{port}") as instance:
        city = City(instance, {name: Browser(instance.url).sign_in(name) for name in ("binh", "quantri")})
        with instance.database() as db, db.read() as tx:
            found = sa.select(Document.id).where(Document.state == DocumentState.REVIEW)
            paper = f"/documents/out/{tx.session.scalars(found).one()}"
            known = directory.person_by_email(tx, email_of("binh"))
            assert known is not None
            binh = directory.person(tx, known.id)
        authority = TestAuthority(instance.folder / "pki")
        key = person_key_name(binh.id)
        authority.issue_person(TestPerson(key, binh.name, binh.agency_name, binh.title, binh.email))
        folder = tmp_path_factory.mktemp("desk")
        agent = Agent.holding(authority.person_path(key), authority.passphrase, folder, binh.name)
        until(lambda: "<doc-paper" in city.people["binh"].get(paper), "the letter is laid out")
        yield Desk(city, agent, port, paper)


def look(page: object, name: str) -> None:
    """Pictures for people, when they are asked for."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)  # type: ignore[attr-defined]


def fits(chromium: Chromium, desk: Desk, who: str, path: str) -> tuple[BrowserContext, Page]:
    """The page of this person, which overflows at no width and has no fault of access."""
    context = desk.city.window(chromium, who, 1024, HEIGHTS[1024])
    page = context.new_page()
    page.goto(desk.city.url + path)
    for width in (390, 1024, 1920):
        page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        assert overflow(page) is None
        look(page, f"{path.strip('/').replace('/', '-')}-{width}")
    assert axe(page) == []
    return context, page


@pytest.mark.long_proof
def test_the_pages_of_many_and_of_delegations_fit_every_screen(chromium: Chromium, desk: Desk) -> None:
    for who, path in (("quantri", "/admin/delegations"), ("binh", "/documents/sign"), ("binh", "/documents/out")):
        context, page = fits(chromium, desk, who, path)
        if path == "/documents/sign":
            page.get_by_role("checkbox").first.check()
            page.get_by_role("button", name="Ký các văn bản đã chọn…").click()
            expect(page.get_by_role("button", name="Ký 1 văn bản")).to_be_visible()
            look(page, "confirm-1920")
            assert axe(page) == []
        context.close()


@pytest.mark.long_proof
def test_the_page_calls_the_program_and_says_plainly_when_there_is_none(chromium: Chromium, desk: Desk) -> None:
    context = desk.city.window(chromium, "binh", 1024, HEIGHTS[1024])
    page = context.new_page()
    page.goto(desk.city.url + desk.paper)
    look(page, "before-1024")
    page.get_by_role("button", name="Ký bằng thiết bị của tôi").click()
    said = page.locator(".device-said")
    expect(said).to_contain_text("Không thấy phần mềm ký số")
    assert axe(page) == []
    for width in (390, 1024, 1920):
        page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        assert overflow(page) is None
        look(page, f"none-{width}")
    with listening(desk.agent, desk.port):
        page.get_by_role("button", name="Mở phần mềm ký số").click()
        expect(page.locator("sign-device")).to_have_count(0, timeout=60_000)  # fetched, signed, brought and judged
        expect(page.locator(".document-facts").first).to_contain_text("Đã ký, chờ đóng dấu")
    look(page, "signed-1920")
    assert len(desk.agent.fetched) == 1
    context.close()


@pytest.mark.long_proof
def test_certificates_are_seen_and_let_go_of_on_every_screen(chromium: Chromium, desk: Desk) -> None:
    with desk.city.instance.database() as db, db.write() as tx:
        for name in ("binh", "son"):
            person = directory.person_by_email(tx, email_of(name))
            assert person is not None
            number = hashlib.sha256(name.encode()).hexdigest()
            signing_desk.hold(tx, Ref("person", person.id), Returned("NguoiKy", number, person.name, number[:32]))
    for who, path in (("quantri", "/admin/certificates"), ("binh", "/account/certificates")):
        context, page = fits(chromium, desk, who, path)
        page.get_by_role("button", name="Gỡ…").first.click()
        look(page, f"{path.strip('/').replace('/', '-')}-ask")
        if who == "quantri":
            page.get_by_role("textbox", name="Lý do").fill("Thay thiết bị")
        else:
            page.get_by_role("textbox", name="Mật khẩu hiện tại").fill("không phải")
            page.get_by_role("button", name="Gỡ", exact=True).click()
            expect(page.get_by_text("Mật khẩu hiện tại không đúng.")).to_be_visible()
            look(page, "account-certificates-refused")
            assert axe(page) == []
            page.get_by_role("textbox", name="Mật khẩu hiện tại").fill(PASSWORD)
        page.get_by_role("button", name="Gỡ", exact=True).click()
        expect(page.get_by_text("Đã gỡ chứng thư.")).to_be_visible()
        look(page, f"{path.strip('/').replace('/', '-')}-gone")
        context.close()
