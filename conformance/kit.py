"""What the command line asked for, as fixtures of the checks, and the report of what came out."""

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO, TypeVar

import pytest

from conformance.evidence import taken
from conformance.letters import SUBJECT, a_letter
from conformance.listener import Listener
from conformance.party import Party

Given = TypeVar("Given")

SHORTEST_TTL_S = 60
KEPT, BROKEN, SKIPPED = "kept", "broken", "not checked"
_WORDS = {KEPT: "đạt / kept", BROKEN: "KHÔNG ĐẠT / BROKEN", SKIPPED: "chưa kiểm / not checked"}
_LINES = 4


@dataclass(frozen=True)
class Hook:
    """A vendor's webhook receiver, and the secret that it knows."""

    url: str
    secret: str = field(repr=False)
    ca_file: str = ""


@dataclass(frozen=True)
class Expiring:
    """A letter with the shortest term, which nobody fetches; `item` is its place in the mailbox."""

    number: int
    document_id: str
    item: int


@dataclass(frozen=True)
class Asked:
    """What the command line asked for."""

    hub: str = ""
    sender: Party | None = None
    receiver: Party | None = None
    hook: Hook | None = None
    client_code: str = ""
    within_s: float = 60.0
    with_statuses: bool = False
    with_expiry: bool = True
    listen: str = ""
    listen_url: str = ""
    only: frozenset[str] = frozenset()
    report_to: Path | None = None


@dataclass
class Outcome:
    """What became of one MUST: the worst of its checks, and what was seen."""

    number: str
    sentence: str
    what: str = KEPT
    seen: list[str] = field(default_factory=list)


class Kit:
    """A pytest plugin: fixtures for the checks, and one line for each MUST in place of pytest's own report."""

    def __init__(self, asked: Asked, to: TextIO = sys.stdout) -> None:
        self.asked, self.to = asked, to
        self.outcomes: dict[str, Outcome] = {}
        self.trouble: list[str] = []
        self._begun = time.monotonic()
        self._shown = ""

    @pytest.fixture(scope="session")
    def asked_for(self) -> Asked:
        """All of it."""
        return self.asked

    @pytest.fixture(scope="session")
    def sender(self) -> Party:
        """The system that hands in."""
        return _given(self.asked.sender)

    @pytest.fixture(scope="session")
    def receiver(self) -> Iterator[Party]:
        """The system that fetches; at the end it fetches what the checks have left in its mailbox."""
        party = _given(self.asked.receiver)
        yield party
        with suppress(Exception):  # the outcome is known already
            for item in party.waiting():
                if item["subject"] == SUBJECT:
                    party.fetch_item(item["id"])

    @pytest.fixture(scope="session")
    def hook(self) -> Hook:
        """The webhook receiver that is checked."""
        return _given(self.asked.hook)

    @pytest.fixture(scope="session")
    def expiring(self, sender: Party, receiver: Party) -> Expiring:
        """Its term has begun; the check comes last."""
        letter = a_letter(sender.code, receiver.code)
        told = taken(sender.hand_in(letter.data, Delivery_TTL=str(SHORTEST_TTL_S)))
        return Expiring(told["id"], letter.document_id, receiver.item(letter.document_id)["id"])

    @pytest.fixture(scope="session")
    def listener(self) -> Iterator[Listener]:
        """Where the hub's hints arrive."""
        if not self.asked.listen:
            pytest.skip("--listen and --listen-url")
        with Listener.at(self.asked.listen) as found:
            yield found

    @pytest.fixture(scope="session", autouse=True)
    def _begin(self, request: pytest.FixtureRequest) -> None:
        """Letters that need a minute are handed in first, so that the minute passes beside the other checks."""
        if any("expiring" in getattr(item, "fixturenames", ()) for item in request.session.items):
            request.getfixturevalue("expiring")

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """pytest's own report is for programmers of tests."""
        config.pluginmanager.unregister(name="terminalreporter")

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Only what was asked for."""
        wanted: list[pytest.Item] = []
        others: list[pytest.Item] = []
        for item in items:
            number = _number(item.nodeid)
            is_asked = number in self.asked.only if self.asked.only else number != "M24" or self.asked.with_expiry
            (wanted if is_asked else others).append(item)
            if is_asked:
                self.outcomes.setdefault(number, Outcome(number, _sentence(item)))
        items[:] = wanted
        config.hook.pytest_deselected(items=others)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the worst, and show a MUST when the next one begins."""
        number = _number(report.nodeid)
        if self._shown and self._shown != number:
            self._show(self._shown)
        self._shown = number
        outcome = self.outcomes[number]
        case = re.search(r"\[(.*)\]$", report.nodeid)
        if report.failed:
            outcome.what = BROKEN
            outcome.seen.append((f"[{case[1]}] " if case else "") + _seen(report))
        elif report.skipped and outcome.what != BROKEN:
            outcome.what = SKIPPED
            outcome.seen = [str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A check that cannot be loaded is a fault of the kit's installation."""
        if report.failed:
            self.trouble.append(str(report.longrepr))

    def pytest_internalerror(self, excrepr: Any) -> None:
        """Likewise."""
        self.trouble.append(str(excrepr))

    def pytest_sessionfinish(self) -> None:
        """The last line, and the file for machines."""
        if self._shown:
            self._show(self._shown)
        for text in self.trouble:
            self.to.write(f"{text}\n")
        counts = {what: sum(one.what == what for one in self.outcomes.values()) for what in _WORDS}
        took_s = time.monotonic() - self._begun
        said = ", ".join(f"{count} {_WORDS[what]}" for what, count in counts.items() if count)
        self.to.write(f"\nKết quả / result: {said or 'không có gì / nothing'} ({took_s:.0f} s)\n")
        if self.asked.report_to is not None:
            self._write_report(self.asked.report_to, counts)

    def _show(self, number: str) -> None:
        outcome = self.outcomes[number]
        self.to.write(f"{_WORDS[outcome.what]:<24} {number} {outcome.sentence}\n")
        for seen in outcome.seen:
            for line in seen.splitlines()[:_LINES]:
                self.to.write(f"{'':<28}{line}\n")
        self.to.flush()

    def _write_report(self, path: Path, counts: dict[str, int]) -> None:
        results = [
            {"must": one.number, "sentence": one.sentence, "outcome": one.what, "seen": one.seen}
            for one in self.outcomes.values()
        ]
        told = {"target": self.asked.hub or _given(self.asked.hook).url, "counts": counts, "results": results}
        path.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _given(found: Given | None) -> Given:
    if found is None:
        raise pytest.UsageError("this check needs an option that is missing")
    return found


def _number(nodeid: str) -> str:
    found = re.search(r"::test_([a-z]\d\d)", nodeid)
    return found[1].upper() if found else nodeid


def _sentence(item: pytest.Item) -> str:
    text = getattr(getattr(item, "function", None), "__doc__", "") or ""
    return " ".join(text.split())


def _seen(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash else report.longrepr)
    return text.removeprefix("AssertionError: ").strip()
