"""The seven ways in which a verb refuses, and nothing else.

`web/entry.py` turns each into one page and one JSON shape. A message says what happened and what to do.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from kernel.text import Phrase, phrase


class DomainError(Exception):
    """A refusal that a person or a foreign system can act on.

    `code` is stable and machine-readable; `status` is the HTTP status that carries it.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "refused"

    def __init__(self, message: Phrase, **detail: Any) -> None:
        super().__init__(message.vi)
        self.message = message
        self.detail = detail

    @property
    def told(self) -> Phrase:
        """The one sentence that tells most, where there is no form to show fields in."""
        return self.message


class Invalid(DomainError):
    """The input is wrong. `fields` names each wrong field; what was typed is kept by the page."""

    status = 422
    code = "invalid"

    def __init__(self, fields: Mapping[str, Phrase], message: Phrase | None = None, **detail: Any) -> None:
        super().__init__(
            message or phrase("Có thông tin chưa đúng, xin xem lại các ô được đánh dấu."),
            **detail,
        )
        self.fields = dict(fields)

    @property
    def told(self) -> Phrase:
        """What is wrong with the first field."""
        return next(iter(self.fields.values()), self.message)


class NotFound(DomainError):
    """There is no such thing, or none that this person may know of: both look the same."""

    status = 404
    code = "not_found"

    def __init__(self, message: Phrase | None = None, **detail: Any) -> None:
        super().__init__(
            message or phrase("Không tìm thấy nội dung này, hoặc bạn không có quyền xem."),
            **detail,
        )


class Forbidden(DomainError):
    """The thing may be seen, but this act on it belongs to another role."""

    status = 403
    code = "forbidden"

    def __init__(self, message: Phrase | None = None, **detail: Any) -> None:
        super().__init__(message or phrase("Vai trò của bạn không được làm việc này."), **detail)


class WrongState(DomainError):
    """The thing has moved on: the verb is not allowed from the state that it is in."""

    status = 409
    code = "wrong_state"


class Stale(DomainError):
    """Somebody else saved first. `current` is what stands now, so that both can be shown."""

    status = 409
    code = "stale"

    def __init__(self, current: Any, message: Phrase | None = None) -> None:
        super().__init__(
            message or phrase("Nội dung đã được người khác sửa. Xin xem bản mới nhất rồi lưu lại."),
            current=current,
        )
        self.current = current


class Conflict(DomainError):
    """The same key was used before for something else."""

    status = 409
    code = "conflict"


class Unavailable(DomainError):
    """A part that is needed does not answer now; trying later may help."""

    status = 503
    code = "unavailable"
