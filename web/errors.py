"""Every refusal and failure, as one page for people and problem details (RFC 9457) for programs."""

import logging
from http import HTTPStatus

from flask import Flask, Response, current_app, g, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from werkzeug.exceptions import HTTPException

from kernel.errors import Conflict, DomainError, Invalid, Unavailable
from kernel.text import Phrase, phrase
from web.entry import wants_json
from web.locale import current_locale
from web.services import services

log = logging.getLogger(__name__)

_WORDS: dict[int, tuple[str, Phrase]] = {
    400: ("bad_request", phrase("Yêu cầu không đọc được. Xin tải lại trang và thử lại.")),
    401: ("sign_in_needed", phrase("Cần đăng nhập để tiếp tục.")),
    403: ("forbidden", phrase("Vai trò của bạn không được làm việc này.")),
    404: ("not_found", phrase("Không tìm thấy nội dung này, hoặc bạn không có quyền xem.")),
    405: ("method_not_allowed", phrase("Địa chỉ này không nhận cách gọi đó.")),
    412: ("precondition_failed", phrase("Nội dung đã khác so với lần đọc trước.")),
    413: ("too_large", phrase("Dữ liệu gửi lên lớn hơn mức cho phép.")),
    415: ("unsupported_type", phrase("Loại dữ liệu này không được nhận.")),
    416: ("range_not_satisfiable", phrase("Khoảng dữ liệu được hỏi nằm ngoài tệp.")),
    429: ("too_many_requests", phrase("Quá nhiều yêu cầu trong thời gian ngắn. Xin đợi vài phút rồi thử lại.")),
    500: ("internal", phrase("Hệ thống gặp lỗi và đã ghi lại. Dữ liệu đã lưu không bị ảnh hưởng; xin thử lại sau.")),
    503: ("unavailable", phrase("Một bộ phận của hệ thống đang bận. Xin thử lại sau ít phút.")),
}


_TO_PROGRAMS: dict[int, Phrase] = {
    400: phrase("Lời gọi không đọc được: thiếu hoặc sai tham số, hoặc nội dung không phải JSON."),
    401: phrase(
        "Cần mã truy cập còn hiệu lực trong đầu mục Authorization: Bearer; xin mã tại POST /api/v1/oauth/token."
    ),
    403: phrase("Hệ thống gọi không có quyền này."),
    404: phrase("Không có tài nguyên này, hoặc hệ thống gọi không có quyền xem."),
    429: phrase("Quá nhiều lời gọi trong thời gian ngắn. Xin đợi số giây trong Retry-After rồi gọi lại."),
}
"""Programs open no page, so nothing tells them to load it anew, to sign in or what their role is."""
_SAME_AT_ONCE = phrase("Nội dung trùng vừa được ghi bởi một lời gọi khác. Xin đọc lại trạng thái rồi gọi lại.")


def install(app: Flask) -> None:
    """Answer every exception that leaves a view."""
    app.register_error_handler(DomainError, _refused)
    app.register_error_handler(CSRFError, _old_page)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OperationalError, _database_away)
    app.register_error_handler(NoConnection, _database_away)
    app.register_error_handler(IntegrityError, _same_at_once)
    app.register_error_handler(Exception, _failed)


PROBLEM = "application/problem+json"


def problem(
    status: int, code: str, message: Phrase, fields: dict[str, Phrase] | None = None, **info: object
) -> dict[str, object]:
    """The JSON of every failing path. `code` is stable; `detail` is `message` in the reader's language."""
    return {
        "type": f"{services().config.base_url}/api/docs#{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": message.in_locale(current_locale()),
        "code": code,
        "message": {"vi": message.vi, "en": message.en},
        "fields": {name: {"vi": text.vi, "en": text.en} for name, text in (fields or {}).items()},
        "info": info,
        "request_id": getattr(g, "request_id", ""),
    }


def usual_codes() -> dict[int, tuple[str, Phrase]]:
    """The code and the sentence of each status for which no operation has words of its own."""
    return {status: (code, _TO_PROGRAMS.get(status, words)) for status, (code, words) in _WORDS.items()}


def _refused(error: DomainError) -> Response:
    fields = error.fields if isinstance(error, Invalid) else {}
    return _answer(error.status, error.code, error.message, fields, **error.detail)


def _old_page(_error: CSRFError) -> Response:
    message = phrase("Trang đã mở quá lâu nên không gửi được. Xin quay lại, tải lại trang rồi gửi lần nữa.")
    return _answer(400, "stale_page", message)


def _http(error: HTTPException) -> Response:
    if error.response is not None:
        return make_response(error.response)
    status = error.code or 500
    if 300 <= status < 400:
        return make_response(error.get_response())
    known = status if status in _WORDS else 400 if status < 500 else 500
    code, message = _WORDS[known]
    if request.path.startswith("/api/"):
        message = _TO_PROGRAMS.get(known, message)
    answer = _answer(status, code, message)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "Content-Range", "WWW-Authenticate"):
            answer.headers[name] = value
    return answer


def _database_away(error: OperationalError | NoConnection) -> Response:
    log.error("database: %s", error)
    return _refused(Unavailable(_WORDS[503][1]))


def _same_at_once(error: IntegrityError) -> Response:
    """Two wrote what can be there only once, and each had looked before the other wrote: the database let one in."""
    log.warning("database: %s", error.orig)
    message = phrase("Người khác vừa lưu nội dung trùng với nội dung này. Xin tải lại trang để xem rồi làm tiếp.")
    return _refused(Conflict(_SAME_AT_ONCE if request.path.startswith("/api/") else message))


def _failed(error: Exception) -> Response:
    log.exception("request failed", exc_info=error)
    return _answer(500, *_WORDS[500])


def _answer(
    status: int, code: str, message: Phrase, fields: dict[str, Phrase] | None = None, **detail: object
) -> Response:
    if wants_json():
        answer = make_response(current_app.json.dumps(problem(status, code, message, fields, **detail)), status)
        answer.mimetype = PROBLEM
        if status == 401:
            answer.headers.setdefault("WWW-Authenticate", "Bearer")
        return answer
    locale = current_locale()
    page = render_template(
        "errors/error.html",
        status=status,
        code=code,
        message=message.in_locale(locale),
        fields={name: text.in_locale(locale) for name, text in (fields or {}).items()},
        request_id=getattr(g, "request_id", ""),
    )
    return make_response(page, status)
