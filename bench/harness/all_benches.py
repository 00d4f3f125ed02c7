"""`scripts/bench all [--quick] [--keep]`: every bench but `flake`, one after the other, and one table of them all.

Each runs in a process of its own and begins on a machine that the one before has left; one that fails is told of in
its line, and the next one begins. `--quick` takes the smallest sizes, which show that the benches work and prove no
claim. `--flake` runs that one too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from bench.harness.catalogue import FAILS, HOLDS, NAMES, QUICK, ROOT
from bench.harness.failures import last_line
from bench.harness.result import progress
from bench.harness.tables import figures, holds

WIDTHS = (10, 7)


def run(*, quick: bool, keep: bool, flake: bool) -> int:
    """Run them and print the table; exit code 0 when every claim holds."""
    lines = {}
    for name in NAMES:
        if name == "flake" and not flake:
            continue
        progress(f"--- {name}")
        options = [*(QUICK.get(name, ()) if quick else ()), *(["--keep"] if keep else [])]
        lines[name] = line_of([sys.executable, "-m", "bench", name, *options])
    sys.stdout.write(table(lines) + "\n")
    return HOLDS if all(line["holds"] for line in lines.values()) else FAILS


def line_of(command: Sequence[str]) -> Mapping[str, Any]:
    """The JSON line that a bench prints; one that says so when it ended without any."""
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    try:
        found: dict[str, Any] = json.loads(last_line_whole(done.stdout))
    except ValueError:
        message = f"exit code {done.returncode}: {last_line(done.stdout)}"
        return {"holds": False, "failed": {"side": "ours", "message": message}}
    return found


def last_line_whole(text: str) -> str:
    """The last line that is not empty, however long."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")


def table(lines: Mapping[str, Mapping[str, Any]]) -> str:
    """Name, whether the claim holds, and the figures with their bounds, a line for each bench."""
    rows = [("name", "holds", "figures and bounds")]
    for name, line in lines.items():
        row = {"figures": line, "holds": line["holds"]}
        told, _, missed = holds(row).partition(": ")
        rows.append((name, told, figures(row) + (f"; missed: {missed}" if missed else "")))
    return "\n".join(f"{name:{WIDTHS[0]}} {told:{WIDTHS[1]}} {text}" for name, told, text in rows)
