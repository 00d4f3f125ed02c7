"""The conformance kit passes on this hub, this agent and a right receiver, and fails on each that breaks a promise."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, Response, request

from conformance.__main__ import CLIENT, HOOK, HUB, sentences
from directory import clients
from directory.models import ApiClient
from docex.agent.credentials import make_key
from docex.exchange.hub import terms
from docex.exchange.hub.models import Term
from docex.exchange.hub.webhooks import http_client
from kernel import clock
from tests.conformance.receivers import FLAWS, SECRET, listening
from tests.conformance.spoiling import CLAUSES, ELSEWHERE, GROUPS, Spoiler, instead, put_around
from tests.docex.agent.agents import AgentProcess
from tests.docex.agent.conftest import Served
from tests.docex.hub.systems import FAR, an_agency
from tests.sampling import sampled
from web.tour.instance import free_port

pytestmark = pytest.mark.timeout(1200)
ROOT = Path(__file__).resolve().parents[2]
NEAR = "H97.01"
TIMEOUT_S = 1100
"""For one run of the kit. The longest takes two minutes alone; beside the rest of the suite it waits for processors."""


def kit(*options: str) -> subprocess.CompletedProcess[str]:
    """The kit as a vendor runs it."""
    command = [sys.executable, "-m", "conformance", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


@dataclass
class Trial:
    """A hub for trials with its two systems: one with a key, one with a secret."""

    served: Served
    sender: list[str]
    receiver: list[str]
    report: Path
    said: str = ""

    def run(self, *more: str) -> dict[str, str]:
        """What the kit says of each MUST of this hub."""
        done = kit(*self.sender, *self.receiver, "--report", str(self.report), *more)
        assert self.report.exists(), done.stdout + done.stderr
        found = {one["must"]: one["outcome"] for one in json.loads(self.report.read_text())["results"]}
        broken = [number for number, outcome in found.items() if outcome == "broken"]
        assert done.returncode == (1 if broken else 0), done.stdout
        self.said = done.stdout
        assert all(f"KHÔNG ĐẠT / BROKEN       {number} " in done.stdout for number in broken), done.stdout
        return found

    @property
    def hints(self) -> list[str]:
        """The options with which the hub's hints can be checked."""
        port = free_port()
        return ["--listen", f"127.0.0.1:{port}", "--listen-url", f"http://127.0.0.1:{port}/hook"]


@pytest.fixture
def trial(served: Served, working: None, tmp_path: Path) -> Trial:
    """The hub at work."""
    office = served.office
    near, far = an_agency(office, NEAR, "Sở Xây dựng tỉnh Bạn"), an_agency(office, FAR, "Sở Giao thông tỉnh Bạn")
    first, second = served.credentials(near), served.credentials(far)
    public = make_key(tmp_path / "key.pem")
    with office.db.write(office.cast.admin.by) as tx:
        row = tx.session.scalars(sa.select(ApiClient).where(ApiClient.client_id == first.client_id)).one()
        clients.register_key(tx, office.cast.admin, row.id, json.dumps(public))
    (tmp_path / "secret").write_text(second.secret)
    sender = ["--hub", served.url, "--sender", f"{NEAR}={first.client_id}:{tmp_path / 'key.pem'}"]
    sender += ["--audience", office.config.base_url]  # the test's port is not the one in its settings
    receiver = ["--receiver", f"{FAR}={second.client_id}:{tmp_path / 'secret'}"]
    return Trial(served, sender, receiver, tmp_path / "report.json")


def test_every_must_is_described_checked_and_broken_once() -> None:
    text = (ROOT / "docs" / "exchange-protocol.md").read_text(encoding="utf-8")
    items = re.findall(r"^- ([MWC]\d\d) (.*?)(?=^- |^$)", text, flags=re.MULTILINE | re.DOTALL)
    described = {number: " ".join(sentence.split()) for number, sentence in items}
    assert described == sentences((*HUB, *HOOK, *CLIENT))
    numbers = [number for group in GROUPS for number in group]
    assert len(numbers) == len(set(numbers))
    assert {*numbers, *ELSEWHERE} == set(sentences(HUB))
    assert set(FLAWS.values()) == set(sentences(HOOK))


