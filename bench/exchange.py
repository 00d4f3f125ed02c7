"""`scripts/bench exchange [--messages 10000] [--kills 200]`: letters through the hub while web, worker and database are
killed with -9.

Claim: 10,000 letters while web, worker and database are killed 200 times with -9: none lost, none twice, every
receipt the first one (`--messages`, `--kills`; the suite does it with fewer).

Floor: none promises this; the records of the sender, the receiver and the database must agree, counted before
anything is repeated.

Bound: nothing lost, doubled or unlike.

Takes: 13 to 20 minutes.

The suite does the same with fewer (tests/faults/test_exchange_under_kills.py); how it is done and counted stands in
tests/faults/exchange.py.
"""

from __future__ import annotations

import random

from bench.harness.result import Result
from tests.faults.exchange import VICTIMS, run

TIMEOUT_S = 3600.0


def main(*, messages: int = 10_000, kills: int = 200) -> Result:
    """The letters under the kills."""
    found = run(messages, kills, random.SystemRandom().randrange(1_000_000), patience_s=TIMEOUT_S)
    wrong = {"lost_doubled_or_unlike": float(found.wrong)}
    # There is no peer that promises this; the floor is perfection, and a ratio needs something above zero.
    return Result(
        f"{messages} letters while web, worker and database are killed {found.kills.total()} times: none lost, none "
        "twice, every receipt the first one",
        wrong,
        {"lost_doubled_or_unlike": 1.0},
        must=0.0,
        further={
            f"at least {kills} kills": found.kills.total() >= kills,
            "web, worker and database each killed": set(found.kills) == set(VICTIMS),
        },
        extra={"detail": found.detail, "kills": dict(found.kills), "seconds": found.seconds, "seed": found.seed},
    )
