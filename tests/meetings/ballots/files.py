"""Whole files of secret votes, made without the service."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from meetings.ballots.record import FORMAT, Draft, Election, SealedBallot, canonical, closing_of
from tests.meetings.ballots.voter import Chance, Trustee, sealed

DRAFT = Draft("0123456789abcdef" * 2, 7, 3, "Họp giao ban", "Bầu thư ký đoàn", ("Tán thành", "Không", "Trắng"), 1, 1)


@dataclass
class Vote:
    """A vote whose keys and ballots are at hand."""

    trustees: Sequence[Trustee]
    data: dict[str, Any]

    @property
    def election(self) -> Election:
        """As it was opened."""
        return Election.of(self.data)

    def file(self, ballots: Sequence[dict[str, Any]], voted: Sequence[int], counts: Sequence[int]) -> dict[str, Any]:
        """The whole file, opened by all trustees; nothing of it is checked here."""
        election = self.election
        ordered = sorted((SealedBallot.of(one) for one in ballots), key=lambda one: one.receipt(election))
        closing = closing_of(election, [one.receipt(election) for one in ordered], voted)
        shares = [trustee.share(election, place, ordered, closing) for place, trustee in enumerate(self.trustees)]
        return {
            "format": FORMAT,
            "election": self.data,
            "ballots": [one.data for one in ordered],
            "voted": list(voted),
            "shares": shares,
            "counts": list(counts),
        }


def opened(voters: int = 4, draft: Draft = DRAFT, chance: Chance | None = None) -> Vote:
    """A vote with two trustees and so many voters."""
    chance = chance or Chance(4)
    trustees = [Trustee("Trần Bình", chance=chance), Trustee("Lê Thư", "Thư ký", chance)]
    data = {
        "draft": draft.data,
        "trustees": [one.published(draft, place) for place, one in enumerate(trustees)],
        "voters": [{"name": f"Đại biểu {n}", "position": ""} for n in range(voters)],
        "opened": "2026-12-07T08:00:00.000+00:00",
    }
    return Vote(trustees, data)


def finished(choices: Sequence[Sequence[int]], voters: int = 0, draft: Draft = DRAFT, seed: int = 4) -> bytes:
    """A good file in which the first voters chose so."""
    chance = Chance(seed)
    vote = opened(voters or len(choices) + 1, draft, chance)
    election = vote.election
    counts = [sum(option in chosen for chosen in choices) for option in range(len(draft.options))]
    ballots = [sealed(election, chosen, chance) for chosen in choices]
    return canonical(vote.file(ballots, range(len(choices)), counts))
