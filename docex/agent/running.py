"""The agent's life: rounds until it is told to stop; a hub that cannot be reached is asked less and less often."""

import logging
import random
import signal
import threading
from pathlib import Path

from docex.agent import rounds
from docex.agent.folders import Folders
from docex.agent.hub import Credentials, Hub, Unreachable

log = logging.getLogger("lienthong.agent")
LOOK_S = 1.0
FOLLOW_S = 30.0
MOST_PATIENT_S = 300.0
NAME = "lienthong-agent/1"


def run(url: str, folder: Path, credentials: Credentials, *, once: bool = False) -> None:
    """Serve `folder` until SIGTERM or SIGINT; with `once` until there is nothing to do. Busy when another agent does.

    Sending and fetching have a thread each: a long poll must not keep a letter waiting.
    """
    folders = Folders(folder)
    with folders.alone():
        if once:
            _once(folders, url, credentials)
            return
        told_to_stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: told_to_stop.set())
        fetching = threading.Thread(
            target=_forever, args=(told_to_stop, Fetching(folders, url, credentials)), daemon=True
        )
        fetching.start()
        _forever(told_to_stop, Sending(folders, url, credentials))
        fetching.join(2)


def _once(folders: Folders, url: str, credentials: Credentials) -> None:
    hub = Hub(url, credentials, name=NAME)
    folders.waiting()  # the second look takes what has not changed since
    while rounds.send(folders, hub) + rounds.fetch(folders, hub, 0):
        pass
    rounds.follow(folders, hub)


class Sending:
    """Sends what is in outbox/ and now and then asks how far it has come."""

    def __init__(self, folders: Folders, url: str, credentials: Credentials) -> None:
        self.folders, self.hub, self.since_s = folders, Hub(url, credentials, name=NAME), FOLLOW_S

    def __call__(self) -> float:
        rounds.send(self.folders, self.hub)
        self.since_s += LOOK_S
        if self.since_s >= FOLLOW_S:
            self.since_s = 0.0
            rounds.follow(self.folders, self.hub)
        return LOOK_S


class Fetching:
    """Waits at the hub for what comes."""

    def __init__(self, folders: Folders, url: str, credentials: Credentials) -> None:
        self.folders, self.hub = folders, Hub(url, credentials, name=NAME)

    def __call__(self) -> float:
        rounds.fetch(self.folders, self.hub, 25)
        return 0.0


def _forever(told_to_stop: threading.Event, work: Sending | Fetching) -> None:
    patience = LOOK_S
    while not told_to_stop.is_set():
        try:
            pause = work()
            patience = LOOK_S
        except Unreachable as error:
            # Full jitter: after a failure of the hub its agents must not come back all at once.
            patience = min(patience * 2, MOST_PATIENT_S)
            pause = random.SystemRandom().uniform(0, patience)
            log.warning("the hub cannot be used now (%s); next try in %.0f s", error, pause)
        told_to_stop.wait(pause)
