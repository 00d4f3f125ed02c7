"""DocIds: what a system of the VXP shape calls a message by."""

from enum import IntEnum

from kernel.errors import NotFound
from kernel.text import phrase

_SPAN = 10**12


class Mark(IntEnum):
    """The message that a DocId names. The SDK repeats `messagetype` of earlier calls, so the id itself has to say
    it."""

    SENT = 1  # a dispatch
    RECEIVED = 2  # a delivery
    SENT_STATUS = 3  # a status message that came in
    RECEIVED_STATUS = 4  # a line of the status log
    RECEIVED_RECALL = 5  # a recall that came as an envelope


def doc_id(mark: Mark, row_id: int) -> str:
    """Digits only: the SDK makes a file name of it."""
    return str(mark * _SPAN + row_id)


def named(text: str) -> tuple[Mark, int]:
    """The message that a DocId names; NotFound for anything that we never gave out."""
    if not (text.isascii() and text.isdigit() and len(text) == len(str(_SPAN)) and text[0] in "12345"):
        raise NotFound(phrase("Trục không có thông điệp mang mã này."))
    mark, row_id = divmod(int(text), _SPAN)
    return Mark(mark), row_id
