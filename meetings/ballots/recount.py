"""Counting a published file again, without the server and without its word for anything."""

from collections.abc import Iterator
from dataclasses import dataclass

from kernel.text import Phrase, phrase
from meetings.ballots.group import Malformed
from meetings.ballots.proofs import share_holds
from meetings.ballots.record import Election, Record, opened, sums


@dataclass(frozen=True)
class Recount:
    """What the check found. `problems`: what is wrong, none when all is right. `counts`: None until it is opened."""

    problems: tuple[Phrase, ...]
    election: Election | None = None
    receipts: tuple[str, ...] = ()
    counts: tuple[int, ...] | None = None

    @property
    def complete(self) -> bool:
        """Whether all is right and the sums are opened."""
        return not self.problems and self.counts is not None


def recount(raw: bytes) -> Recount:
    """Check every key, ballot, share and count of a file."""
    try:
        record = Record.of(raw)
        receipts = tuple(ballot.receipt(record.election) for ballot in record.ballots)
        problems = tuple(_problems(record, receipts))
    except Malformed as error:
        return Recount((phrase("Tệp không đúng định dạng: {why}.", why=str(error)),))
    return Recount(problems, record.election, receipts, record.counts)


def _problems(record: Record, receipts: tuple[str, ...]) -> Iterator[Phrase]:
    election = record.election
    for place, trustee in enumerate(election.trustees):
        if not trustee.holds(election.draft, place):
            yield phrase("Khóa của {name} không có bằng chứng hợp lệ.", name=trustee.name)
    if list(receipts) != sorted(set(receipts)):
        yield phrase("Các phiếu không theo đúng thứ tự, hoặc có phiếu trùng.")
    for ballot, receipt in zip(record.ballots, receipts, strict=True):
        if not ballot.valid(election):
            yield phrase("Phiếu {receipt} không hợp lệ.", receipt=receipt)
    voted = record.voted
    if list(voted) != sorted(set(voted)) or any(one >= len(election.voters) for one in voted):
        yield phrase("Danh sách người đã bỏ phiếu không đúng.")
    if len(voted) != len(receipts):
        yield phrase("Có {ballots} phiếu nhưng {voted} người đã bỏ phiếu.", ballots=len(receipts), voted=len(voted))
    yield from _count_problems(record)


def _count_problems(record: Record) -> Iterator[Phrase]:
    election = record.election
    options = len(election.draft.options)
    if any(len(ballot.choices) != options for ballot in record.ballots):
        return  # told as an invalid ballot; there is no sum
    totals = sums(options, record.ballots)
    context, lefts = record.closing, [left for left, _ in totals]
    places = [share.trustee for share in record.shares]
    if places != sorted(set(places)) or any(place >= len(election.trustees) for place in places):
        yield phrase("Các phần giải mã không đúng người giữ khóa.")
        return
    for share in record.shares:
        trustee = election.trustees[share.trustee]
        if not share_holds(context, trustee.key, lefts, share.points, share.proof):
            yield phrase("Phần giải mã của {name} không hợp lệ.", name=trustee.name)
            return
    if record.counts is None:
        return
    if len(record.shares) < len(election.trustees):
        yield phrase("Có kết quả nhưng chưa đủ các phần giải mã.")
    elif opened(totals, record.shares, len(record.ballots)) != list(record.counts):
        yield phrase("Kết quả không khớp với các phiếu.")
