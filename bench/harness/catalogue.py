"""The benches there are, what their docstrings say of them, and how one of them is run.

A bench's docstring has, after its first paragraph, four labelled ones: `Claim:`, `Peer:` or `Floor:`, `Bound:` and
`Takes:` (how long it runs). They are read without importing the bench, whose imports take seconds.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import json
import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.harness.failures import MeasurementError

ROOT = Path(__file__).parents[2]
TRACES = ROOT / "var" / "bench"
#: The benches there are, and the module of each with `main(…) -> Result`. What `main` takes by name, with a default of
#: its type, are the options of the bench.
MODULES = {
    "agent": "bench.agent",
    "bigfile": "bench.bigfile",
    "broadcast": "bench.broadcast",
    "delivery": "bench.delivery.run",
    "exchange": "bench.exchange",
    "fanout": "bench.fanout.run",
    "flake": "bench.flake",
    "inbox": "bench.inbox",
    "kill": "bench.kill.run",
    "pages": "bench.pages",
    "receipts": "bench.receipts",
    "registers": "bench.registers.run",
    "sign": "bench.sign",
    "submit": "bench.submit",
    "verify": "bench.verify.run",
}
NAMES = tuple(MODULES)
#: The smallest sizes, which show that a bench works and prove no claim.
QUICK: dict[str, tuple[str, ...]] = {
    "agent": ("--rounds=1", "--letters=3"),
    "bigfile": ("--rounds=1", "--gigabytes=0.02"),
    "broadcast": ("--rounds=1",),
    "delivery": ("--rounds=1", "--letters=3"),
    "exchange": ("--messages=20", "--kills=3"),
    "fanout": ("--rounds=1", "--changes=3"),
    "flake": ("--runs=1", "--tests=tests/bench/test_result.py"),
    "inbox": ("--rounds=1", "--minutes=0.1", "--endpoints=20"),
    "pages": ("--rounds=1",),
    "receipts": ("--rounds=1",),
    "registers": ("--copies=5000", "--rounds=2"),
    "sign": ("--rounds=1", "--turns=4"),
    "submit": ("--rounds=1", "--letters=20"),
    "verify": ("--rounds=1", "--turns=2"),
}
HOLDS, FAILS, USAGE, NO_PEER = 0, 1, 2, 3
LABELS = ("Claim", "Peer", "Floor", "Bound", "Takes")
_LABELLED = re.compile(rf"^({'|'.join(LABELS)}): (.+?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Outcome:
    """The JSON line of a run, and the exit code: 0 the claim holds, 1 it does not or ours failed, 3 the peer failed."""

    line: Mapping[str, Any]
    code: int

    def text(self) -> str:
        """The line as it is printed."""
        return json.dumps(self.line, ensure_ascii=False)


def described(name: str) -> dict[str, str]:
    """What the docstring of a bench says under each label, in one line each."""
    path = ROOT / (MODULES[name].replace(".", "/") + ".py")
    doc = ast.get_docstring(ast.parse(path.read_text())) or ""
    return {label: " ".join(text.split()) for label, text in _LABELLED.findall(doc)}


def measure(name: str, given: Sequence[str]) -> Outcome:
    """Run a bench with these options. A failure of either side is a line as well; its trace goes to var/bench."""
    main = importlib.import_module(MODULES[name]).main
    parser = argparse.ArgumentParser(f"scripts/bench {name}")
    for option in inspect.signature(main).parameters.values():
        parser.add_argument(f"--{option.name}", type=type(option.default), default=option.default)
    options = vars(parser.parse_args(given))
    try:
        result = main(**options)
    except Exception as failed:  # whatever it is: the person who waits gets one line that says so
        return failure(name, failed)
    return Outcome(json.loads(result.line()), HOLDS if result.holds else FAILS)


def failure(name: str, failed: Exception) -> Outcome:
    """The line of a bench that has no figures: which side failed and how, and where the trace is."""
    side = failed.side if isinstance(failed, MeasurementError) else MeasurementError.side
    TRACES.mkdir(parents=True, exist_ok=True)
    trace = TRACES / f"{name}.trace"
    trace.write_text("".join(traceback.format_exception(failed)))
    message = " ".join(str(failed).split())[:300]
    line = {
        "claim": described(name).get("Claim", name),
        "holds": False,
        "failed": {"side": side, "error": type(failed).__name__, "message": message},
        "trace": str(trace.relative_to(ROOT)),
    }
    return Outcome(line, NO_PEER if side == "peer" else FAILS)
