"""What is documented is what is there."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from bench.harness.catalogue import NAMES
from kernel import streams
from kernel.config import PREFIX, Config
from notify.kinds import kinds
from tests.rules.source import ROOT
from web import rooms
from web.server import sockets


def test_every_setting_stands_in_the_documentation_with_its_sentence() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    missing = [
        f.name for f in fields(Config) if f"`{PREFIX}{f.name.upper()}`" not in text or f.metadata["doc"] not in text
    ]
    assert missing == []


def test_every_bench_is_described_and_can_be_run_by_its_name() -> None:
    text = (ROOT / "docs" / "benches.md").read_text()
    assert sorted(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == sorted(NAMES)


def test_every_operation_of_the_api_is_described() -> None:
    text = (ROOT / "docs" / "exchange-api.md").read_text()
    endpoints = [d for d in rooms.load_pages() if d.path.startswith("/api/")]
    assert [d.path for d in endpoints if f"{d.method} {d.path}".replace("int:dispatch_", "") not in text] == []


def test_every_page_begins_with_its_context() -> None:
    pages = [p for p in (ROOT / "templates").rglob("*.html") if not p.name.startswith("_") and "mail" not in p.parts]
    assert [str(p.relative_to(ROOT)) for p in pages if not p.read_text().startswith("{#")] == []


def test_every_kind_of_message_says_what_it_is_and_has_its_words() -> None:
    rooms.load_models()
    wrong = [name for name, kind in kinds.items() if not kind.__doc__ or not kind.__doc__.strip()]
    wrong += [name for name in kinds if not (ROOT / "templates" / "mail" / name / "subject.txt").exists()]
    wrong += [name for name, k in kinds.items() if k.sms and not (ROOT / "templates" / "sms" / f"{name}.txt").exists()]
    assert wrong == []


LONGEST_LINE = 120


def _prose(text: str) -> Iterator[str]:
    """The lines of a page that are neither a table's nor code."""
    code = False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            code = not code
        elif not code and not line.lstrip().startswith("|") and not line.startswith("    "):
            yield line


def _pages() -> list[Path]:
    return [*(ROOT / "docs").rglob("*.md"), *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG"))]


def test_prose_is_wrapped() -> None:
    """A line may be longer only for the sake of one long word, such as an address."""
    long = [
        f"{page.relative_to(ROOT)}: {line[:60]}"
        for page in _pages()
        for line in _prose(page.read_text())
        if len(line) > LONGEST_LINE and " " in line.strip().removeprefix("- ")
    ]
    assert long == []


def test_every_decision_has_a_status_and_stands_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    index = re.findall(
        r"^\| \[(\d{4})\]\(([^)]+)\) \| (.+) \| (.+) \|$", (folder / "README.md").read_text(), re.MULTILINE
    )
    told = [(number, name, title, status) for number, name, title, status in index]
    found = []
    for page in sorted(folder.glob("[0-9]*.md")):
        head = re.match(
            r"# (\d{4}): (.+)\n\nStatus: ((?:Accepted|Superseded by \d{4}), \d{4}-\d\d-\d\d.*)\.\n\n", page.read_text()
        )
        assert head, f"{page.name} does not begin with its number, title and status"
        found.append((head[1], page.name, head[2], head[3]))
    assert told == found


def test_the_protocol_of_the_streams_names_what_the_code_has() -> None:
    text = (ROOT / "docs" / "live-protocol.md").read_text()
    server = (ROOT / "web" / "server" / "sockets.py").read_text()
    browser = (ROOT / "static" / "js" / "live.js").read_text()
    assert set(re.findall(r'emit\(\s*"(\w+)"', server)) == set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    assert set(re.findall(r'on_event\("(\w+)"', server)) - {"connect", "disconnect"} == {"join", "leave"}
    assert set(re.findall(r'"mode": "(\w+)"', server)) == set(re.findall(r'\{mode: "(\w+)"', text))
    assert set(re.findall(r'answer\.mode === "(\w+)"', browser)) <= set(re.findall(r'\{mode: "(\w+)"', text))
    limits = {"MAX_STREAMS": sockets.MAX_STREAMS, "JOINS_PER_S": sockets.JOINS_PER_S}
    limits |= {"LONGEST_NAME": streams.LONGEST_NAME, "REPLAY_LIMIT": streams.REPLAY_LIMIT}
    assert [name for name, value in limits.items() if not re.search(rf"\b{value}\b.*\(`{name}`\)", text)] == []


def test_what_the_glossary_names_is_there() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text()
    named = {path for path in re.findall(r"`([a-z_./]+/[a-z_./]*)`", text)}
    assert named
    assert sorted(path for path in named if not (ROOT / path).exists()) == []
