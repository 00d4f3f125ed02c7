"""`lienthong up`: web and worker (and the SMTP listener where one is set),
as processes on one machine, without a service manager."""

import logging
import signal
import subprocess
import sys
import time

from kernel.config import Config, process_environment

log = logging.getLogger(__name__)

PARTS = ("web", "worker")
CALM_S = 1.0


def run(config: Config) -> int:
    """Start both, restart one that dies, stop both when told. Answers the exit code."""
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    parts = (*PARTS, "mail-door") if config.mail_door_port else PARTS
    children = {name: _start(name) for name in parts}
    while not stopping:
        time.sleep(0.2)
        for name, child in children.items():
            if child.poll() is not None and not stopping:
                log.error("%s ended with %s; starting it again", name, child.returncode)
                time.sleep(CALM_S)
                children[name] = _start(name)
    for child in children.values():
        child.send_signal(signal.SIGTERM)
    for child in children.values():
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
    return 0


def _start(name: str) -> subprocess.Popen[bytes]:
    # A process group of its own: Ctrl+C reaches us alone, and we stop the children in order.
    return subprocess.Popen([sys.executable, "-m", "web", name], env=process_environment(), start_new_session=True)
