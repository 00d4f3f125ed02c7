"""What the picture of the house shows: packages, their floors, what they import and how large they are.

Packages and sub-packages are read from the file system, floors from import-linter's contracts in setup.cfg.
"""

import ast
import configparser
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CONTRACT = "importlinter:contract:"


@dataclass(frozen=True)
class Part:
    """A package or sub-package, or the modules that lie beside the sub-packages of a package (`name` ends in `.*`)."""

    name: str
    files: tuple[Path, ...]

    @property
    def lines(self) -> int:
        """Lines of Python, all sub-packages included."""
        return sum(_source(file).count("\n") for file in self.files)


@dataclass(frozen=True)
class Package:
    """One room: its floors from the highest to the lowest, each a row of parts that do not see each other."""

    whole: Part
    floors: tuple[tuple[Part, ...], ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts, from the highest floor to the lowest."""
        return tuple(part for floor in self.floors for part in floor)


@cache
def _source(file: Path) -> str:
    return file.read_text()


@cache
def _contracts() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def layers_of(container: str) -> list[list[str]]:
    """The rows of a contract of layers, highest first, with full names; `""` asks for the contract over the packages.
    Empty where setup.cfg has none."""
    for section in _contracts().sections():
        entry = _contracts()[section]
        if section.startswith(CONTRACT) and entry.get("type") == "layers":
            containers = entry.get("containers", "").split()
            names = [re.findall(r"[\w.]+", row) for row in entry["layers"].strip().splitlines()]
            if container in containers:
                return [[f"{container}.{name}" for name in row] for row in names]
            if not containers and all(name.rpartition(".")[0] == container for row in names for name in row):
                return names
    return []


def house() -> list[Package]:
    """All packages, highest first. `conformance` is a client of the house and stands above it."""
    names = [name for row in layers_of("") for name in row]
    roots = _contracts()["importlinter"]["root_packages"].split()
    above = [name for name in (*roots, "conformance") if name not in names]
    return [_package(name) for name in (*dict.fromkeys(above), *names)]


def _package(name: str) -> Package:
    folder = ROOT / name
    below = [path for path in sorted(folder.iterdir()) if path.is_dir() and any(path.rglob("*.py"))]
    parts = {f"{name}.{path.name}": _part(f"{name}.{path.name}", path) for path in below}
    own = Part(f"{name}.*", tuple(sorted(folder.glob("*.py"))))
    rows = [[parts.pop(layer) for layer in row if layer in parts] for row in layers_of(name)]
    top = [own] if layers_of(name) or parts else []
    rest = list(parts.values())
    floors = [[*top, *rest], *rows]
    return Package(_part(name, folder), tuple(tuple(floor) for floor in floors if floor))


def _part(name: str, folder: Path) -> Part:
    return Part(name, tuple(sorted(folder.rglob("*.py"))))


@cache
def _imports(file: Path) -> frozenset[str]:
    """Full names of what a file imports, wherever in it: `a.b.c` of both `import a.b.c` and `from a.b import c`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(_source(file))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def arrows(parts: list[Part]) -> list[tuple[int, int]]:
    """Which of the parts imports which, as pairs of places in the list."""
    found = defaultdict(set)
    prefixes = {place: part.name.removesuffix("*") for place, part in enumerate(parts)}
    for place, part in enumerate(parts):
        for name in {name for file in part.files for name in _imports(file)}:
            target = _home(name, prefixes)
            if target is not None and target != place:
                found[place].add(target)
    return sorted((one, other) for one, others in found.items() for other in others)


def _home(name: str, prefixes: dict[int, str]) -> int | None:
    """The part in which a module lies: the one with the longest name that the module's begins with."""
    inside = [place for place, prefix in prefixes.items() if f"{name}.".startswith(prefix.removesuffix(".") + ".")]
    return max(inside, key=lambda place: len(prefixes[place]), default=None)
