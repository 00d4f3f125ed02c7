"""The life of a vote, and the rules it can have. Pure."""

from enum import StrEnum

from kernel.text import Phrase, phrase
from meetings.quorum import QuorumRule


class VoteKind(StrEnum):
    """NAMED: everybody reads afterwards who chose what. SECRET: encrypted in the browsers, nobody reads who chose what.
    PAPER: as secret, on paper, and its result is entered. HANDS: not binding, over after some seconds, counts only."""

    NAMED = "named"
    SECRET = "secret"  # noqa: S105
    PAPER = "paper"
    HANDS = "hands"


class VoteState(StrEnum):
    """`closed`: counted, and only the desk may look; `announced`: everybody sees the result."""

    PREPARED = "prepared"
    OPEN = "open"
    CLOSED = "closed"
    ANNOUNCED = "announced"
    CANCELLED = "cancelled"


class VoteVerb(StrEnum):
    """What can be done to a vote."""

    OPEN = "open"
    CAST = "cast"
    CLOSE = "close"
    ANNOUNCE = "announce"
    CANCEL = "cancel"


class Majority(StrEnum):
    """What a choice needs: more than a share of the ballots cast, of the voters present, or of all who have a vote.
    MOST: more ballots than the others; for lists."""

    HALF_OF_MEMBERS = "half_of_members"
    TWO_THIRDS_OF_MEMBERS = "two_thirds_of_members"
    HALF_OF_PRESENT = "half_of_present"
    HALF_OF_BALLOTS = "half_of_ballots"
    MOST = "most"


_S, _V = VoteState, VoteVerb

#: state × verb → state. What is not in the table is refused.
MOVES: dict[tuple[VoteState, VoteVerb], VoteState] = {
    (_S.PREPARED, _V.OPEN): _S.OPEN,
    (_S.PREPARED, _V.CANCEL): _S.CANCELLED,
    (_S.OPEN, _V.CAST): _S.OPEN,
    (_S.OPEN, _V.CLOSE): _S.CLOSED,
    (_S.OPEN, _V.CANCEL): _S.CANCELLED,
    (_S.CLOSED, _V.ANNOUNCE): _S.ANNOUNCED,
    (_S.CLOSED, _V.CANCEL): _S.CANCELLED,
}

#: States in which screens hold the list of who may vote and who has.
COUNTING = frozenset({_S.OPEN, _S.CLOSED})

#: Of these the service never knows who chose what.
SECRET_KINDS = frozenset({VoteKind.SECRET, VoteKind.PAPER})

YES_NO = (phrase("Tán thành"), phrase("Không tán thành"), phrase("Không biểu quyết"))
HANDS = (phrase("Đồng ý"), phrase("Không đồng ý"))

KIND_WORDS: dict[str, Phrase] = {
    VoteKind.NAMED: phrase("Biểu quyết công khai"),
    VoteKind.SECRET: phrase("Bỏ phiếu kín"),
    VoteKind.PAPER: phrase("Bỏ phiếu kín bằng giấy"),
    VoteKind.HANDS: phrase("Giơ tay"),
}
STATE_WORDS: dict[str, tuple[Phrase, str]] = {
    VoteState.PREPARED: (phrase("Đã chuẩn bị"), "plain"),
    VoteState.OPEN: (phrase("Đang biểu quyết"), "good"),
    VoteState.CLOSED: (phrase("Chờ công bố"), "waiting"),
    VoteState.ANNOUNCED: (phrase("Đã công bố"), "info"),
    VoteState.CANCELLED: (phrase("Đã hủy"), "bad"),
}
#: What a vote can ask for when it opens, of those who have a vote.
QUORUM_WORDS: dict[str, Phrase] = {
    QuorumRule.HALF: phrase("Quá nửa số người có quyền biểu quyết có mặt"),
    QuorumRule.TWO_THIRDS: phrase("Ít nhất hai phần ba số người có quyền biểu quyết có mặt"),
    QuorumRule.NONE: phrase("Không yêu cầu"),
}
MAJORITY_WORDS: dict[str, Phrase] = {
    Majority.HALF_OF_MEMBERS: phrase("Quá nửa tổng số người có quyền biểu quyết"),
    Majority.TWO_THIRDS_OF_MEMBERS: phrase("Ít nhất hai phần ba tổng số người có quyền biểu quyết"),
    Majority.HALF_OF_PRESENT: phrase("Quá nửa số người có mặt khi mở biểu quyết"),
    Majority.HALF_OF_BALLOTS: phrase("Quá nửa số phiếu đã gửi"),
    Majority.MOST: phrase("Nhiều phiếu nhất (cho danh sách)"),
}
