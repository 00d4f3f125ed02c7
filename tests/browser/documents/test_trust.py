"""The second administrator types the 64 digits of a fingerprint."""

import pytest
from playwright.sync_api import expect

from directory import queries
from directory.actor import Role
from directory.models import RoleGrant
from signing.testca.authority import TestAuthority
from signing.trust import anchors
from signing.trust.trust_store import Purpose
from tests.browser.conftest import Pages, axe, overflow
from tests.browser.house import House, signed_in
from tests.sampling import sampled


@pytest.fixture(scope="module")
def change(house: House, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a root that somebody else has proposed."""
    root = TestAuthority(tmp_path_factory.mktemp("pki")).root_certificate
    admin, _ = signed_in(house, "quantri")
    other, _ = signed_in(house, "thu")
    with house.db.write() as tx:
        first = queries.actor_of(tx, admin)
        assert first is not None
        tx.session.add(RoleGrant(person_id=other, agency_id=first.agency_id, role=Role.ADMIN))
        tx.session.flush()
        second = queries.actor_of(tx, other)
        assert second is not None
        made = anchors.propose(tx, second, root, (Purpose.PERSON,), "để thử", allow_test=True)
        return f"{house.url}/admin/trust/changes/{made.id}"


@pytest.mark.parametrize("width", sampled([390, 1024], one_in=2))
def test_the_digits_are_shown_in_groups_and_counted(house: House, change: str, page_at: Pages, width: int) -> None:
    watched = page_at(width)
    watched.page.context.add_cookies([signed_in(house, "quantri")[1]])
    page = watched.open(change)
    shown = page.locator(".digits")
    expect(shown).to_be_hidden()
    page.fill("[name=fingerprint]", "F0:4b a4b-45.9")
    expect(shown.locator("code")).to_have_text("f04b a4b4 59")
    expect(shown).to_contain_text("10 trong 64 chữ số")
    page.fill("[name=fingerprint]", "12ab" * 16)
    expect(shown).to_contain_text("64 trong 64 chữ số")
    assert overflow(page) is None
    assert axe(page) == []
    watched.expected_status = 422
    page.get_by_role("button", name="Xác nhận", exact=True).click()
    expect(page.locator(".error-summary")).to_contain_text("Không khớp")
    expect(shown.locator("code")).to_have_text(" ".join(["12ab"] * 16))
