"""The machine and the state of the code that a row of results was measured with."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def processor() -> str:
    """The processor's model as Linux tells it; elsewhere what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load() -> float:
    """The load average of the last minute: how busy the machine was before the bench began."""
    return round(os.getloadavg()[0], 2)


def commit() -> str:
    """The commit that is checked out, with `+` when tracked files differ from it; empty outside a repository."""
    found = _git("rev-parse", "--short=10", "HEAD")
    # Rows that a bench has just kept, and the pages made of them, change nothing of what is measured.
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!bench/results", ":!docs")
    return f"{found}+" if found and changed else found


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
