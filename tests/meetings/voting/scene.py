"""An opened meeting with people in the room, and a vote that is where a test needs it."""

from collections.abc import Sequence

from kernel.db import Database
from meetings import attending
from meetings.voting import deciding, preparing
from meetings.voting.models import Vote
from meetings.voting.preparing import VoteFacts
from tests.cast import Cast
from tests.meetings import stage as at
from tests.meetings.stage import Stage

HERE = ("binh", "lan", "nam", "dung")  # the chair and all three delegates


def in_session(db: Database, cast: Cast, here: Sequence[str] = HERE) -> Stage:
    """Bình opened the meeting, and these people are checked in."""
    stage = at.opened(db, cast)
    with db.write(cast.thu.by) as tx:
        for name in here:
            attending.check_in_for(tx, cast.thu, stage.id, stage.people[name])
    return stage


def prepared(db: Database, cast: Cast, stage: Stage, **changes: object) -> int:
    """Thư wrote a vote down."""
    given = VoteFacts(**{"question": "Thông qua phương án chống ngập", **changes})  # type: ignore[arg-type]
    with db.write(cast.thu.by) as tx:
        return int(preparing.prepare(tx, cast.thu, stage.id, given)["vote"])


def running(db: Database, cast: Cast, stage: Stage, **changes: object) -> int:
    """… and opened it."""
    vote_id = prepared(db, cast, stage, **changes)
    with db.write(cast.thu.by) as tx:
        deciding.open_vote(tx, cast.thu, stage.id, vote_id)
    return vote_id


def choose(db: Database, cast: Cast, stage: Stage, vote_id: int, **choices: int | Sequence[int]) -> None:
    """People vote: choose(…, lan=0, nam=(1, 2))."""
    for name, chosen in choices.items():
        actor = getattr(cast, name)
        with db.write(actor.by) as tx:
            deciding.cast(tx, actor, stage.id, vote_id, [chosen] if isinstance(chosen, int) else chosen)


def finish(db: Database, cast: Cast, stage: Stage, vote_id: int) -> Vote:
    """Closed by the secretary, announced by the chair."""
    with db.write(cast.thu.by) as tx:
        deciding.close_vote(tx, cast.thu, stage.id, vote_id)
    with db.write(cast.binh.by) as tx:
        deciding.announce(tx, cast.binh, stage.id, vote_id)
    return row(db, vote_id)


def row(db: Database, vote_id: int) -> Vote:
    """The vote as it stands."""
    with db.read() as tx:
        return tx.session.get_one(Vote, vote_id)
