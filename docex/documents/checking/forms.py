"""Forms on the pages of verdicts."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from kernel import clock
from kernel.errors import Invalid
from kernel.text import phrase

_TYPED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:,?\s+(\d{1,2})[:hg](\d{2}))?")


def past_moment(form: Mapping[str, str]) -> datetime:
    """A moment in Vietnam as browsers send it (`2026-11-27T14:30`) or as people type it (`27/11/2026 14:30`).

    A date alone is its last minute: who asks about a day means what held on it.
    """
    text = form.get("as_of", "").strip()
    if typed := _TYPED.fullmatch(text):
        text = f"{typed[3]}-{typed[2]:0>2}-{typed[1]:0>2}T{typed[4] or '23':0>2}:{typed[5] or '59'}"
    try:
        at = datetime.fromisoformat(text if "T" in text or not text else f"{text}T23:59")
    except ValueError:
        raise Invalid({"as_of": phrase("Nhập ngày và giờ, ví dụ 27/11/2026 14:30.")}) from None
    try:
        return (at if at.tzinfo else at.replace(tzinfo=clock.VN)).astimezone(UTC)
    except OverflowError:
        raise Invalid({"as_of": phrase("Nhập ngày và giờ, ví dụ 27/11/2026 14:30.")}) from None
