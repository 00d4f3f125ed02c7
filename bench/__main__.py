"""`python -m bench NAME [--option VALUE]`: run one bench; exit code 0 if its claim holds."""

import argparse
import importlib
import inspect
import sys

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


def run(arguments: list[str]) -> int:
    """Run the bench that the arguments name and print its line."""
    if not arguments or arguments[0] not in NAMES:
        sys.stderr.write(f"usage: scripts/bench NAME, where NAME is one of: {', '.join(NAMES)}\n")
        return 2
    name, *rest = arguments
    main = importlib.import_module(MODULES[name]).main
    parser = argparse.ArgumentParser(f"scripts/bench {name}")
    for option in inspect.signature(main).parameters.values():
        parser.add_argument(f"--{option.name}", type=type(option.default), default=option.default)
    result = main(**vars(parser.parse_args(rest)))
    sys.stdout.write(result.line() + "\n")
    return 0 if result.holds else 1


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
