"""Frozen values that leave as JSON: live events, snapshots. One dataclass is the type of both ends: the code that
publishes, and through `scripts/livetypes` the modules of the browser."""

import dataclasses
from datetime import datetime
from typing import Any


@dataclasses.dataclass(frozen=True)
class Wire:
    """The base of such values. Fields are numbers, strings, truth values, moments, other `Wire`s, and tuples or dicts
    of these; the names of the fields are the names in JSON, in their order."""

    def wire(self) -> dict[str, Any]:
        """The value ready for JSON: moments in ISO 8601 with milliseconds, tuples as lists."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}


def _plain(value: Any) -> Any:
    if isinstance(value, Wire):
        return value.wire()
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return value
