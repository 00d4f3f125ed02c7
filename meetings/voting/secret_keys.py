"""The chair and the secretary keep the keys of a secret vote, each their own, in their own browser.

The service stores the public halves with the proofs that the secret ones exist, and after the closing the shares that
open the sums. It never has what would open one ballot (docs/ballots.md).
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.errors import Forbidden, Invalid, WrongState
from kernel.text import phrase
from meetings.access import participant_of
from meetings.ballots.group import Malformed
from meetings.ballots.proofs import share_holds
from meetings.ballots.record import Draft, Election, Record, SealedBallot, Share, TrusteeKey, canonical, opened, sums
from meetings.convening import participants_of
from meetings.models import Meeting, Participant
from meetings.voting.models import BallotKey, BallotRow, SecretVote, Vote, Voter

Data = Mapping[str, Any]


def fix_draft(tx: Tx, meeting: Meeting, vote: Vote) -> None:
    """Fix what a secret vote is about, when it is prepared: keys and ballots are made for these very words."""
    draft = Draft(
        id=secrets.token_hex(16),
        meeting=meeting.id,
        vote=vote.id,
        title=meeting.title,
        question=vote.question,
        options=tuple(vote.options),
        least=0 if vote.is_list else 1,
        most=vote.most,
    )
    tx.session.add(SecretVote(vote_id=vote.id, draft=draft.data))


def sealed_part(tx: Tx, vote: Vote) -> SecretVote:
    """The part of a secret vote that others do not have."""
    return tx.session.get_one(SecretVote, vote.id)


def keys_of(tx: Tx, vote_id: int) -> list[BallotKey]:
    """The keys that are there, in their places."""
    return list(tx.session.scalars(sa.select(BallotKey).where(BallotKey.vote_id == vote_id).order_by(BallotKey.place)))


def trustees_of(tx: Tx, meeting: Meeting) -> list[Participant]:
    """Who keeps the keys: the chair, then the secretary. Empty where these are not two participants."""
    people = {p.person_id: p for p in participants_of(tx, meeting.id)}
    found = [people.get(person) for person in (meeting.chair_id, meeting.secretary_id) if person is not None]
    both = [one for one in found if one is not None]
    return both if len({one.id for one in both}) == 2 else []


def place_of(tx: Tx, actor: Actor | None, meeting: Meeting) -> int | None:
    """Which key `actor` keeps: 0 the chair, 1 the secretary, None nobody else."""
    own = participant_of(tx, actor, meeting.id)
    trustees = [one.id for one in trustees_of(tx, meeting)]
    return trustees.index(own.id) if own is not None and own.id in trustees else None


def must_be_trustee(tx: Tx, actor: Actor, meeting: Meeting) -> int:
    """The place of a trustee; Forbidden for everybody else."""
    place = place_of(tx, actor, meeting)
    if place is None:
        raise Forbidden(phrase("Chỉ chủ trì và thư ký, mỗi người trên máy của mình, được tạo khóa bỏ phiếu kín."))
    return place


def key_for(tx: Tx, actor: Actor, vote: Vote) -> BallotKey:
    """The key that `actor` keeps for a vote; Forbidden for who keeps none."""
    own = next((key for key in keys_of(tx, vote.id) if key.person_id == actor.person_id), None)
    if own is None:
        raise Forbidden(phrase("Chỉ người giữ khóa của lần bỏ phiếu này giải mã được."))
    return own


def publish_key(tx: Tx, actor: Actor, meeting: Meeting, vote: Vote, data: Data) -> None:
    """Store the public key of a trustee, or the new one of somebody who lost theirs before the opening."""
    place = must_be_trustee(tx, actor, meeting)
    trustee = trustees_of(tx, meeting)[place]
    published = {**data, "name": trustee.name, "position": trustee.position}
    try:
        holds = TrusteeKey.of(published).holds(Draft.of(sealed_part(tx, vote).draft), place)
    except Malformed:
        holds = False
    if not holds:
        raise Invalid({"key": phrase("Khóa không hợp lệ. Xin tải lại trang và tạo lại.")})
    known = tx.session.get(BallotKey, (vote.id, place))
    if known is None:
        known = BallotKey(vote_id=vote.id, place=place)
        tx.session.add(known)
    known.person_id, known.published = trustee.person_id, published


def are_ready(tx: Tx, meeting: Meeting, vote: Vote) -> bool:
    """Whether the chair and the secretary of now have made their keys."""
    wanted = [one.person_id for one in trustees_of(tx, meeting)]
    return bool(wanted) and [key.person_id for key in keys_of(tx, vote.id)] == wanted


def open_election(tx: Tx, meeting: Meeting, vote: Vote, voters: Sequence[Voter]) -> None:
    """Fix keys and voters, when the vote opens. Refused while a key is missing."""
    if not trustees_of(tx, meeting):
        raise WrongState(phrase("Bỏ phiếu kín cần chủ trì và thư ký là hai người khác nhau, mỗi người giữ một khóa."))
    if not are_ready(tx, meeting, vote):
        raise WrongState(phrase("Chủ trì và thư ký cần tạo khóa, mỗi người trên máy của mình, trước khi mở."))
    part = sealed_part(tx, vote)
    election = {
        "draft": part.draft,
        "trustees": [key.published for key in keys_of(tx, vote.id)],
        "voters": [{"name": voter.name, "position": voter.position} for voter in voters],
        "opened": clock.now().isoformat(timespec="milliseconds"),
    }
    try:
        Election.of(election)
    except Malformed as error:  # keys that cancel each other
        raise WrongState(phrase("Hai khóa không dùng được với nhau. Xin tạo lại.")) from error
    part.election = election


def close_election(tx: Tx, vote: Vote, voters: Sequence[Voter]) -> None:
    """Fix who has voted, when the vote closes."""
    sealed_part(tx, vote).voted = [place for place, voter in enumerate(voters) if voter.voted_at is not None]


def add_share(tx: Tx, own: BallotKey, vote: Vote, data: Data) -> list[int] | None:
    """Take what a trustee's browser computed; with the last share the counts come out, before that None."""
    record = Record.of(file_of(tx, vote))
    try:
        share = Share.of({**data, "trustee": own.place})
    except Malformed as error:
        raise _bad_share() from error
    totals = sums(len(record.election.draft.options), record.ballots)
    lefts = [left for left, _ in totals]
    key = record.election.trustees[own.place].key
    if not share_holds(record.closing, key, lefts, share.points, share.proof):
        raise _bad_share()
    own.share = {**data, "trustee": own.place}
    shares = [*(one for one in record.shares if one.trustee != own.place), share]
    return opened(totals, shares, len(record.ballots)) if len(shares) == len(record.election.trustees) else None


