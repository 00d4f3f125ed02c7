"""Small secrets in the database: sealed for their owner, readable through a change of the installation's secret."""

import pytest

from kernel.sealing import MARK, Safe

#: Sealed by the release that began it, for `person:7` with this secret of the installation.
INSTALLATION, OWNER = "of this installation", "person:7"
SEALED = "sealed1:O14ApG5Xlcw9y306HfB6/xLoZHUgQhES6ChqfpP2y9SW7pyPvVY1hwKz0sf799mgb3sBLXvg2KmYwpVg"
OPENED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def test_what_was_sealed_once_is_opened_ever_after() -> None:
    assert Safe((INSTALLATION,), "second step").opened(SEALED, OWNER) == OPENED


@pytest.mark.parametrize(
    ("secret", "purpose", "owner"),
    [("another", "second step", OWNER), (INSTALLATION, "vxp", OWNER), (INSTALLATION, "second step", "person:8")],
    ids=["another installation", "another purpose", "another owner"],
)
def test_it_opens_for_nobody_else(secret: str, purpose: str, owner: str) -> None:
    assert Safe((secret,), purpose).opened(SEALED, owner) is None


@pytest.mark.parametrize("broken", [MARK, MARK + "AAAA", MARK + "%%%", SEALED[:-4], SEALED[:-5] + "AVg="])
def test_what_is_broken_opens_not_and_breaks_nothing(broken: str) -> None:
    assert Safe((INSTALLATION,), "second step").opened(broken, OWNER) is None


def test_a_secret_that_is_opened_is_not_shown_in_error_reports() -> None:
    assert repr(Safe((INSTALLATION,), "second step").opened(SEALED, OWNER)) == "<secret>"


def test_the_same_secret_is_never_kept_twice_alike() -> None:
    safe = Safe((INSTALLATION,), "second step")
    assert safe.seal(OPENED, OWNER) != safe.seal(OPENED, OWNER)


def test_while_the_key_changes_either_opens_and_the_new_one_seals() -> None:
    before, between, after = (Safe(secrets, "x") for secrets in (("old",), ("new", "old"), ("new",)))
    kept = before.seal("s", OWNER)
    assert [safe.opened(kept, OWNER) for safe in (before, between, after)] == ["s", "s", None]
    assert not between.is_current(kept, OWNER)
    anew = between.seal("s", OWNER)
    assert between.is_current(anew, OWNER)
    assert [safe.opened(anew, OWNER) for safe in (before, between, after)] == [None, "s", "s"]
