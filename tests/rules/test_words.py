"""Text for people: Vietnamese in the code, English in the catalogues, both whole."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from directory import auditing
from kernel.text import nfc
from tests.rules.source import ROOMS, ROOT
from web import rooms

ACT = re.compile(r"[a-z]+\.[a-z_]+")
KEYWORDS = {"phrase": None, "_": None, "gettext": None, "ngettext": (1, 2), "lazy_gettext": None}


def used() -> dict[str, str]:
    """Every message of the house with the place of its first use."""
    found: dict[str, str] = {}
    sources: list[tuple[str, Path]] = [("python", p) for room in ROOMS for p in (ROOT / room).rglob("*.py")]
    sources += [
        ("jinja2.ext.babel_extract", p) for p in (ROOT / "templates").rglob("*") if p.suffix in {".html", ".txt"}
    ]
    options = {"trimmed": "true", "silent": "false"}
    for method, path in sources:
        for line, message, _comments, _context in extract_from_file(method, path, KEYWORDS, options=options):
            for text in message if isinstance(message, tuple) else (message,):
                if text:
                    found.setdefault(text, f"{path.relative_to(ROOT)}:{line}")
    return found


def translated() -> dict[str, str]:
    """Every English sentence by its Vietnamese one."""
    found: dict[str, str] = {}
    for path in (ROOT / "translations" / "en").glob("*.po"):
        with path.open("rb") as file:
            for message in read_po(file, locale="en"):
                if isinstance(message.id, str) and isinstance(message.string, str) and message.string:
                    found[message.id] = message.string
    return found


def fields(text: str) -> set[str]:
    """The parameters of a message, in either way of writing them."""
    try:
        named = {name for _, name, _, _ in string.Formatter().parse(text) if name}
    except ValueError:
        named = set()
    return named | set(re.findall(r"%\((\w+)\)", text))


@pytest.fixture(scope="module")
def messages() -> dict[str, str]:
    return used()


def test_every_message_has_an_english_sentence(messages: dict[str, str]) -> None:
    english = translated()
    assert [f"{place}: {text}" for text, place in messages.items() if text not in english] == []


def test_both_languages_take_the_same_parameters() -> None:
    assert [vi for vi, en in translated().items() if fields(vi) != fields(en)] == []


def test_vietnamese_is_composed(messages: dict[str, str]) -> None:
    assert [text for text in messages if nfc(text) != text] == []


def test_no_message_shouts(messages: dict[str, str]) -> None:
    assert [text for text in messages if "!" in text] == []


def test_every_act_in_the_audit_has_words() -> None:
    rooms.load_pages()
    said = {name for room in ROOMS for path in (ROOT / room).rglob("*.py") for name in acts(path)}
    assert len(said) > 100
    assert sorted(said - auditing.words.keys()) == []


def acts(path: Path) -> Iterator[str]:
    """The names of the acts that calls in this file put on record."""
    for call in ast.walk(ast.parse(path.read_bytes())):
        name = getattr(call.func, "attr", getattr(call.func, "id", "")) if isinstance(call, ast.Call) else ""
        if isinstance(call, ast.Call) and name in {"audit", "record", "_record", "note"}:
            for part in (node for argument in call.args for node in ast.walk(argument)):
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and ACT.fullmatch(part.value):
                    yield part.value
