"""The bench of tests that fail under load sees a test that fails, and one that cannot be taken up at all."""

from pathlib import Path

import pytest

from bench import flake
from tests.sampling import sampled

PASSES = "def test_it() -> None:\n    assert 1 + 1 == 2\n"
FAILS = "def test_it() -> None:\n    assert 1 + 1 == 3\n"
BREAKS = "import nothing_of_this_name\n"


@pytest.mark.parametrize(("text", "holds"), sampled([(FAILS, False), (PASSES, True), (BREAKS, False)], one_in=3))
def test_a_failure_ends_the_claim(tmp_path: Path, text: str, holds: bool) -> None:
    (tmp_path / "test_one.py").write_text(text)
    result = flake.main(runs=1, tests=str(tmp_path), workers=0)
    assert result.holds is holds
    assert result.extra["tests"] == 1
    assert len(result.extra["failed"]) == (0 if holds else 1)


def test_runs_with_different_tests_prove_nothing() -> None:
    nothing, three = flake.Run(0, (), 1.0, ended=True), flake.Run(3, (), 1.0, ended=True)
    assert flake.result_of([three, three]).holds
    assert not flake.result_of([nothing, three]).holds


def test_it_runs_the_lane_of_scripts_test() -> None:
    script = (flake.ROOT / "scripts" / "test").read_text()
    assert "-n 4 --dist loadscope --no-loadscope-reorder " in script
    assert "--dist loadscope --no-loadscope-reorder" in " ".join(flake.LANE)


@pytest.mark.long_proof
def test_a_run_of_nothing_is_none(tmp_path: Path) -> None:
    assert not flake.main(runs=1, tests=str(tmp_path), workers=0).holds
