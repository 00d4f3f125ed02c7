"""How far a sending has come at one receiver, and whether it is asked back: the words of the exchange, for the hub, its
pages and the systems that talk to it.

Source: QĐ 28/2018/QĐ-TTg (the nine statuses between agencies), and the steps of the hub before them.
"""

from enum import StrEnum

from kernel.text import Phrase, phrase


class Progress(StrEnum):
    """How far a document has come at one recipient: three steps of the hub, then the statuses of QĐ 28/2018."""

    SUBMITTED = "submitted"
    AVAILABLE = "available"
    EXPIRED = "expired"
    UNDELIVERABLE = "undeliverable"
    RETRIEVED = "retrieved"
    ARRIVED = "01"
    REFUSED = "02"
    REGISTERED = "03"
    ASSIGNED = "04"
    WORKING = "05"
    DONE = "06"


LOST = frozenset({Progress.EXPIRED, Progress.UNDELIVERABLE})
"""The term ended, or no way led there: nothing more is done for this recipient."""
NOT_HAD = LOST | {Progress.SUBMITTED, Progress.AVAILABLE}
"""Nobody at the recipient's has said so far that it is there."""


def has_failed(progress: str, recall: str) -> bool:
    """Whether a sending has ended for a recipient without success: expired, without a way, refused, or taken back, by
    whomever and however late. Whoever sends the same once more then means a new sending."""
    return progress in LOST or progress == Progress.REFUSED or recall == Recall.AGREED


TAKEN_IN = frozenset({Progress.REGISTERED, Progress.ASSIGNED, Progress.WORKING, Progress.DONE})
"""The recipient has it in its book: it said 03 or more."""

_RANK = {
    Progress.SUBMITTED: 0,
    Progress.AVAILABLE: 1,
    Progress.EXPIRED: 2,  # the term ended; whatever the receiver says later counts all the same
    Progress.UNDELIVERABLE: 2,
    Progress.RETRIEVED: 3,
    Progress.ARRIVED: 4,
    Progress.REGISTERED: 5,
    Progress.ASSIGNED: 6,
    Progress.WORKING: 7,
    Progress.DONE: 8,
}

SETTLED = frozenset({Progress.REFUSED, Progress.DONE})
"""Nothing more is expected from a recipient that said one of these."""


def advanced(current: Progress, reported: Progress) -> Progress:
    """The greater of what was known and what is said now: statuses come twice and out of order.

    A refusal counts only before registration and is the last word.
    """
    if current is Progress.REFUSED:
        return current
    if reported is Progress.REFUSED:
        return reported if _RANK[current] <= _RANK[Progress.ARRIVED] else current
    return reported if _RANK[reported] > _RANK[current] else current


class Recall(StrEnum):
    """Whether the sender wants a delivery back, and what the recipient answered; beside the progress."""

    NONE = ""
    ASKED = "13"
    AGREED = "15"
    REFUSED = "16"


def recall_after(current: Recall, reported: Recall) -> Recall:
    """A recall can be asked again after a refusal; an answer without a question changes nothing."""
    if reported is Recall.ASKED:
        return current if current is Recall.AGREED else reported
    if reported in (Recall.AGREED, Recall.REFUSED):
        return reported if current is Recall.ASKED else current
    return current


def is_to_ask(progress: str, recall: str, *, withdraw: bool) -> bool:
    """Whether a delivery is still to be asked for. Who refused it has nothing to give back, and who was asked has still
    to answer; but what was only asked for, as an update does, and lies unfetched is yet to be withdrawn by a recall."""
    if progress == Progress.REFUSED:
        return False
    if recall == Recall.ASKED:
        return withdraw and progress in NOT_HAD
    return recall != Recall.AGREED


PROGRESS_WORDS: dict[Progress, Phrase] = {
    Progress.SUBMITTED: phrase("Đã nộp lên trục, chưa giao"),
    Progress.AVAILABLE: phrase("Sẵn sàng tại trục"),
    Progress.EXPIRED: phrase("Hết hạn, nơi nhận chưa lấy"),
    Progress.UNDELIVERABLE: phrase("Không giao được"),
    Progress.RETRIEVED: phrase("Nơi nhận đã tải về"),
    Progress.ARRIVED: phrase("Đã đến, chờ văn thư"),
    Progress.REFUSED: phrase("Từ chối tiếp nhận"),
    Progress.REGISTERED: phrase("Đã tiếp nhận, vào sổ"),
    Progress.ASSIGNED: phrase("Đã phân công xử lý"),
    Progress.WORKING: phrase("Đang xử lý"),
    Progress.DONE: phrase("Đã xử lý xong"),
}

RECALL_WORDS: dict[Recall, Phrase] = {
    Recall.ASKED: phrase("Yêu cầu lấy lại"),
    Recall.AGREED: phrase("Đồng ý lấy lại, cập nhật"),
    Recall.REFUSED: phrase("Không đồng ý lấy lại, cập nhật"),
}
