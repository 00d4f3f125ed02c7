"""`lienthong ballot recount`: what it says of good, unopened and wrong files."""

from pathlib import Path

from click.testing import CliRunner, Result

from meetings.ballots.record import canonical
from meetings.ballots.recount import recount
from tests.meetings.ballots.files import finished, opened
from tests.meetings.ballots.voter import Chance, sealed
from web.cli import main


def told(tmp_path: Path, raw: bytes, *options: str) -> Result:
    file = tmp_path / "file.json"
    file.write_bytes(raw)
    return CliRunner().invoke(main, ["ballot", "recount", str(file), *options])


def test_a_good_file_is_counted_and_a_receipt_is_found_however_it_is_written(tmp_path: Path) -> None:
    raw = finished([[0], [1], [0]])
    receipt = recount(raw).receipts[1]
    answer = told(tmp_path, raw, "--receipt", " ".join([receipt[:4].lower(), receipt[4:]]))
    assert answer.exit_code == 0, answer.output
    assert "     2  Tán thành" in answer.output
    assert "ĐÚNG" in answer.output
    assert told(tmp_path, raw, "--lang", "en").output.endswith("what was counted again agrees.\n")


def test_a_missing_receipt_and_a_wrong_file_are_told(tmp_path: Path) -> None:
    raw = finished([[0], [1]])
    missing = told(tmp_path, raw, "--receipt", "A" * 32)
    assert (missing.exit_code, "Không có phiếu AAAA" in missing.output) == (1, True)
    wrong = told(tmp_path, raw.replace(b'"counts":[1,1,0]', b'"counts":[2,0,0]'))
    assert (wrong.exit_code, "Kết quả không khớp" in wrong.output) == (1, True)
    for text in (b"", b"{}", b"[" * 5000, b'{"a":1e999}', b'"\\ud800"', raw + b"\n"):
        assert told(tmp_path, text).exit_code == 1


def test_a_file_that_is_not_opened_yet_has_no_result(tmp_path: Path) -> None:
    start, rest = finished([[0], [1]]).split(b'"shares":', 1)
    voted = rest[rest.index(b'"voted"') :]
    raw = start.replace(b'"counts":[1,1,0]', b'"counts":null') + b'"shares":[],' + voted
    answer = told(tmp_path, raw)
    assert (answer.exit_code, "chưa có kết quả" in answer.output) == (2, True)


def test_a_ballot_too_many_and_a_ballot_twice_are_found() -> None:
    vote, chance = opened(3), Chance(9)
    election = vote.election
    one, other = sealed(election, [0], chance), sealed(election, [1], chance)
    for ballots, voted, counts in (([one, other], [0], [1, 1, 0]), ([one, one], [0, 1], [2, 0, 0])):
        found = recount(canonical(vote.file(ballots, voted, counts)))
        assert [problem.vi for problem in found.problems] != []
    assert recount(canonical(vote.file([one, other], [0, 2], [1, 1, 0]))).complete


def test_ballots_of_two_who_cancel_each_other_still_count() -> None:
    """Their randomness sums to nothing, so that the sum is the identity."""
    vote = opened(2)
    ballots = [sealed(vote.election, [0], Opposite(sign)) for sign in (1, -1)]
    assert recount(canonical(vote.file(ballots, [0, 1], [2, 0, 0]))).counts == (2, 0, 0)
    assert recount(canonical(vote.file(ballots, [0, 1], [2, 0, 0]))).complete


class Opposite(Chance):
    """Numbers by chance whose first ones are those of another, or their opposites."""

    def __init__(self, sign: int) -> None:
        """Begin."""
        super().__init__(1)
        self.sign, self.first = sign, 3

    def randrange(self, start: int, stop: int | None = None, step: int = 1) -> int:
        """The next one."""
        found = super().randrange(start, stop, step)
        self.first -= 1
        return found * self.sign % (stop or start) if self.first >= 0 else found
