"""Words that the house used once and uses no more; docs/glossary.md has the terms that took their place."""

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.rules.source import ROOMS, Module, modules

# What is not used -> what is. Parts of names: `GIVEN_UP` and `requeue_given_up` both hold the first.
NAMES = {
    "given_up": "dead letter: `dead_letters`, `is_dead`, `DEAD`",
    "promise": "enqueue, job",
    "promises": "jobs",
    "stumbled": "TransientError; “failed, will retry” in logs",
    "nursery": "zygote",
    "errand": "sandbox task",
    "wish": "list query",
    "wishes": "list_query",
    "stretch": "BATCH_SIZE",
    "vanguard": "FIRST_BATCH_SIZE",
    "patience": "timeout",
    "let_go": "release",
    "door": "endpoint; SMTP listener",
    "doors": "endpoints",
    "lookalikes": "confusables",
    "givenup": "dead_letters",
    "takenin": "archive_backfill",
    "judge": "verify, check",
    "judging": "verification",
    "judgement": "verdict",
    "unjudged": "unverified",
    "rejudging": "reverification",
}
LOGS = {"stumbled": "failed, will retry", "promise": "job"}
#: Names of libraries, which call their things as they like.
OF_LIBRARIES = {"STRETCH_FILL"}
#: Reasons of verdicts keep the names under which they are stored.
STORED = {"CANNOT_JUDGE", "JUDGING_CRASHED", "JUDGING_TOO_LONG", "JUDGING_TOO_MUCH"}
#: Settings keep the names under which operators have set them.
SETTING = re.compile(r"mail_door_(?:port|host|domain|cert|key)|judging_seconds")
LOGGERS = {"debug", "info", "warning", "error", "exception"}


def used(module: Module) -> Iterator[tuple[str, int]]:
    """The retired words in names, in the name of the module, and in what it logs, with their lines."""
    yield from ((word, 1) for word in _retired(module.path.removesuffix(".py").replace("/", "__")))
    for node in module.nodes:
        for name in _names(node):
            yield from ((word, getattr(node, "lineno", 1)) for word in _retired(name))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LOGGERS:
            said = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
            yield from ((word, node.lineno) for text in said for word in LOGS if re.search(rf"\b{word}", text))


def _names(node: ast.AST) -> Iterator[str]:
    for field in ("id", "attr", "name", "asname", "arg"):
        value = getattr(node, field, None)
        if isinstance(value, str) and not isinstance(node, ast.alias):
            yield value


@cache
def _retired(name: str) -> frozenset[str]:
    """The retired words that a name holds between its underscores and capitals."""
    if name.startswith("test_") or name in OF_LIBRARIES | STORED or SETTING.fullmatch(name):
        return frozenset()  # the sentence of a test speaks English
    spelled = f"_{re.sub(r'(?<=[a-z])(?=[A-Z])', '_', name).lower()}_"
    return frozenset(word for word in NAMES if f"_{word}_" in spelled)


@pytest.mark.parametrize(
    ("path", "text", "word"),
    [
        ("kernel/a.py", "GIVEN_UP = 1", "given_up"),
        ("kernel/a.py", "class MailDoor: ...", "door"),
        ("kernel/a.py", "def f(wish): ...", "wish"),
        ("kernel/a.py", "self._promises = []", "promises"),
        ("kernel/a.py", "class EnvelopeJudgement: ...", "judgement"),
        ("docex/givenup.py", "", "givenup"),
        ("kernel/a.py", 'log.warning("job %s stumbled", 1)', "stumbled"),
    ],
)
def test_a_retired_word_is_seen_wherever_it_stands(path: str, text: str, word: str) -> None:
    assert word in {found for found, _ in used(Module(path, ast.parse(text), 1))}


def test_words_that_only_hold_a_retired_one_are_free() -> None:
    assert not list(used(Module("kernel/a.py", ast.parse("outdoors = promised = compromise = 1"), 1)))


def test_retired_words_are_not_used() -> None:
    everything = modules(*ROOMS, "bench", "tests")
    found = {(word, module.path) for module in everything for word, _ in used(module)}
    assert sorted(found) == []
