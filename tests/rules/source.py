"""The house's own source, parsed once for all rules."""

import ast
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("kernel", "directory", "signing", "notify", "tasks", "docex", "meetings", "web", "conformance")


@dataclass(frozen=True)
class Module:
    """One file: its path from the root and its tree."""

    path: str
    tree: ast.Module
    lines: int

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All nodes of the tree: dozens of rules walk through them."""
        return tuple(ast.walk(self.tree))


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """All Python files below `folders`; the rooms when none are named."""
    found = []
    for folder in folders or ROOMS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "node_modules" not in path.parts:
                found.append(_parsed(path))
    return tuple(found)


@cache
def _parsed(path: Path) -> Module:
    text = path.read_text()
    return Module(str(path.relative_to(ROOT)), ast.parse(text), text.count("\n"))


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a name or attribute, else empty."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def literal_start(node: ast.AST) -> str | None:
    """The beginning of a string that the code itself fixes: of a literal or of an f-string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr) and node.values:
        return literal_start(node.values[0])
    return None
