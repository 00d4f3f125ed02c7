"""The log of a sink: one JSON object a line, written before the sender gets its answer."""

import json
import threading
from collections import deque
from pathlib import Path
from typing import Any


class Journal:
    """What a sink accepted, and the faults that it shall show next."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._faults: deque[str] = deque()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def add(self, entry: dict[str, Any]) -> None:
        """Write one line."""
        with self._lock, self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")

    def entries(self) -> list[dict[str, Any]]:
        """All lines so far."""
        return read(self.path)

    def next_faults(self, *modes: str) -> None:
        """Show these faults, one for each coming request."""
        with self._lock:
            self._faults.extend(modes)

    def fault(self) -> str:
        """The fault of this request, or empty."""
        with self._lock:
            return self._faults.popleft() if self._faults else ""


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of a journal that perhaps another process writes: one that is still being written is none yet."""
    whole, _, _ = path.read_text(encoding="utf-8", errors="replace").rpartition("\n")
    return [json.loads(line) for line in whole.split("\n") if line]