@pytest.mark.long_proof  # its own promises are tried one by one in docex_hub
def test_this_hub_keeps_every_promise(trial: Trial, database_kind: str) -> None:
    found = trial.run(*([] if database_kind == "sqlite" else ["--skip-expiry"]), *trial.hints)
    assert set(found.values()) == {"kept"}, trial.said
    assert set(found) == set(sentences(HUB)) - (set() if database_kind == "sqlite" else {"M24"})


@pytest.mark.long_proof
@pytest.mark.one_database("sqlite")
@pytest.mark.parametrize("spoiled", [*GROUPS, *CLAUSES], ids=" ".join)
def test_a_hub_that_breaks_a_promise_is_found_out(trial: Trial, app: Flask, spoiled: dict[str, Spoiler]) -> None:
    mend = put_around(app, list(spoiled.values()))
    try:
        found = trial.run("--only", ",".join(spoiled), *trial.hints)
    finally:
        mend()
    assert found == dict.fromkeys(spoiled, "broken"), trial.said


@pytest.mark.long_proof
@pytest.mark.one_database("sqlite")
def test_a_hub_that_lets_ended_letters_be_fetched_is_found_out(trial: Trial, app: Flask) -> None:
    """A term lasts a minute at least; here it ends as soon as somebody asks after the letter."""

    def end_the_terms() -> Response | None:
        if request.path.startswith("/api/v1/documents"):
            with trial.served.office.db.write() as tx:
                for term in tx.session.scalars(sa.select(Term)):
                    term.expires_at = clock.now() - timedelta(seconds=1)
                    terms.expire(tx, term.dispatch_id)
        return None

    for spoiled, outcome in ((None, "kept"), (instead("/api/v1/inbox", 409, 200), "broken")):
        mend = put_around(app, [Spoiler(spoiled, end_the_terms)])
        try:
            assert trial.run("--only", "M24") == {"M24": outcome}
        finally:
            mend()


