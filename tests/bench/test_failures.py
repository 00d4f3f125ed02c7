"""A bench that cannot measure ends with a line that says so: a peer that fails, is missing or is slow, and our side."""

from __future__ import annotations

import json
import socket
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.__main__ import run
from bench.clients.http_driver import driven
from bench.delivery.run import run_peer
from bench.fanout.run import _line_of, _process
from bench.harness import catalogue
from bench.harness.all_benches import line_of, table
from bench.harness.failures import MeasurementError, PeerError, last_line
from bench.harness.result import Result
from bench.peers import mesh

Measured = Callable[[], Result]


@pytest.fixture
def bench_that(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Measured], None]:
    """Puts a bench in the place of `sign`; traces go to a folder of the test."""

    def put(main: Measured) -> None:
        module = types.ModuleType("bench_of_the_test")
        module.main = main  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(catalogue.MODULES, "sign", module.__name__)
        monkeypatch.setattr(catalogue, "described", lambda _name: {"Claim": "it is quick."})
        monkeypatch.setattr(catalogue, "ROOT", tmp_path)
        monkeypatch.setattr(catalogue, "TRACES", tmp_path / "traces")

    return put


def _raises(error: Exception) -> Measured:
    def main() -> Result:
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "side", "code"),
    [
        (PeerError("mesh-sandbox", "did not start within 30 s"), "peer", catalogue.NO_PEER),
        (MeasurementError("no receipt within 30 s"), "ours", catalogue.FAILS),
        (ZeroDivisionError("division by zero"), "ours", catalogue.FAILS),
    ],
)
def test_a_failure_is_one_line_and_an_exit_code(
    bench_that: Callable[[Measured], None],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    error: Exception,
    side: str,
    code: int,
) -> None:
    bench_that(_raises(error))
    assert run(["sign"]) == code
    printed = capsys.readouterr()
    line = json.loads(printed.out)
    assert (line["claim"], line["holds"]) == ("it is quick.", False)
    assert line["failed"] == {"side": side, "error": type(error).__name__, "message": str(error)}
    assert "Traceback" not in printed.out + printed.err
    assert "Traceback" in (tmp_path / line["trace"]).read_text()


def test_a_failure_is_kept_as_a_row(
    bench_that: Callable[[Measured], None], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bench_that(_raises(PeerError("Huey", "could not be installed")))
    kept = tmp_path / "rows.jsonl"
    assert run(["sign", "--keep", str(kept)]) == catalogue.NO_PEER
    row = json.loads(kept.read_text())
    assert row["figures"]["failed"]["message"] == "Huey: could not be installed"
    assert row["holds"] is False
    assert capsys.readouterr().out.count("\n") == 1


@pytest.mark.parametrize(
    ("program", "timeout_s", "message"),
    [
        ("import sys; sys.exit('0.edxml was not acknowledged within 30 s')", 60.0, "0.edxml was not acknowledged"),
        ("raise ValueError('the answer is no JSON')", 60.0, "the answer is no JSON"),
        ("import threading; threading.Event().wait()", 0.3, "was not done after 0.3 s"),
    ],
)
def test_a_peer_program_that_fails_or_is_slow(program: str, timeout_s: float, message: str) -> None:
    with pytest.raises(PeerError, match="mesh-client") as caught:
        run_peer([sys.executable, "-c", program], timeout_s)
    assert message in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_a_peer_program_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match="No such file"):
        run_peer([str(tmp_path / "python")], 60.0)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_requests_that_nobody_answers_are_the_failure_of_their_side(tmp_path: Path) -> None:
    letter, port = tmp_path / "letter", _free_port()
    letter.write_bytes(b"x")
    with pytest.raises(MeasurementError, match="refused") as ours:
        driven(tmp_path, port, [{"path": "/", "headers": {}}], 1)
    assert not isinstance(ours.value, PeerError)
    with pytest.raises(PeerError, match=r"mesh-sandbox: .*refused"):
        mesh.times(tmp_path, port, [letter])


def test_a_sandbox_that_ends_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'no module named mesh_sandbox' >&2\nexit 1\n")
    broken.chmod(0o700)
    monkeypatch.setattr(mesh, "_install", lambda: None)
    monkeypatch.setattr(mesh, "python", lambda: str(broken))
    with pytest.raises(PeerError, match="no module named mesh_sandbox"), mesh.sandbox(tmp_path):
        raise AssertionError("it cannot have begun")


@pytest.mark.parametrize(("side", "failure"), [("peer", PeerError), ("ours", MeasurementError)])
def test_a_server_of_fanout_that_ends_without_a_word(side: str, failure: type[Exception]) -> None:
    with _process([sys.executable, "-c", ""], core=0) as server, pytest.raises(MeasurementError) as caught:
        _line_of(server, side)
    assert type(caught.value) is failure


def test_all_goes_on_after_a_bench_that_ends_without_a_line() -> None:
    lines = {
        "sign": line_of([sys.executable, "-c", "import sys; print('half a'); sys.exit(139)"]),
        "kill": line_of([sys.executable, "-c", f"print({Result('c', {'ms': 1}, {'ms': 2}, 1.0).line()!r})"]),
    }
    first, sign, kill = table(lines).splitlines()
    assert first.split()[:2] == ["name", "holds"]
    assert "exit code 139: half a" in sign
    assert "ratio 0.5 (at most 1)" in kill


def test_the_last_line_of_a_trace_is_the_error() -> None:
    assert last_line("Traceback (most recent call last):\n  File\nValueError: no\n\n") == "ValueError: no"
    assert last_line("") == "ended without a word"
