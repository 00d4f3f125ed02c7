"""mesh-sandbox as a peer: installed from its own lock into var/bench, run on loopback with messages in memory."""

import hashlib
import hmac
import os
import socket
import subprocess
import sys
import time
import uuid
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.clients.http_driver import driven
from bench.harness.failures import MeasurementError, PeerError
from bench.harness.result import progress

ROOT = Path(__file__).parents[2]
HOME = ROOT / "var" / "bench" / "mesh"
NAME = "mesh-sandbox"
LOCK = ROOT / "requirements" / "bench-mesh.lock"
SHARED_KEY = b"bench"
SENDER, RECEIVER = "X26ABC1", "X26ABC2"
PASSWORD = "password"
START_S = 30


@contextmanager
def sandbox(folder: Path) -> Iterator[int]:
    """A fresh sandbox; gives its port."""
    _install()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    environment = {**os.environ, "AUTH_MODE": "full", "STORE_MODE": "memory", "SHARED_KEY": SHARED_KEY.decode()}
    command = [python(), "-m", "uvicorn", "mesh_sandbox.api:app", "--port", str(port)]
    with (folder / "sandbox.log").open("wb") as log:
        process = subprocess.Popen([*command, "--log-level", "warning"], env=environment, stdout=log, stderr=log)
        try:
            _wait_for(port, process, folder / "sandbox.log")
            yield port
        finally:
            process.kill()  # it keeps nothing; asked kindly, one that hangs would outlive the bench
            process.wait()


def python() -> str:
    """The Python in which the sandbox and mesh-client are installed."""
    return str(HOME / "bin" / "python")


def times(folder: Path, port: int, letters: Sequence[Path]) -> tuple[float, list[float]]:
    """Hand letters in at a sandbox: the seconds for all, and the milliseconds that each took."""
    path = f"/messageexchange/{SENDER}/outbox"
    requests = [{"path": path, "headers": _headers(number), "file": str(file)} for number, file in enumerate(letters)]
    return _driven(folder, port, requests)


def looks(folder: Path, port: int, count: int) -> tuple[float, list[float]]:
    """The same for looks into an empty mailbox."""
    path = f"/messageexchange/{SENDER}/inbox"
    return _driven(folder, port, [{"path": path, "headers": _headers(number)} for number in range(count)])


def _driven(folder: Path, port: int, requests: Sequence[dict[str, Any]]) -> tuple[float, list[float]]:
    try:
        return driven(folder, port, requests)
    except MeasurementError as failed:
        raise PeerError(NAME, str(failed)) from failed


def _headers(number: int) -> dict[str, str]:
    """A message from one of the sandbox's mailboxes to another, signed as its interface asks."""
    nonce, stamp = str(uuid.uuid4()), time.strftime("%Y%m%d%H%M")
    signed = hmac.new(SHARED_KEY, f"{SENDER}:{nonce}:1:{PASSWORD}:{stamp}".encode(), hashlib.sha256).hexdigest()
    return {
        "Authorization": f"NHSMESH {SENDER}:{nonce}:1:{stamp}:{signed}",
        "Mex-From": SENDER,
        "Mex-To": RECEIVER,
        "Mex-WorkflowID": "BENCH",
        "Mex-LocalID": str(number),
        "Content-Type": "application/octet-stream",
    }


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise PeerError(NAME, log.read_text() if process.poll() is not None else f"did not start within {START_S} s")


def _install() -> None:
    done = HOME / "lock"
    if done.exists() and done.read_bytes() == LOCK.read_bytes():
        return
    progress("installing mesh-sandbox from requirements/bench-mesh.lock")
    command = [python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    try:
        venv.create(HOME, with_pip=True, clear=True)
        subprocess.run([*command, "--require-hashes", "-r", str(LOCK)], check=True, stdout=sys.stderr)
    except (OSError, subprocess.CalledProcessError) as failed:
        raise PeerError(NAME, f"could not be installed: {failed}") from failed
    done.write_bytes(LOCK.read_bytes())
