"""How long to wait before trying again. Pure but for the dice."""

import random
from datetime import timedelta

FIRST_S, MAX_S = 30.0, 3600.0


def pause(failures: int) -> timedelta:
    """×2 with full jitter: between half a minute and what the doubling has come to, an hour at most.

    The jitter keeps those who failed together from coming back together.
    """
    return timedelta(seconds=random.uniform(FIRST_S, min(MAX_S, FIRST_S * 2 ** min(failures, 16))))