@pytest.mark.long_proof
@pytest.mark.one_database("sqlite")
def test_a_hub_whose_hints_are_wrongly_signed_is_found_out(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    sign = http_client.signature
    monkeypatch.setattr(http_client, "signature", lambda secret, at, body: sign(secret + "x", at, body))
    found = trial.run("--only", "m33,m34", *trial.hints)
    assert found == {"M33": "broken", "M34": "broken"}


@pytest.mark.long_proof
@pytest.mark.one_database("sqlite")
def test_a_hub_whose_hints_come_again_as_they_were_is_found_out(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old timestamp is the first that a receiver refuses."""
    call, begun = http_client.call, int(clock.now().timestamp())

    def call_again(url: str, secret: str, _timestamp: int, body: bytes, *, anywhere: bool) -> None:
        call(url, secret, begun, body, anywhere=anywhere)

    monkeypatch.setattr(http_client, "call", call_again)
    assert trial.run("--only", "M34", *trial.hints) == {"M34": "broken"}


@pytest.mark.one_database("sqlite")
def test_what_cannot_be_checked_says_which_option_is_missing(trial: Trial) -> None:
    found = trial.run("--only", "M05,M33")
    assert found == {"M05": "kept", "M33": "not checked"}
    (seen,) = [one["seen"] for one in json.loads(trial.report.read_text())["results"] if one["must"] == "M33"]
    assert "--listen" in seen[0]


@pytest.mark.long_proof
@pytest.mark.one_database("sqlite")
def test_the_kit_leaves_nothing_in_the_mailbox(trial: Trial) -> None:
    trial.run("--only", "M18,M19")
    receiver = AgentProcess(trial.served.url, trial.report.parent / "office", _credentials(trial))
    assert receiver.run() == 0
    assert receiver.names("inbox") == []


def _credentials(trial: Trial) -> Any:
    office = trial.served.office
    with office.db.read() as tx:
        agency_id = tx.session.scalars(sa.select(ApiClient.agency_id).where(ApiClient.client_id.in_(_ids(trial)))).one()
    return trial.served.credentials(agency_id)


def _ids(trial: Trial) -> list[str]:
    return [trial.receiver[1].partition("=")[2].partition(":")[0]]


# --- a client ----------------------------------------------------------------------------------------------------


@pytest.fixture
def agent(trial: Trial, tmp_path: Path) -> Iterator[AgentProcess]:
    """The folder agent as a vendor's client."""
    found = AgentProcess(trial.served.url, tmp_path / "office", _credentials(trial))
    yield found
    found.end()


@pytest.mark.long_proof
@pytest.mark.one_database("sqlite")
def test_the_folder_agent_is_a_good_client(trial: Trial, agent: AgentProcess) -> None:
    agent.start()
    trial.receiver = ["--client", FAR]
    found = trial.run("--within", "120")
    assert found == {**dict.fromkeys(("C01", "C02", "C03", "C04"), "kept"), "C05": "not checked"}, trial.said


@pytest.mark.long_proof
@pytest.mark.one_database("sqlite")
def test_a_client_that_does_not_run_is_found_out(trial: Trial) -> None:
    trial.receiver = ["--client", FAR]
    found = trial.run("--within", "0.5", "--with-statuses")
    assert found == dict.fromkeys(("C01", "C02", "C03", "C04", "C05"), "broken")


# --- a webhook receiver ------------------------------------------------------------------------------------------


def receiver_outcomes(tmp_path: Path, flaw: str) -> dict[str, str]:
    """What the kit says of a receiver with this flaw."""
    (tmp_path / "secret").write_text(SECRET, encoding="utf-8")
    report = tmp_path / "report.json"
    with listening(flaw) as url:
        done = kit("--webhook", url, "--webhook-secret", str(tmp_path / "secret"), "--report", str(report))
    assert done.returncode == (1 if flaw else 0), done.stdout + done.stderr
    return {one["must"]: one["outcome"] for one in json.loads(report.read_text())["results"]}


def test_a_right_receiver_keeps_every_promise(tmp_path: Path) -> None:
    assert receiver_outcomes(tmp_path, "") == dict.fromkeys(sentences(HOOK), "kept")


@pytest.mark.parametrize("flaw", sampled(FLAWS, one_in=9))
def test_a_receiver_with_a_flaw_is_found_out(tmp_path: Path, flaw: str) -> None:
    found = receiver_outcomes(tmp_path, flaw)
    assert found[FLAWS[flaw]] == "broken", found
    if flaw not in ("redirects", "checks nothing"):  # these break more than one
        assert [number for number, outcome in found.items() if outcome == "broken"] == [FLAWS[flaw]]


# --- before it begins --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--hub", "http://127.0.0.1:9", "--sender", "nonsense", "--receiver", "x"], "CODE=CLIENT_ID:FILE"),
        (["--hub", "http://127.0.0.1:9"], "-h shows examples"),
        ([], "-h shows examples"),
        (["--webhook", "http://127.0.0.1:9/x"], "--webhook-secret"),
        (["--hub", "http://127.0.0.1:9", "--sender", "A=b:{file}", "--receiver", "B=c:{file}"], "không tới được trục"),
        (["--hub", "http://127.0.0.1:9", "--sender", "A=b:/khong-co", "--receiver", "B=c:{file}"], "/khong-co"),
        (["--webhook", "http://127.0.0.1:9/x", "--webhook-secret", "{file}"], "không tới được địa chỉ"),
    ],
)
def test_what_is_missing_is_said_plainly(tmp_path: Path, options: list[str], said: str) -> None:
    (tmp_path / "file").write_text("x")
    done = kit(*(option.format(file=tmp_path / "file") for option in options))
    assert done.returncode == 2
    assert said.casefold() in done.stderr.casefold()
    assert "Traceback" not in done.stderr


@pytest.mark.one_database("sqlite")
def test_wrong_credentials_are_no_broken_promise(trial: Trial, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("sai")
    done = kit(*trial.sender, *trial.receiver)
    assert done.returncode == 2
    assert "--receiver: không được cấp mã / no token: 401" in done.stderr


def test_it_is_a_command_with_useful_help(tmp_path: Path) -> None:
    command = Path(sys.executable).parent / "docex-conformance"
    said = partial(subprocess.run, cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    done = said([command, "--help"])
    assert done.returncode == 0, done.stderr
    for text in ("--webhook-secret", "--client", "Exit code", "docex-conformance --hub https://"):
        assert text in done.stdout
    listed = said([command, "--list"])
    assert len(listed.stdout.splitlines()) == len(sentences((*HUB, *HOOK, *CLIENT)))
