"""A secret vote through the verbs, with the browsers' part in Python (tests/meetings/ballots/voter.py)."""

from typing import Any

from directory.actor import Actor
from kernel.db import Database
from meetings.ballots.record import Draft, Election, Record
from meetings.voting import deciding, secret_ballots, secret_keys, secret_queries
from meetings.voting.models import SecretVote, Vote
from meetings.voting.states import VoteKind
from tests.cast import Cast
from tests.meetings.ballots.voter import Trustee, sealed
from tests.meetings.stage import Stage
from tests.meetings.voting.scene import prepared


class Secret:
    """One secret vote of a stage, and the keys that would be in the browsers of Bình and Thư."""

    def __init__(self, db: Database, cast: Cast, stage: Stage, **changes: object) -> None:
        """Prepare the vote."""
        self.db, self.cast, self.stage = db, cast, stage
        self.id = prepared(db, cast, stage, kind=VoteKind.SECRET, **changes)
        self.keepers: dict[str, tuple[Trustee, int]] = {}

    def key(self, name: str, trustee: Trustee | None = None) -> None:
        """Somebody makes a key and publishes it."""
        actor, facts = self._actor(name), self.facts(name)
        trustee = trustee or Trustee(facts["name"])
        data = trustee.published(Draft.of(facts["draft"]), facts["place"] or 0)
        with self.db.write(actor.by) as tx:
            secret_ballots.publish_key(tx, actor, self.stage.id, self.id, _bare(data))
        self.keepers[name] = (trustee, facts["place"])

    def open(self) -> "Secret":
        """Both keys, and the vote is open."""
        for name in ("binh", "thu"):
            if name not in self.keepers:
                self.key(name)
        with self.db.write(self.cast.thu.by) as tx:
            deciding.open_vote(tx, self.cast.thu, self.stage.id, self.id)
        return self

    @property
    def election(self) -> Election:
        """As it was opened."""
        return Election.of(self.facts("lan")["election"])

    def facts(self, name: str) -> dict[str, Any]:
        """What the browser of somebody gets."""
        with self.db.read() as tx:
            return secret_queries.ballot_facts(tx, self._actor(name), self.stage.id, self.id)

    def ballot(self, *chosen: int) -> dict[str, Any]:
        """An encrypted ballot."""
        return sealed(self.election, chosen)

    def send(self, name: str, ballot: dict[str, Any]) -> str:
        """Somebody sends a ballot; the receipt."""
        actor = self._actor(name)
        with self.db.write(actor.by) as tx:
            return str(secret_ballots.cast_sealed(tx, actor, self.stage.id, self.id, ballot)["receipt"])

    def vote(self, **choices: int | tuple[int, ...]) -> list[str]:
        """People vote: vote(lan=0, nam=(0, 2)); the receipts."""
        return [
            self.send(name, self.ballot(*((chosen,) if isinstance(chosen, int) else chosen)))
            for name, chosen in choices.items()
        ]

    def close(self) -> "Secret":
        """No more ballots."""
        with self.db.write(self.cast.thu.by) as tx:
            deciding.close_vote(tx, self.cast.thu, self.stage.id, self.id)
        return self

    def share_of(self, name: str) -> dict[str, Any]:
        """What the browser of a trustee computes after the closing."""
        trustee, place = self.keepers[name]
        record = Record.of(self.file)
        return trustee.share(record.election, place, record.ballots, record.closing)

    def share(self, name: str, data: dict[str, Any] | None = None) -> bool:
        """A trustee opens the part that is theirs; whether the result is there."""
        actor, data = self._actor(name), data or self.share_of(name)
        with self.db.write(actor.by) as tx:
            return bool(secret_ballots.add_share(tx, actor, self.stage.id, self.id, data)["opened"])

    @property
    def file(self) -> bytes:
        """The published file."""
        with self.db.read() as tx:
            return secret_keys.file_of(tx, tx.session.get_one(Vote, self.id))

    @property
    def row(self) -> Vote:
        """The vote as it stands."""
        with self.db.read() as tx:
            return tx.session.get_one(Vote, self.id)

    @property
    def part(self) -> SecretVote:
        """What only secret votes have."""
        with self.db.read() as tx:
            return tx.session.get_one(SecretVote, self.id)

    def _actor(self, name: str) -> Actor:
        found: Actor = getattr(self.cast, name)
        return found


def _bare(data: dict[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in ("key", "c", "z")}
