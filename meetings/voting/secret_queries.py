"""A secret vote as pages and their scripts read it."""

from dataclasses import dataclass
from typing import Any

from directory.actor import Actor
from kernel.db import Tx
from meetings.access import meeting_for, participant_of
from meetings.ballots.fingerprints import grouped, short
from meetings.ballots.record import Election
from meetings.models import Meeting
from meetings.voting.deciding import vote_for, voters_of
from meetings.voting.models import Vote
from meetings.voting.secret_keys import are_ready, file_of, keys_of, place_of, sealed_part, trustees_of
from meetings.voting.states import VoteKind, VoteState


@dataclass(frozen=True)
class TrusteeLine:
    """Who keeps a key, and how far they are."""

    name: str
    position: str
    has_key: bool
    has_share: bool
    is_me: bool


@dataclass(frozen=True)
class SecretView:
    """What the page of a secret vote shows beside what others have. `code`: by which the file is known, in groups."""

    trustees: list[TrusteeLine]
    code: str
    is_ready: bool
    is_trustee: bool
    needs_key: bool
    needs_share: bool
    has_file: bool


def secret_view(tx: Tx, actor: Actor | None, meeting: Meeting, vote_id: int) -> SecretView | None:
    """The part of a vote that only secret ones have; None for others. The caller has let `actor` see the vote."""
    vote = tx.session.get_one(Vote, vote_id)
    if vote.kind != VoteKind.SECRET:
        return None
    part, keys = sealed_part(tx, vote), keys_of(tx, vote.id)
    me = actor.person_id if actor is not None else None
    if part.election is None:
        known = {key.person_id: key for key in keys}
        people = [(p.name, p.position, p.person_id, known.get(p.person_id)) for p in trustees_of(tx, meeting)]
    else:
        people = [(key.published["name"], key.published["position"], key.person_id, key) for key in keys]
    lines = [
        TrusteeLine(name, position, key is not None, key is not None and key.share is not None, person == me)
        for name, position, person, key in people
    ]
    mine = next((line for line in lines if line.is_me), None)
    closed = vote.state == VoteState.CLOSED and vote.result is None
    return SecretView(
        trustees=lines,
        code=grouped(short(Election.of(part.election).fingerprint)) if part.election is not None else "",
        is_ready=are_ready(tx, meeting, vote),
        is_trustee=mine is not None,
        needs_key=mine is not None and vote.state == VoteState.PREPARED,
        needs_share=mine is not None and closed and not mine.has_share,
        has_file=part.voted is not None,
    )


def ballot_facts(tx: Tx, actor: Actor, meeting_id: int, vote_id: int) -> dict[str, Any]:
    """What the browser needs to make a key, or a ballot: the words of the vote, its keys, and who is asking."""
    meeting = meeting_for(tx, actor, meeting_id)
    vote = vote_for(tx, actor, meeting, vote_id)
    own, part = participant_of(tx, actor, meeting.id), sealed_part(tx, vote)
    me = next((v for v in voters_of(tx, vote.id) if own is not None and v.participant_id == own.id), None)
    keys = {key.person_id: key for key in keys_of(tx, vote.id)}
    mine = keys.get(actor.person_id) if actor.person_id is not None else None
    return {
        "state": vote.state,
        "draft": part.draft,
        "election": part.election,
        "place": mine.place if mine is not None else place_of(tx, actor, meeting),
        "name": own.name if own is not None else "",
        "key": mine.published["key"] if mine is not None else "",
        "voted": me is not None and me.voted_at is not None,
    }


def published_file(tx: Tx, actor: Actor, meeting_id: int, vote_id: int) -> bytes:
    """The file for recounting, for everybody who may see the vote."""
    return file_of(tx, vote_for(tx, actor, meeting_for(tx, actor, meeting_id), vote_id))
