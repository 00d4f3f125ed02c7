"""Quorum and majority at their edges."""

import pytest

from meetings.quorum import QuorumRule
from meetings.voting.rules import Turnout, carried, count, enough, reaches
from meetings.voting.states import Majority


@pytest.mark.parametrize(
    ("present", "members", "quorum", "wanted"),
    [
        (5, 10, QuorumRule.HALF, False),
        (6, 10, QuorumRule.HALF, True),
        (6, 9, QuorumRule.TWO_THIRDS, True),
        (5, 9, QuorumRule.TWO_THIRDS, False),
        (7, 10, QuorumRule.TWO_THIRDS, True),
        (1, 100, QuorumRule.NONE, True),
        (0, 0, QuorumRule.NONE, False),
        (0, 0, QuorumRule.TWO_THIRDS, False),
        (0, 0, QuorumRule.HALF, False),
    ],
)
def test_a_vote_opens_with_enough_people(present: int, members: int, quorum: QuorumRule, wanted: bool) -> None:
    assert enough(present, members, quorum) is wanted


@pytest.mark.parametrize(
    ("votes", "majority", "wanted"),
    [
        (5, Majority.HALF_OF_MEMBERS, False),
        (6, Majority.HALF_OF_MEMBERS, True),
        (4, Majority.HALF_OF_PRESENT, False),
        (5, Majority.HALF_OF_PRESENT, True),
        (3, Majority.HALF_OF_BALLOTS, False),
        (4, Majority.HALF_OF_BALLOTS, True),
        (6, Majority.TWO_THIRDS_OF_MEMBERS, False),
        (7, Majority.TWO_THIRDS_OF_MEMBERS, True),
        (0, Majority.MOST, False),
        (1, Majority.MOST, True),
    ],
)
def test_what_carries(votes: int, majority: Majority, wanted: bool) -> None:
    assert reaches(votes, Turnout(members=10, present=8, ballots=6), majority) is wanted


def test_a_list_is_counted_and_equals_at_the_edge_are_left_out() -> None:
    assert count(3, [[0, 2], [0], [2]]) == (2, 0, 2)
    everybody = Turnout(9, 9, 9)
    assert carried((3, 5, 2), everybody, Majority.MOST, 2) == (1, 0)
    assert carried((3, 5, 3), everybody, Majority.MOST, 2) == (1,)
    assert carried((5, 5, 5), everybody, Majority.HALF_OF_MEMBERS, 3) == (0, 1, 2)
    assert carried((4, 0, 0), everybody, Majority.HALF_OF_MEMBERS, 3) == ()
