"""`lienthong tour` drives every thread of the house and holds; `lienthong first-exchange` the shortest one."""

import re

import pytest
from click.testing import CliRunner

from web.cli import main


@pytest.mark.long_proof  # the tour goes the same way
@pytest.mark.timeout(600)
def test_the_first_exchange_ends_with_a_signed_receipt() -> None:
    done = CliRunner().invoke(main, ["first-exchange"])
    assert done.exit_code == 0, done.output
    assert "0 failed" in done.output
    assert re.search(r"^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+$", done.output, re.M)
    assert re.search(r"first exchange after \d+ s", done.output)


@pytest.mark.timeout(600)
def test_the_tour_holds(full: bool) -> None:
    done = CliRunner().invoke(main, ["tour", *(["--busy"] if full else [])])
    assert done.exit_code == 0, done.output
    assert "0 failed" in done.output
    assert "SMS was accepted" in done.output
