"""`lienthong tour` drives every thread of the house and holds."""

import pytest
from click.testing import CliRunner

from web.cli import main


@pytest.mark.timeout(180)
def test_the_tour_holds() -> None:
    done = CliRunner().invoke(main, ["tour"])
    assert done.exit_code == 0, done.output
    assert "0 failed" in done.output
    assert "SMS was accepted" in done.output
