"""Every endpoint is guarded by default; every stream has an audience; every promise has a keeper."""

import ast
import typing
from pathlib import Path

import pytest
from flask import Flask

from kernel import outbox, streams
from kernel.config import Config
from kernel.db import Tx
from kernel.endpoints import Endpoint, Guard
from kernel.storage.blobs import BlobStore
from tests.rules.source import ROOMS, Module, dotted, literal_start, modules
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
def endpoints() -> list[Endpoint]:
    return rooms.load_pages()


def test_every_endpoint_went_through_the_entry(app: Flask, endpoints: list[Endpoint]) -> None:
    ours = {d.name for d in endpoints}
    assert set(app.view_functions) - ours - set(FOREIGN) == set()


def test_every_open_endpoint_says_why(endpoints: list[Endpoint]) -> None:
    assert [d.name for d in endpoints if d.guard is Guard.OPEN and len(d.reason) < 10] == []


def test_every_api_operation_needs_a_scope(endpoints: list[Endpoint]) -> None:
    wrong = [d.path for d in endpoints if d.path.startswith("/api/") and d.guard is Guard.PERSON]
    wrong += [d.path for d in endpoints if d.guard is Guard.CLIENT and not d.scope]
    assert wrong == []


def test_reading_never_writes(endpoints: list[Endpoint]) -> None:
    assert [d.name for d in endpoints if d.method in {"GET", "HEAD"} and d.writes] == []
    # A piece of an upload goes into a file; a transaction for each of a thousand would write nothing.
    only_files = [d.name for d in endpoints if d.method not in {"GET", "HEAD"} and not d.writes]
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


# The only places that may make a name of a stream or of a topic; everybody else takes one that was declared, which
# mypy sees to. `stored_name` is for the column in which a message keeps who watches it.
MADE_IN = {
    "StreamName": ("kernel/streams.py",),
    "stored_name": ("notify/messages.py",),
    "StreamPrefix": tuple(f"{room}/streams.py" for room in ROOMS),
    "Topic": tuple(f"{room}/topics.py" for room in ROOMS),
}
NAMED = {"publish": "stream", "outbox": "topic", "handler": "topic"}


def made(name: str, *found: Module) -> dict[str, str]:
    """The literal names that calls `name("…")` declare, each with its place."""
    return {
        start: f"{module.path}:{node.lineno}"
        for module in found or modules()
        for node in module.nodes
        if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == name and node.args
        if (start := literal_start(node.args[0])) is not None
    }


def undeclared(*found: Module) -> list[str]:
    """Places that make a name of their own, hide one from mypy, or hand over a plain string."""
    wrong = []
    for module in found or modules():
        for node in module.nodes:
            if not isinstance(node, ast.Call):
                continue
            name = dotted(node.func).rpartition(".")[2]
            if name in MADE_IN and module.path not in MADE_IN[name]:
                wrong.append(f"{module.path}:{node.lineno} {name}")
            first = node.args[0] if node.args else None
            if name == "cast" and first is not None and dotted(first).rpartition(".")[2] in MADE_IN:
                wrong.append(f"{module.path}:{node.lineno} cast")
            if name in NAMED and first is not None and literal_start(first) is not None:
                wrong.append(f"{module.path}:{node.lineno} {name} of a plain string")
    return wrong


@pytest.mark.parametrize(
    "line",
    [
        'tx.publish("meeting:1", "meeting", fields)',
        'tx.publish(f"person:{number}", "task", fields)',
        'tx.publish(StreamName(name), "task", fields)',
        'tx.publish(streams.stored_name(name), "task", fields)',
        'tx.publish(cast(StreamName, name), "task", fields)',
        'LOCAL = StreamPrefix("mine")',
        'tx.outbox("docex.mine", "1")',
        'tx.outbox(Topic(f"docex.{name}"), "1")',
        '@outbox.handler("docex.mine")\ndef work(tx, job): ...',
    ],
)
def test_no_name_of_a_stream_or_topic_escapes_these_rules(line: str) -> None:
    assert undeclared(Module("docex/some.py", ast.parse(line), 1))


def test_names_of_streams_and_topics_are_declared_in_one_place_of_each_room() -> None:
    assert undeclared() == []
    said = typing.get_type_hints(Tx.publish)["stream"], typing.get_type_hints(Tx.outbox)["topic"]
    assert said == (streams.StreamName, outbox.Topic)  # so that mypy sees all calls


def test_every_stream_has_a_guard(endpoints: list[Endpoint]) -> None:
    prefixes = made("StreamPrefix")
    assert sorted(prefixes) == sorted(streams.guards)
    assert len(prefixes) > 5


def test_every_outbox_topic_has_a_handler(blobs: BlobStore, tmp_path: object) -> None:
    rooms.load_jobs(Config(), blobs)
    topics = made("Topic")
    assert [(topic, place) for topic, place in topics.items() if topic not in outbox.handlers] == []
    assert [topic for topic in outbox.handlers if topic not in topics and not topic.startswith("test.")] == []
    assert len(topics) > 50
