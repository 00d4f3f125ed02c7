"""The line of a bench: frozen, so that results of different days can be laid side by side."""

from __future__ import annotations

import importlib
import json

import pytest

from bench.__main__ import run
from bench.harness.catalogue import MODULES, NAMES
from bench.harness.result import Result, median, percentile


def result(ours: float, peer: float, must: float = 1.0) -> Result:
    return Result("ours is not slower", {"median_ms": ours, "p95_ms": 20}, {"median_ms": peer, "p95_ms": 40}, must)


def test_the_line_has_the_agreed_keys_in_their_order() -> None:
    line = Result("a", {"ms": 1}, {"ms": 2}, 1.0, {"rounds": 3}).line()
    assert "\n" not in line
    assert list(json.loads(line))[:6] == ["claim", "ours", "peer", "ratio", "must", "holds"]
    assert json.loads(line) == {
        "claim": "a",
        "ours": {"ms": 1},
        "peer": {"ms": 2},
        "ratio": 0.5,
        "must": 1.0,
        "holds": True,
        "ratios": {"ms": 0.5},
        "rounds": 3,
    }


def test_the_ratio_is_the_worst_of_the_figures() -> None:
    assert result(9, 10).ratio == 0.9
    assert result(2, 10).ratio == 0.5


def test_a_claim_holds_up_to_its_limit_and_not_above() -> None:
    assert result(10, 10).holds
    assert not result(10.02, 10).holds
    assert result(15, 10, must=1.5).holds


def test_what_must_be_true_as_well_decides_too() -> None:
    claim = Result("a", {"ms": 1}, {"ms": 2}, 1.0, further={"at least 60 each second": False})
    assert not claim.holds
    assert json.loads(claim.line())["further"] == {"at least 60 each second": False}


@pytest.mark.parametrize(
    ("ours", "peer", "extra"),
    [
        ({}, {}, {}),
        ({"ms": 1}, {"s": 1}, {}),
        ({"ms": 1}, {"ms": 0}, {}),
        ({"ms": 1}, {"ms": 1}, {"holds": True}),
    ],
)
def test_a_result_that_decides_nothing_is_refused(
    ours: dict[str, float], peer: dict[str, float], extra: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match=r"."):
        Result("a", ours, peer, 1.0, extra)


def test_medians_and_percentiles() -> None:
    values = [float(number) for number in range(1, 101)]
    assert median(values) == 50.5
    assert percentile(values, 95) == 95.0
    assert percentile([7.0], 95) == 7.0
    assert percentile(list(reversed(values)), 1) == 1.0


def test_an_unknown_bench_is_answered_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["nonsense"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "fanout" in printed.err


@pytest.mark.parametrize("name", NAMES)
def test_every_bench_can_be_run(name: str) -> None:
    assert callable(importlib.import_module(MODULES[name]).main)
