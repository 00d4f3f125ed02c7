"""What only certain places may do. By AST, so that neither a comment nor a clever import can fool it."""

import ast
import subprocess
import sys
from collections import Counter
from functools import cache

import pytest

from tests.rules.source import ROOMS, ROOT, Module, dotted, modules

LONGEST_FUNCTION = 50
LONGEST_FILE = 450
LARGEST_FOLDER = 35

# call or name -> the files that may use it
ALLOWED = {
    "commit": ("kernel/db.py", "web/schema.py"),
    "os.environ": ("kernel/config.py", "conformance/__main__.py"),  # the kit tells pytest how to run, not the house
    "os.getenv": (),
    "datetime.now": ("kernel/clock.py",),
    "datetime.utcnow": (),
    "date.today": (),
    "time.time": ("web/rates.py",),  # the library that counts calls tells the end of its windows by this clock
    "print": (),
}
NETWORK = {"requests", "urllib3", "smtplib", "urllib.request", "http.client", "httpx", "aiohttp", "twilio"}
NETWORK_PLACES = (
    "conformance/",
    "notify/mail/",
    "notify/sms/",
    "notify/sinks/",
    "docex/exchange/hub/webhooks/http_client.py",
    "notify/doctor.py",
    "docex/agent/http_client.py",
    "docex/agent/hub.py",
    "signing/",
    "docex/exchange/vxp/client.py",
    "web/doctor.py",
    "web/tour",
)


@cache
def uses(module: Module) -> set[tuple[str, int]]:
    """The watched names that a file uses, with their lines, under whatever name it has imported them."""
    found, meant = set(), _imported(module.tree)
    for node in module.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
            found.add(("commit", node.lineno))
        if isinstance(node, ast.Attribute | ast.Name):
            first, dot, rest = dotted(node).partition(".")
            name = meant.get(first, first) + dot + rest
            found |= {(w, node.lineno) for w in ALLOWED if name == w or (name.endswith("." + w) and "." in w)}
    return found


def _imported(tree: ast.Module) -> dict[str, str]:
    """What the names stand for that a file imports: `time` for `time.time` after `from time import time`."""
    meant: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            meant |= {a.asname: a.name for a in node.names if a.asname}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            meant |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return meant


@pytest.mark.parametrize(
    ("line", "watched"),
    [
        ("from time import time as now\nnow()", "time.time"),
        ("import os as system\nsystem.environ['A']", "os.environ"),
        ("from datetime import datetime as dt\nlater = dt.now", "datetime.now"),
        ("from os import getenv\ngetenv('A')", "os.getenv"),
        ("session.commit()", "commit"),
    ],
)
def test_no_import_fools_this_rule(line: str, watched: str) -> None:
    assert watched in {name for name, _ in uses(Module("some.py", ast.parse(line), 2))}


@pytest.mark.parametrize("watched", sorted(ALLOWED))
def test_it_is_done_only_where_it_belongs(watched: str) -> None:
    wrong = [
        f"{m.path}:{line}"
        for m in modules()
        for name, line in uses(m)
        if name == watched and m.path not in ALLOWED[watched]
    ]
    assert wrong == []


def test_only_adapters_reach_the_network() -> None:
    wrong = []
    for module in modules():
        if module.path.startswith(NETWORK_PLACES):
            continue
        for node in module.nodes:
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            wrong += [f"{module.path}:{node.lineno}" for n in names if n in NETWORK or n.partition(".")[0] in NETWORK]
    # Single sign-on asks the issuer during the sign-in itself: a person waits for just this answer.
    assert [w for w in wrong if not w.startswith("directory/oidc.py")] == []


def too_long(*found: Module) -> list[str]:
    """Files and functions, methods and nested ones too, above the caps."""
    wrong = []
    for module in found:
        if module.lines > LONGEST_FILE:
            wrong.append(f"{module.path}: {module.lines} lines")
        for node in module.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    wrong.append(f"{module.path}:{node.lineno} {node.name}: {length} lines")
    return wrong


def test_functions_and_files_stay_short() -> None:
    folders = ("bench", "conformance", "scripts", "tests")
    assert too_long(*modules(), *modules(*folders)) == []


def test_what_is_too_long_is_seen_wherever_it_stands() -> None:
    body = "        pass\n" * LONGEST_FUNCTION
    for text in (f"class A:\n    async def f():\n{body}", f"if x:\n    def f():\n        def g(): ...\n{body}"):
        assert too_long(Module("some.py", ast.parse(text), 60))
    assert too_long(Module("some.py", ast.parse(""), LONGEST_FILE + 1))
    assert not too_long(Module("some.py", ast.parse(f"def f():\n{body[13:]}"), LONGEST_FILE))


def test_a_folder_holds_no_more_files_than_a_newcomer_takes_in() -> None:
    everything = modules(*ROOMS, "bench", "tests")
    files = Counter(module.path.rpartition("/")[0] for module in everything)
    assert {f"{folder}: {n}" for folder, n in files.items() if n > LARGEST_FOLDER} == set()


def test_public_things_of_the_rooms_say_what_they_do() -> None:
    wrong = []
    for module in modules():
        if not ast.get_docstring(module.tree) and module.tree.body:
            wrong.append(module.path)
        for node in module.tree.body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            if not ast.get_docstring(node):
                wrong.append(f"{module.path}:{node.lineno} {node.name}")
    assert wrong == []


def test_no_room_has_a_drawer_for_odds_and_ends() -> None:
    banned = {"utils", "helpers", "manager", "process", "common", "misc"}
    wrong = [m.path for m in modules() if m.path.rpartition("/")[2].removesuffix(".py") in banned - {"process"}]
    assert wrong == []


def test_imports_go_to_the_left_only() -> None:
    run = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", run, "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
