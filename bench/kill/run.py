"""`scripts/bench kill`: SMS through a worker that is killed with -9 again and again, counted by the receiver's log.

Claim: 200 SMS through a worker that is killed with -9 twenty times: none lost unseen, none doubled, by the receiver's
log; what was under way at a kill and is not in the server's list is shown as unknown.

Peer: Huey on SQLite (syncing, retries on) sending the same to the same server.

Bound: nothing lost or doubled.

Takes: about three minutes.

Ours is the real worker process on SQLite. The peer is Huey on SQLite, a job framework that needs as little beside it.
Both send the same messages to the same Twilio-shaped server. It takes 50 ms for each, and every other time it drops
the message of a client that went away meanwhile, as gateways do: some of what was under way has arrived, some has not.
Lost is what did not arrive without a word: of what was under way we ask the server, and show as unknown what it does
not list; a person decides whether it is sent again.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from bench.harness.failures import MeasurementError, PeerError
from bench.harness.result import Result, progress
from kernel import clock
from kernel.config import Config
from kernel.db import Database
from kernel.outbox import OPEN_STATES, OutboxRow
from kernel.refs import Ref
from kernel.text import phrase
from notify.kinds import TaskReminder
from notify.messages import Channel, Recipient, tell
from notify.reasons import NO_TRACE
from notify.sinks.journal import read
from notify.sinks.twilio import TwilioSink
from web import rooms, schema

MESSAGES = 200
KILLS = 20
TIMEOUT_S = 120
ROOT = Path(__file__).parents[2]
HUEY = ROOT / "var" / "bench" / "huey"


def main() -> Result:
    """Run both sides and count what the receiver saw."""
    seed = random.SystemRandom().randrange(1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        ours = _side(Path(folder) / "ours", _ours, random.Random(seed))
        try:
            peer = _side(Path(folder) / "huey", _huey, random.Random(seed))
        except (OSError, MeasurementError, subprocess.CalledProcessError) as failed:
            raise PeerError("Huey", str(failed)) from failed
    claim = f"{MESSAGES} SMS, the worker killed with -9 {KILLS} times: none lost unseen, none doubled, by its log"
    wrong = {"lost_or_doubled": float(ours["lost"] + ours["doubled"])}
    theirs = {"lost_or_doubled": float(peer["lost"] + peer["doubled"])}
    return Result(claim, wrong, theirs, must=0.0, extra={"ours_detail": ours, "huey_detail": peer, "seed": seed})


Work = Callable[[Path, str], tuple[list[str], Mapping[str, str], Callable[[], bool], Callable[[], int]]]
"""The worker's command and environment, whether it has nothing left to do, and how many SMS it knows nothing of."""


def _side(folder: Path, work: Work, chance: random.Random) -> dict[str, int]:
    """Kill the worker `KILLS` times while it is at work, then let it finish."""
    folder.mkdir()
    log = folder / "sms.jsonl"
    with TwilioSink(log, callbacks=False) as sink:
        sink.journal.next_faults(*["delay:0.05", "patience:0.05"] * MESSAGES * 2)
        command, environment, is_done, unknown = work(folder, sink.url)
        for number in range(KILLS + 1):
            before, last = len(read(log)), number == KILLS
            worker = subprocess.Popen(
                command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            _wait(partial(_has_begun, log, before, is_done), TIMEOUT_S)
            if last:
                _wait(is_done, TIMEOUT_S)
                time.sleep(2)
            else:
                time.sleep(chance.uniform(0.0, 0.4))
            worker.kill()
            worker.wait()
            progress(f"{folder.name}: {number + 1} of {KILLS + 1} runs, {len(read(log))} SMS")
    seen = Counter(entry["body"] for entry in read(log))
    return {
        "lost": MESSAGES - len(seen) - unknown(),
        "unknown": unknown(),
        "doubled": sum(n - 1 for n in seen.values()),
        "accepted": sum(seen.values()),
    }


def _has_begun(log: Path, before: int, is_done: Callable[[], bool]) -> bool:
    return len(read(log)) > before or is_done()


def _ours(folder: Path, sink: str) -> tuple[list[str], Mapping[str, str], Callable[[], bool], Callable[[], int]]:
    config = Config(data_dir=folder)
    rooms.load_models()
    schema.upgrade(config)
    db = Database(config.sql_url)
    with db.write() as tx:
        for number in range(MESSAGES):
            words = TaskReminder(f"Việc số {number}", phrase("Việc đến hạn."), "Hà", "Lan", clock.now(), "/tasks/1", "")
            to = Recipient("Lan", phone=f"+8450{number:07}")
            tell(tx, words, to, ref=Ref("task", number), channels=[Channel.SMS])

    without_trace = OutboxRow.reason == NO_TRACE

    def count(*which: sa.ColumnElement[bool]) -> int:
        still = sa.select(sa.func.count()).where(OutboxRow.topic == "notify.sms", OutboxRow.state.in_(OPEN_STATES))
        with db.read() as tx:
            return tx.session.scalar(still.where(*which)) or 0

    settings = {
        "LIENTHONG_DATA_DIR": str(folder),
        "LIENTHONG_TWILIO_BASE_URL": sink,
        "LIENTHONG_TWILIO_ACCOUNT_SID": "AC" + "0" * 31 + "1",
        "LIENTHONG_TWILIO_AUTH_TOKEN": "sink-token",
        "LIENTHONG_LEASE_S": "2",
    }
    worker = [sys.executable, "-m", "web", "worker"]
    return worker, settings, lambda: count(sa.not_(without_trace)) == 0, lambda: count(without_trace)


def _huey(folder: Path, sink: str) -> tuple[list[str], Mapping[str, str], Callable[[], bool], Callable[[], int]]:
    _install_huey()
    settings = {"PYTHONPATH": f"{HUEY}:{ROOT}", "KILL_PEER_DB": str(folder / "huey.db"), "KILL_PEER_SINK": sink}
    run = [sys.executable, "-m", "bench.kill.peer"]
    subprocess.run([*run, "fill", str(MESSAGES)], env={**os.environ, **settings}, check=True)

    def is_done() -> bool:
        done = subprocess.run([*run, "waiting"], env={**os.environ, **settings}, capture_output=True, check=True)
        return done.stdout.strip() == b"0"

    return [*run, "work"], settings, is_done, lambda: 0


def _install_huey() -> None:
    lock = ROOT / "requirements" / "bench.lock"
    if (HUEY / "huey").exists():
        return
    progress("installing Huey from requirements/bench.lock")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run(
        [*command, "--require-hashes", "--target", str(HUEY), "-r", str(lock)], check=True, stdout=sys.stderr
    )


def _wait(ready: Callable[[], bool], at_most_s: float) -> None:
    end = time.monotonic() + at_most_s
    while not ready():
        if time.monotonic() > end:
            raise MeasurementError(f"a worker was not done after {at_most_s:.0f} s")
        time.sleep(0.02)
