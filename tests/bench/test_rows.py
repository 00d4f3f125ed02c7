"""Rows of results, and the tables in docs/ that are made from them and from the docstrings of the benches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.harness import history, tables
from bench.harness.catalogue import LABELS, NAMES, described
from bench.harness.result import Result, TimeBound


def bound(value: float, floor: float) -> TimeBound:
    return TimeBound("the first", value, 300.0, "the sandbox", floor, 0.15)


def result(value: float, floor: float) -> Result:
    return Result("a", {"ms": 1}, {"ms": 2}, 1.0, bounds=[bound(value, floor)])


def test_a_machine_half_as_fast_fails_no_promised_time() -> None:
    assert result(300, 2000).holds
    assert result(600, 4000).holds
    assert not result(700, 4000).holds
    assert not result(301, 1000).holds
    assert json.loads(result(600, 4000).line())["bounds"]["the first"] == {
        "ms": 600,
        "most_ms": 300.0,
        "floor": "the sandbox",
        "floor_ms": 4000,
        "ratio": 0.15,
        "must": 0.15,
        "holds": True,
    }


def test_a_floor_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="floors"):
        result(1, 0)


def test_the_tables_are_fresh() -> None:
    stale = [path.name for path, text in tables.pages().items() if path.read_text() != text]
    assert stale == [], "run scripts/bench table"


@pytest.mark.parametrize("name", NAMES)
def test_every_bench_says_its_claim_peer_bound_and_how_long_it_takes(name: str) -> None:
    told = described(name)
    assert set(told) | {"Peer", "Floor"} == set(LABELS)
    assert "Peer" in told or "Floor" in told


@pytest.mark.parametrize("name", history.names())
def test_every_kept_row_tells_its_conditions_or_says_that_they_are_unknown(name: str) -> None:
    for row in history.rows(name):
        assert set(history.FIELDS) <= set(row), row
        missing = {field for field in history.FIELDS if row[field] is None}
        assert missing == set(row.get("unknown", ())), row
        assert ("figures" in row) != ("told" in row), row


def test_a_row_is_kept_and_is_the_latest(tmp_path: Path) -> None:
    before = history.conditions()
    line = json.loads(result(600, 1000).line())
    path = tmp_path / "sign.jsonl"
    history.append(path, history.row("sign", ["--rounds=1"], {**before, "date": "2026-11-26"}, 9.6, line))
    history.append(path, history.row("sign", [], {**before, "date": "2026-11-25"}, 9.6, line))
    latest = history.rows("sign", tmp_path)[-1]
    assert (latest["command"], latest["seconds"]) == ("scripts/bench sign --rounds=1", 10)
    assert latest["processor"]
    assert latest["cores"] >= 1
    assert tables.holds(latest) == "no: the first"
    told = "ours ms 1; peer ms 2; ratio 0.5 (at most 1); the first 600 ms (at most 300, or 0.15 times the sandbox"
    assert told in tables.figures(latest)
    assert told in tables.claims(tmp_path)
    assert told in tables.rows(tmp_path)
