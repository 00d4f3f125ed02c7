"""What Twilio's error numbers mean for us (twilio.com/docs/api/errors)."""

from kernel.text import phrase

# The number, the account or the text will be refused again however often we ask.
PERMANENT = {
    21211: phrase("số điện thoại không hợp lệ"),
    21214: phrase("không liên lạc được số này"),
    21217: phrase("số không theo dạng +84"),
    21408: phrase("tài khoản không được gửi tới nước này"),
    21602: phrase("nội dung tin trống"),
    21606: phrase("tên gửi không gửi được SMS"),
    21610: phrase("người nhận đã từ chối nhận tin"),
    21612: phrase("không có đường gửi từ tên gửi này tới số này"),
    21614: phrase("không phải số di động"),
    21617: phrase("nội dung tin quá dài"),
    30003: phrase("máy nhận tắt hoặc ngoài vùng phủ sóng"),
    30004: phrase("tin bị chặn"),
    30005: phrase("số này không tồn tại"),
    30006: phrase("số cố định hoặc nhà mạng không liên lạc được"),
    30007: phrase("nhà mạng đã lọc tin này"),
    30034: phrase("tên gửi chưa được đăng ký"),
}


def is_permanent(status: int, code: int | None) -> bool:
    """Whether asking again cannot help. 429 and 5xx pass; 401 and 403 are for an operator to mend, so they are
    tried again as well; any other 4xx is about this message."""
    if code in PERMANENT:
        return True
    return 400 <= status < 500 and status not in {401, 403, 408, 409, 425, 429}


def may_have_accepted(status: int) -> bool:
    """Whether an answer leaves open that the SMS was accepted: something broke there, before or after. 503 says that it
    was not taken on (RFC 9110 §15.6.4)."""
    return status >= 500 and status != 503


def cannot_list(status: int | None) -> bool:
    """Whether the answer to a question for the list says that there is none: nothing to ask, now or later."""
    return status in {404, 405, 410, 501}
