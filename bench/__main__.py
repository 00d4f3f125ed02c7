"""`python -m bench NAME`: run one bench; exit code 0 if its claim holds."""

import importlib
import pkgutil
import sys

import bench


def names() -> list[str]:
    """The benches there are: every module of this package that has a `main`."""
    found = [module.name for module in pkgutil.iter_modules(bench.__path__)]
    return [name for name in found if not name.startswith("_") and hasattr(_module(name), "main")]


def _module(name: str) -> object:
    return importlib.import_module(f"bench.{name}")


def run(arguments: list[str]) -> int:
    """Run the bench that the arguments name and print its line."""
    known = names()
    if len(arguments) != 1 or arguments[0] not in known:
        sys.stderr.write(f"usage: scripts/bench NAME, where NAME is one of: {', '.join(known)}\n")
        return 2
    result = importlib.import_module(f"bench.{arguments[0]}").main()
    sys.stdout.write(result.line() + "\n")
    return 0 if result.holds else 1


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
