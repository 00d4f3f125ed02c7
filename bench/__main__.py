"""`python -m bench NAME`: run one bench; exit code 0 if its claim holds."""

import importlib
import sys

#: The benches there are; each is a module of this package with `main() -> Result`.
NAMES = (
    "agent",
    "bigfile",
    "broadcast",
    "delivery",
    "exchange",
    "fanout",
    "kill",
    "receipts",
    "sign",
    "submit",
    "verify",
)


def run(arguments: list[str]) -> int:
    """Run the bench that the arguments name and print its line."""
    if len(arguments) != 1 or arguments[0] not in NAMES:
        sys.stderr.write(f"usage: scripts/bench NAME, where NAME is one of: {', '.join(NAMES)}\n")
        return 2
    result = importlib.import_module(f"bench.{arguments[0]}").main()
    sys.stdout.write(result.line() + "\n")
    return 0 if result.holds else 1


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
