"""The counts of a report, and the words of its columns. Pure."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import ClassVar, Self

from kernel.text import Phrase, phrase


@dataclass(frozen=True)
class Count:
    """Numbers of one group of documents; `HEADS` are the words over its columns."""

    HEADS: ClassVar[tuple[Phrase, ...]] = ()

    def __add__(self, other: Self) -> Self:
        return type(self)(*(mine + more for mine, more in zip(astuple(self), astuple(other), strict=True)))

    @classmethod
    def sum(cls, counts: Iterable[Self]) -> Self:
        """All of them together."""
        return sum(counts, cls())

    @property
    def all(self) -> int:
        """How many documents it is about."""
        raise NotImplementedError

    @property
    def stack(self) -> tuple[int, int, int]:
        """In time, late, and neither yet: a column of the chart."""
        raise NotImplementedError

    def cells(self) -> tuple[str, ...]:
        """The numbers as text, in the order of `HEADS`; "" where nothing can be said."""
        raise NotImplementedError


@dataclass(frozen=True)
class Received(Count):
    """Counts of received documents. `due` of them had a deadline for the answer that has passed or was kept;
    `answered` of these kept it."""

    arrived: int = 0
    in_time: int = 0
    late: int = 0
    refused: int = 0
    forwarded: int = 0
    forwarded_late: int = 0
    due: int = 0
    answered: int = 0

    HEADS: ClassVar[tuple[Phrase, ...]] = (
        phrase("Văn bản đến"),
        phrase("Tiếp nhận đúng hạn"),
        phrase("Quá hạn"),
        phrase("Chờ tiếp nhận"),
        phrase("Đã từ chối"),
        phrase("Tỷ lệ đúng hạn"),
        phrase("Trình đúng hạn"),
        phrase("Trình quá hạn"),
        phrase("Có hạn trả lời"),
        phrase("Trả lời đúng hạn"),
    )

    @property
    def all(self) -> int:
        """All that came."""
        return self.arrived

    @property
    def waiting(self) -> int:
        """Not registered yet and still in time."""
        return self.arrived - self.in_time - self.late

    @property
    def stack(self) -> tuple[int, int, int]:
        """Registered in time, late, waiting."""
        return self.in_time, self.late, self.waiting

    @property
    def rate(self) -> int | None:
        """The share registered in time, in per cent, rounded down; None when nothing can be said."""
        return _rate(self.in_time, self.in_time + self.late)

    @property
    def answer_rate(self) -> int | None:
        """The share answered in time, in per cent, rounded down; None without deadlines."""
        return _rate(self.answered, self.due)

    def cells(self) -> tuple[str, ...]:
        """See `Count.cells`."""
        numbers = (self.arrived, self.in_time, self.late, self.waiting, self.refused)
        later = (self.forwarded, self.forwarded_late, self.due, self.answered)
        return (*map(str, numbers), _per_cent(self.rate), *map(str, later))


@dataclass(frozen=True)
class Issued(Count):
    """Counts of signed documents: sealed and sent in time, or late."""

    signed: int = 0
    in_time: int = 0
    late: int = 0

    HEADS: ClassVar[tuple[Phrase, ...]] = (
        phrase("Văn bản đã ký"),
        phrase("Phát hành đúng hạn"),
        phrase("Quá hạn"),
        phrase("Chờ phát hành"),
        phrase("Tỷ lệ đúng hạn"),
    )

    @property
    def all(self) -> int:
        """All that were signed."""
        return self.signed

    @property
    def stack(self) -> tuple[int, int, int]:
        """Sent in time, late, waiting."""
        return self.in_time, self.late, self.signed - self.in_time - self.late

    def cells(self) -> tuple[str, ...]:
        """See `Count.cells`."""
        in_time, late, waiting = self.stack
        rate = _per_cent(_rate(in_time, in_time + late))
        return (*map(str, (self.signed, in_time, late, waiting)), rate)


def _rate(part: int, whole: int) -> int | None:
    return 100 * part // whole if whole else None


def _per_cent(rate: int | None) -> str:
    return "" if rate is None else f"{rate} %"
