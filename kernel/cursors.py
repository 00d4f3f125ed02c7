"""Places in a list that a foreign system carries from one page to the next: opaque, signed, for one list only."""

import hashlib
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from kernel.errors import Invalid
from kernel.text import phrase


def seal(secret: str, of: str, *place: Any) -> str:
    """A cursor for `place` (numbers and strings) in the list `of`, such as `hub.inbox:7`.

    The name should hold whose list it is, so that nobody continues in another's.
    """
    return str(_signer(secret, of).dumps(place))


def opened(secret: str, of: str, cursor: str, *, field: str = "after") -> tuple[Any, ...]:
    """The place that a cursor stands for; Invalid on `field` when it was not made by `seal` for this list."""
    try:
        place = _signer(secret, of).loads(cursor)
    except BadData as error:
        raise Invalid({field: phrase("Con trỏ trang không đúng. Xin dùng nguyên giá trị máy chủ đã trả.")}) from error
    return tuple(place)


def _signer(secret: str, of: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt=f"cursor:{of}", signer_kwargs={"digest_method": hashlib.sha256})
