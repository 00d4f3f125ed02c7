"""What screens of a meeting know of its votes. Of a vote by name they know who has voted, and what was chosen only
when it is announced."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kernel.wire import Wire
from meetings.voting.models import Vote, Voter
from meetings.voting.rules import count
from meetings.voting.states import VoteKind, VoteState


@dataclass(frozen=True)
class LiveResult(Wire):
    """What came out: ballots and votes of each option, and which options are carried. `present`: who might vote."""

    ballots: int
    present: int
    counts: tuple[int, ...]
    carried: tuple[int, ...]


@dataclass(frozen=True)
class LiveVote(Wire):
    """A vote as everybody sees it; the result is null until it is announced. `item` is an id."""

    id: int
    rev: int
    kind: str
    item: int | None
    question: str
    options: tuple[str, ...]
    is_list: bool
    most: int
    state: str
    members: int
    opened_at: datetime | None
    ends_at: datetime | None
    announced_at: datetime | None
    result: LiveResult | None

    @classmethod
    def of(cls, vote: Vote) -> "LiveVote":
        """The fields of a row, as the room may know them."""
        told = vote.result if vote.state == VoteState.ANNOUNCED else None
        return cls(
            id=vote.id,
            rev=vote.rev,
            kind=vote.kind,
            item=vote.item_id,
            question=vote.question,
            options=tuple(vote.options),
            is_list=vote.is_list,
            most=vote.most,
            state=vote.state,
            members=vote.members,
            opened_at=vote.opened_at,
            ends_at=vote.ends_at,
            announced_at=vote.announced_at,
            result=result_of(told) if told else None,
        )


def result_of(stored: dict[str, object]) -> LiveResult:
    """A result as it was stored at the closing."""
    return LiveResult(**{name: tuple(v) if isinstance(v, list) else v for name, v in stored.items()})  # type: ignore[arg-type]


@dataclass(frozen=True)
class LiveRoll(Wire):
    """Who may vote and who has, as participants, while a vote runs. `hands`: the count so far of a show of hands."""

    id: int
    rev: int
    voters: tuple[int, ...]
    voted: tuple[int, ...]
    hands: tuple[int, ...]

    @classmethod
    def of(cls, vote: Vote, voters: Sequence[Voter]) -> "LiveRoll":
        """The list as the rows have it."""
        return cls(
            id=vote.id,
            rev=vote.roll_rev,
            voters=tuple(v.participant_id for v in voters if v.participant_id is not None),
            voted=_voted(voters),
            hands=_hands(vote, voters),
        )


@dataclass(frozen=True)
class Cast(Wire):
    """The part of the roll that changes when somebody votes."""

    id: int
    rev: int
    voted: tuple[int, ...]
    hands: tuple[int, ...]

    @classmethod
    def of(cls, vote: Vote, voters: Sequence[Voter]) -> "Cast":
        """The list as the rows have it."""
        return cls(vote.id, vote.roll_rev, _voted(voters), _hands(vote, voters))


def _voted(voters: Sequence[Voter]) -> tuple[int, ...]:
    return tuple(v.participant_id for v in voters if v.voted_at is not None and v.participant_id is not None)


def _hands(vote: Vote, voters: Sequence[Voter]) -> tuple[int, ...]:
    if vote.kind != VoteKind.HANDS:
        return ()
    return count(len(vote.options), [v.choices for v in voters if v.choices is not None])
