"""The rows of results, one file a bench: `bench/results/NAME.jsonl`, the newest last.

A row has `bench`, `command`, `date`, `commit`, `processor`, `cores`, `load` and `beside` (what else the machine did),
then `seconds` (how long it ran), `figures` (the bench's JSON line without its claim) and `holds`. Rows from before
this file were taken over from the prose of docs/benches.md: they have `told` and `holds_told` in place of `figures`,
and `unknown` names the fields that nobody wrote down, which are null.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.harness import machine

RESULTS = Path(__file__).parents[1] / "results"
FIELDS = ("bench", "command", "date", "commit", "processor", "cores", "load", "beside", "holds")
Row = dict[str, Any]


def conditions() -> Row:
    """The date, the code and the machine; taken before a bench begins, since it is a load itself."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": machine.commit(),
        "processor": machine.processor(),
        "cores": machine.cores(),
        "load": machine.load(),
        "beside": "",
    }


def row(name: str, given: Sequence[str], before: Mapping[str, Any], seconds: float, line: Mapping[str, Any]) -> Row:
    """The row of one run."""
    figures = {key: value for key, value in line.items() if key not in ("claim", "holds")}
    command = " ".join(["scripts/bench", name, *given])
    return {
        "bench": name,
        "command": command,
        **before,
        "seconds": round(seconds),
        "figures": figures,
        "holds": line["holds"],
    }


def append(path: Path, new: Row) -> None:
    """Add a row at the end of a file of results."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(new, ensure_ascii=False) + "\n")


def rows(name: str, folder: Path = RESULTS) -> list[Row]:
    """The rows of a bench by date, of one date in the order in which they were added."""
    path = folder / f"{name}.jsonl"
    found = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return sorted(found, key=lambda one: one["date"])


def names(folder: Path = RESULTS) -> list[str]:
    """The files of results that there are, by name."""
    return sorted(path.stem for path in folder.glob("*.jsonl"))
