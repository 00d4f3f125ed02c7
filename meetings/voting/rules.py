"""Majority and quorum as pure arithmetic. Everything is compared in whole numbers, so nothing is rounded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from meetings.quorum import Quorum, QuorumRule
from meetings.voting.states import Majority


def enough(present: int, members: int, rule: QuorumRule) -> bool:
    """Whether a vote may open: by the rule, and never without a voter."""
    return present > 0 and Quorum(rule, 0, present, members).reached


@dataclass(frozen=True)
class Turnout:
    """How many have a vote at all, how many of them were there at the opening, how many cast a ballot."""

    members: int
    present: int
    ballots: int


def count(options: int, ballots: Iterable[Sequence[int]]) -> tuple[int, ...]:
    """How often each option was chosen."""
    found = [0] * options
    for chosen in ballots:
        for option in chosen:
            found[option] += 1
    return tuple(found)


def carried(counts: Sequence[int], turnout: Turnout, majority: Majority, most: int) -> tuple[int, ...]:
    """The options of a list that are carried, at most `most`: the strongest first. Where two are equal at the edge,
    neither is, and the meeting decides by another vote."""
    ranked = sorted(range(len(counts)), key=lambda option: (-counts[option], option))
    able = [option for option in ranked if reaches(counts[option], turnout, majority)]
    if len(able) <= most:
        return tuple(able)
    edge = counts[able[most]]
    return tuple(option for option in able[:most] if counts[option] > edge)


def reaches(votes: int, turnout: Turnout, majority: Majority) -> bool:
    """Whether so many votes are what the rule asks for."""
    if majority is Majority.MOST:
        return votes > 0
    if majority is Majority.TWO_THIRDS_OF_MEMBERS:
        return votes * 3 >= turnout.members * 2 and votes > 0
    base = {
        Majority.HALF_OF_MEMBERS: turnout.members,
        Majority.HALF_OF_PRESENT: turnout.present,
        Majority.HALF_OF_BALLOTS: turnout.ballots,
    }[majority]
    return votes * 2 > base
