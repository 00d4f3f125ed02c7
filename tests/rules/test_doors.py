"""Every door is guarded by default; every stream has an audience; every promise has a keeper."""

import ast
from pathlib import Path

import pytest
from flask import Flask

from kernel import outbox, streams
from kernel.blobs import BlobStore
from kernel.config import Config
from kernel.doors import Door, Guard
from tests.rules.source import dotted, literal_start, modules
from web import rooms
from web.app import create_app

# Endpoints that no room made. Each with the reason why it needs no guard.
FOREIGN = {
    "static": "files that everybody gets",
    "static_of_release": "the same under the name of their release",
    "bootstrap.static": "files that everybody gets",
}
LONGEST_VIEW = 15


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return create_app(Config(data_dir=tmp_path_factory.mktemp("rules")))


@pytest.fixture(scope="module")
def doors() -> list[Door]:
    return rooms.load_pages()


def test_every_endpoint_went_through_the_entry(app: Flask, doors: list[Door]) -> None:
    ours = {d.endpoint for d in doors}
    assert set(app.view_functions) - ours - set(FOREIGN) == set()


def test_every_open_door_says_why(doors: list[Door]) -> None:
    assert [d.endpoint for d in doors if d.guard is Guard.OPEN and len(d.reason) < 10] == []


def test_every_api_operation_needs_a_scope(doors: list[Door]) -> None:
    wrong = [d.path for d in doors if d.path.startswith("/api/") and d.guard is Guard.PERSON]
    wrong += [d.path for d in doors if d.guard is Guard.CLIENT and not d.scope]
    assert wrong == []


def test_reading_never_writes(doors: list[Door]) -> None:
    assert [d.endpoint for d in doors if d.method in {"GET", "HEAD"} and d.writes] == []
    # A piece of an upload goes into a file; a transaction for each of a thousand would write nothing.
    only_files = [d.endpoint for d in doors if d.method not in {"GET", "HEAD"} and not d.writes]
    assert only_files == ["hub.add_piece"]


def test_views_are_short() -> None:
    wrong = []
    for module in modules():
        if module.path.endswith(("/routes.py", "/api.py")) or {"routes", "api"} & set(Path(module.path).parts):
            for node in module.tree.body:
                if isinstance(node, ast.FunctionDef) and node.decorator_list:
                    body = [n for n in node.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
                    length = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
                    if length > LONGEST_VIEW:
                        wrong.append(f"{module.path}:{node.lineno} {node.name}: {length}")
    assert wrong == []


def calls(*names: str) -> set[tuple[str, str]]:
    """The first words of the first arguments of all calls `tx.name(...)`, also where they stand in a constant of the
    file, with their places. What a function is handed or computes cannot be read here."""
    found = set()
    for module in modules():
        constants = {
            target.id: literal_start(node.value)
            for node in module.tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in module.nodes:
            if isinstance(node, ast.Call) and node.args and dotted(node.func) in {f"tx.{name}" for name in names}:
                first = node.args[0]
                start = constants.get(first.id) if isinstance(first, ast.Name) else literal_start(first)
                if start is not None:
                    found.add((start, f"{module.path}:{node.lineno}"))
    return found


def test_every_stream_has_a_guard(doors: list[Door]) -> None:
    published = {(start.partition(":")[0], place) for start, place in calls("publish") if ":" in start}
    assert [(p, place) for p, place in published if p not in streams.guards] == []
    assert published


def test_every_outbox_topic_has_a_handler(blobs: BlobStore, tmp_path: object) -> None:
    rooms.load_jobs(Config(), blobs)
    promised = calls("outbox")
    assert [(t, place) for t, place in promised if t not in outbox.handlers] == []
    assert len(promised) > 20
