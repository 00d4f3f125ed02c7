"""What the forms of every room share. Forms only read; verbs judge."""

from typing import Any, ClassVar


class Needed:
    """Marks a field that must be filled, for its star; whether it is, the verb says."""

    field_flags: ClassVar[dict[str, bool]] = {"required": True}

    def __call__(self, form: Any, field: Any) -> None:
        """Nothing: forms only read."""
