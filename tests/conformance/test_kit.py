"""The conformance kit passes on this hub, and fails on hubs that break a promise."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response

from tests.docex_agent.conftest import Served
from tests.docex_hub.systems import FAR, an_agency

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = {*range(1, 21)} - {3}  # M03 is checked wherever something is refused


@dataclass
class Trial:
    """A hub for trials with its two systems."""

    served: Served
    options: list[str]

    def run(self, *more: str) -> subprocess.CompletedProcess[str]:
        """The kit as a vendor runs it."""
        command = [sys.executable, "-m", "conformance", *self.options, *more]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)


@pytest.fixture
def trial(served: Served, tmp_path: Path) -> Iterator[Trial]:
    """The hub at work."""
    far = an_agency(served.office, FAR, "Sở Giao thông tỉnh Bạn")
    options = ["--hub", served.url]
    for name, code, agency_id in (
        ("sender", served.office.cast.city.code, served.office.cast.city.id),
        ("receiver", FAR, far),
    ):
        given = served.credentials(agency_id)
        (tmp_path / name).write_text(given.secret)
        options += [f"--{name}", f"{code}={given.client_id}:{tmp_path / name}"]
    enough = threading.Event()
    working = threading.Thread(target=_work, args=(served, enough))
    working.start()
    yield Trial(served, options)
    enough.set()
    working.join()


def _work(served: Served, enough: threading.Event) -> None:
    while not enough.wait(0.2):
        served.office.work()


@pytest.mark.timeout(300)
def test_this_hub_keeps_every_promise(trial: Trial) -> None:
    done = trial.run()
    assert done.returncode == 0, done.stdout[-3000:]


def test_every_must_is_checked_and_every_check_is_described() -> None:
    described = {
        int(line[3:5]) for line in (ROOT / "docs/exchange-protocol.md").read_text().splitlines() if line[:3] == "- M"
    }
    checked = set()
    for path in (ROOT / "conformance").glob("must_*.py"):
        checked |= {int(line[10:12]) for line in path.read_text().splitlines() if line.startswith("def test_m")}
    assert checked == NUMBERS
    assert described == NUMBERS | {3}


def _spoils_receipts(answer: Response) -> Response:
    answer.set_data(answer.get_data().replace(b'"jws":"', b'"jws":"x'))
    return answer


def _forgets_english(answer: Response) -> Response:
    answer.set_data(answer.get_data().replace(b'"en":', b'"fr":'))
    return answer


def _changes_files(answer: Response) -> Response:
    if answer.mimetype == "application/octet-stream":
        answer.direct_passthrough = False
        answer.set_data(answer.get_data().replace(b"edXML", b"EDXML"))
    return answer


@pytest.mark.parametrize(
    ("spoil", "number"), [(_spoils_receipts, "m05"), (_forgets_english, "m09"), (_changes_files, "m13")]
)
def test_a_hub_that_breaks_a_promise_is_found_out(
    trial: Trial, app: Flask, spoil: Callable[[Response], Response], number: str, database_kind: str
) -> None:
    if database_kind != "sqlite":
        pytest.skip("the kit's own judgement does not depend on the hub's database")
    hooks: list[Any] = app.after_request_funcs.setdefault(None, [])
    hooks.append(spoil)
    try:
        done = trial.run("-k", number)
    finally:
        hooks.remove(spoil)
    assert done.returncode == 1, done.stdout[-3000:]
    assert f"test_{number}" in done.stdout


def test_missing_credentials_are_said_plainly(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "conformance",
        "--hub",
        "http://127.0.0.1:9",
        "--sender",
        "nonsense",
        "--receiver",
        "x",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "CODE=CLIENT_ID:SECRET_FILE" in done.stdout + done.stderr