def _bad_share() -> Invalid:
    return Invalid({"share": phrase("Phần giải mã không hợp lệ. Khóa trên máy này không phải khóa đã công bố.")})


def ballots_of(tx: Tx, vote_id: int) -> list[SealedBallot]:
    """The ballots in the order of their receipts, which is no order of time."""
    query = sa.select(BallotRow).where(BallotRow.vote_id == vote_id)
    return [SealedBallot.of(row.ballot) for row in sorted(tx.session.scalars(query), key=lambda row: row.receipt)]


def file_of(tx: Tx, vote: Vote) -> bytes:
    """The file of a vote that is closed, as anybody in the meeting may have it; while it runs there is none, or the
    moments at which ballots appear would tell whose they are."""
    part = sealed_part(tx, vote)
    if part.voted is None or part.election is None:
        raise WrongState(phrase("Tệp kết quả có sau khi đóng bỏ phiếu."))
    counts = vote.result["counts"] if vote.result is not None else None
    return canonical(
        {
            "format": "lienthong-ballot/1",
            "election": part.election,
            "ballots": [ballot.data for ballot in ballots_of(tx, vote.id)],
            "voted": part.voted,
            "shares": [key.share for key in keys_of(tx, vote.id) if key.share is not None],
            "counts": counts,
        }
    )
