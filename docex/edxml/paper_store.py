"""Where the papers of an envelope go while its file is read: a paper of a gigabyte must not stand in memory."""

import io
import os
import tempfile
from collections.abc import Callable
from typing import IO, Protocol


class PaperSource(Protocol):
    """The bytes of one paper, wherever they lie."""

    def open(self) -> IO[bytes]:
        """The paper from its beginning."""


class PaperFile(PaperSource, Protocol):
    """The same while an envelope is read: written piece by piece, then read. It is possible to go back in it."""

    def write(self, piece: bytes, /) -> object:
        """The next bytes."""

    def close(self) -> None:
        """Nothing more is written."""


Shelf = Callable[[], PaperFile]
"""Gives an empty file for the next paper. `kernel.storage.blobs.drafts` makes one of a store."""


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
        """The bytes that were written."""
        return io.BytesIO(self._data.getvalue())


class TemporaryFile:
    """A paper in a file that has no name, for looking at large envelopes without a store."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the paper

    def write(self, piece: bytes, /) -> object:
        """The next bytes."""
        return self._file.write(piece)

    def close(self) -> None:
        """Nothing more is written; what was is kept for `open`."""
        self._file.flush()

    def open(self) -> IO[bytes]:
        """The bytes that were written."""
        again = os.fdopen(os.dup(self._file.fileno()), "rb")
        again.seek(0)
        return again

    def __del__(self) -> None:
        self._file.close()
