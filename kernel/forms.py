"""What the forms of every room share. Forms only read; verbs judge."""

import secrets
from typing import Any, ClassVar


class Needed:
    """Marks a field that must be filled, for its star; whether it is, the verb says."""

    field_flags: ClassVar[dict[str, bool]] = {"required": True}

    def __call__(self, form: Any, field: Any) -> None:
        """Nothing: forms only read."""


def whole_number(typed: Any) -> int:
    """A whole number that a column can hold, as ids and places in lists come; 0 for anything else."""
    text = str(typed or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else 0


def fresh_number() -> str:
    """For the hidden field `command_id` of a form whose act must not be done twice: what is sent again after a lost
    answer carries it, and static/js/forms.js keeps it with the draft."""
    return secrets.token_urlsafe(16)
