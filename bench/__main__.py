"""`python -m bench NAME [--option VALUE] [--keep [PATH]]`: run one bench and print its JSON line.

`--keep` adds the run to bench/results/NAME.jsonl and renews the tables in docs/, or adds it to the file that is named.
`all` runs every bench and prints one table; `table` renews the tables. Exit code 0: the claim holds; 1: it does not,
or our side failed; 2: wrong arguments; 3: the peer failed, is missing or was too slow, so nothing was measured.
"""

import argparse
import sys
import time
from pathlib import Path

from bench.harness import all_benches, history, tables
from bench.harness.catalogue import NAMES, USAGE, measure


def run(arguments: list[str]) -> int:
    """Do what the arguments say; the exit code."""
    name, *rest = arguments or [""]
    if name == "all":
        parser = argparse.ArgumentParser("scripts/bench all")
        for flag in ("--quick", "--keep", "--flake"):
            parser.add_argument(flag, action="store_true")
        return all_benches.run(**vars(parser.parse_args(rest)))
    if name == "table":
        tables.write()
        return 0
    if name not in NAMES:
        sys.stderr.write(f"usage: scripts/bench NAME, where NAME is one of: {', '.join(NAMES)}, all, table\n")
        return USAGE
    return _run_one(name, rest)


def _run_one(name: str, arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    kept_in = history.RESULTS / f"{name}.jsonl"
    parser.add_argument("--keep", nargs="?", type=Path, const=kept_in)
    known, options = parser.parse_known_args(arguments)
    before = history.conditions()
    begun = time.monotonic()
    outcome = measure(name, options)
    sys.stdout.write(outcome.text() + "\n")
    if known.keep is not None:
        history.append(known.keep, history.row(name, options, before, time.monotonic() - begun, outcome.line))
        if known.keep == kept_in:
            tables.write()
    return outcome.code


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
