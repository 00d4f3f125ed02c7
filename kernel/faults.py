"""Marked points at which a fault test lets the process die as if the power had failed."""

import os
import signal

_armed: list[str] = []


def arm(name: str) -> None:
    """Die with SIGKILL when `point(name)` is passed. Set from `Config.fault_point`; empty disarms."""
    _armed[:] = [name] if name else []


def point(name: str) -> None:
    """A marked point; does nothing unless a test armed it."""
    if _armed and _armed[0] == name:
        os.kill(os.getpid(), signal.SIGKILL)
