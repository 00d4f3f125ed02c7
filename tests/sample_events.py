"""Live events of tests, with whatever fields a test names."""

from dataclasses import dataclass
from typing import Any

from kernel.wire import Wire


@dataclass(frozen=True)
class Sample(Wire):
    """An event that no product code publishes."""

    fields: dict[str, Any]

    def wire(self) -> dict[str, Any]:
        """The fields themselves."""
        return self.fields
