"""A thousand letters through the hub while web, worker and database die by SIGKILL again and again: none is lost, none
comes twice, and every receipt is the one that was given first."""

import random

import pytest

from bench.fixtures.letters import plain_letter
from tests.faults.exchange import VICTIMS, run
from tests.forks.instance import ForkedInstance

LETTERS = 1_000
KILLS = 25


@pytest.mark.long_proof
@pytest.mark.timeout(900)  # a minute or two alone; beside the rest of the suite it waits for the processors
def test_nothing_is_lost_and_nothing_comes_twice() -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    found = run(LETTERS, KILLS, seed, timeout_s=800, written=plain_letter, instances=ForkedInstance)
    assert {kind: count for kind, count in found.detail.items() if count} == {}, f"seed {seed}, {found.kills}"
    assert found.kills.total() == KILLS
    assert set(found.kills) == set(VICTIMS)
