"""Where the papers of an envelope go while its file is read: a paper of a gigabyte must not stand in memory."""

import io
from collections.abc import Callable
from typing import IO, Protocol


class PaperFile(Protocol):
    """The bytes of one paper: written piece by piece, then read."""

    def write(self, piece: bytes, /) -> object:
        """The next bytes."""

    def close(self) -> None:
        """Nothing more is written."""

    def open(self) -> IO[bytes]:
        """What was written, from its beginning; it is possible to go back in it."""


Shelf = Callable[[], PaperFile]
"""Gives an empty file for the next paper. `kernel.blobs.drafts` makes one of a store."""


class MemoryFile:
    """A paper in memory, for small envelopes and for pure reading."""

    def __init__(self) -> None:
        self._data = io.BytesIO()

    def write(self, piece: bytes, /) -> object:
        """The next bytes."""
        return self._data.write(piece)

    def close(self) -> None:
        """Nothing more is written."""

    def open(self) -> IO[bytes]:
        """What was written."""
        return io.BytesIO(self._data.getvalue())
