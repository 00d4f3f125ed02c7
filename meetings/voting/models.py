"""Tables of votes."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, Json, JsonList
from meetings.quorum import QuorumRule
from meetings.voting.states import Majority, VoteKind, VoteState


class Vote(Base):
    """One question that is put to the vote. `options` are its choices in words; of a yes/no vote the first is "yes".
    `members` counts who has a vote, there or not, when it opens."""

    __tablename__ = "vote"
    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(sa.ForeignKey("meeting.id", ondelete="CASCADE"), index=True)
    item_id: Mapped[int | None] = mapped_column(sa.ForeignKey("agenda_item.id", ondelete="SET NULL"))
    kind: Mapped[str] = mapped_column(default=VoteKind.NAMED)
    question: Mapped[str]
    options: Mapped[JsonList]
    is_list: Mapped[bool] = mapped_column(default=False)
    most: Mapped[int] = mapped_column(default=1)  # how many options one ballot may choose
    quorum: Mapped[str] = mapped_column(default=QuorumRule.HALF)
    majority: Mapped[str] = mapped_column(default=Majority.HALF_OF_MEMBERS)
    with_substitutes: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(default=VoteState.PREPARED)
    rev: Mapped[int] = mapped_column(default=1)
    roll_rev: Mapped[int] = mapped_column(default=0)
    members: Mapped[int] = mapped_column(default=0)
    seconds: Mapped[int] = mapped_column(default=0)  # of a show of hands
    opened_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]  # of a show of hands
    closed_at: Mapped[datetime | None]
    announced_at: Mapped[datetime | None]
    result: Mapped[Json | None]  # counts, ballots, carried; from closing on
    created_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    created_at: Mapped[datetime]


class Voter(Base):
    """Somebody who may vote, under the name of that moment; the list is made when the vote opens and stays."""

    __tablename__ = "voter"
    __table_args__ = (sa.UniqueConstraint("vote_id", "participant_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    vote_id: Mapped[int] = mapped_column(sa.ForeignKey("vote.id", ondelete="CASCADE"))
    participant_id: Mapped[int | None] = mapped_column(sa.ForeignKey("participant.id", ondelete="SET NULL"), index=True)
    name: Mapped[str]
    position: Mapped[str] = mapped_column(default="")
    voted_at: Mapped[datetime | None]
    choices: Mapped[JsonList | None]
    written_by: Mapped[str] = mapped_column(default="")  # `person:3` of the desk, who wrote it for them


class SecretVote(Base):
    """What a secret vote has beside the others. `draft`: what is put to it, from preparing on; `election`: with keys
    and voters, from opening on; `voted`: places in the list of voters, from closing on (docs/ballots.md)."""

    __tablename__ = "secret_vote"
    vote_id: Mapped[int] = mapped_column(sa.ForeignKey("vote.id", ondelete="CASCADE"), primary_key=True)
    draft: Mapped[Json]
    election: Mapped[Json | None]
    voted: Mapped[JsonList | None]


class BallotKey(Base):
    """A public key that a trustee made in their browser, and after the closing their share of the decryption."""

    __tablename__ = "ballot_key"
    vote_id: Mapped[int] = mapped_column(sa.ForeignKey("vote.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    published: Mapped[Json]
    share: Mapped[Json | None]


class BallotRow(Base):
    """An encrypted ballot under its receipt. It has no voter, no number and no moment: nothing of it leads back to who
    sent it. Rows are only ever added."""

    __tablename__ = "sealed_ballot"
    vote_id: Mapped[int] = mapped_column(sa.ForeignKey("vote.id", ondelete="CASCADE"), primary_key=True)
    receipt: Mapped[str] = mapped_column(primary_key=True)
    ballot: Mapped[Json]
