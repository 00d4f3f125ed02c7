"""Why a message did not arrive is told in the reader's language."""

import pytest

from kernel.text import Phrase
from notify.messages import Channel
from notify.reasons import NO_ANSWER, NO_TRACE, NOT_ASKED, told


@pytest.mark.parametrize(
    ("channel", "reason", "vi", "en"),
    [
        (Channel.SMS, "400/21211: The 'To' number is not valid", "số điện thoại không hợp lệ (mã 21211)", "not valid"),
        (Channel.SMS, "30003: the phone was unreachable", "ngoài vùng phủ sóng", "out of reach"),
        (Channel.SMS, "400/99999: Something new", "từ chối (mã 99999)", "refused"),
        (Channel.SMS, "ConnectionError: HTTPConnectionPool(…)", "Không kết nối được", "could not be reached"),
        (Channel.SMS, f"{NOT_ASKED}: 401/20003: Authenticate", "không biết tin nhắn đã đi", "nobody knows"),
        (Channel.SMS, f"{NO_ANSWER}: ReadTimeout: …", "không rõ tin nhắn đã đi", "nobody knows whether the SMS left"),
        (Channel.SMS, NO_TRACE, "không tự gửi lại", "not sent again by itself"),
        (
            Channel.EMAIL,
            "ConnectionRefusedError: [Errno 111] refused",
            "Không kết nối được với máy chủ thư",
            "mail server",
        ),
        (Channel.EMAIL, "550 5.1.1 no such user", "Máy chủ thư trả lời: 550 5.1.1 no such user", "answered: 550"),
        (Channel.EMAIL, "Đã quá thời hạn nên không làm nữa.", "Đã quá thời hạn", "too late"),
    ],
)
def test_the_reader_hears_it_in_their_language(channel: Channel, reason: str, vi: str, en: str) -> None:
    said = told(channel, reason)
    assert isinstance(said, Phrase)
    assert vi in said.vi
    assert en in said.en


def test_what_arrived_has_no_reason() -> None:
    assert told(Channel.SMS, "") == ""
