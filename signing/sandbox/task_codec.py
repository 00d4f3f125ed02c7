"""A task as bytes for a child, and the answers to what the child asks while it works on it."""

import io
import pickle
from typing import Any

from signing.sandbox.ipc import ANSWER, FAILURE
from signing.sandbox.limits import ExitReason, SandboxError
from signing.sandbox.ports import Remote, RemoteError, is_shared, remote_of

_NUMBER_BYTES = 4


class EncodedTask(pickle.Pickler):
    """A task as it goes to a child. Objects of a `Remote` kind stay here; so does the shared value, which the program
    gets before.

    Each remote object answers once for it: a child that was taken over gets no second signature of a key, and no more
    time than one time-stamp takes.
    """

    def __init__(self, told: tuple[Any, ...]) -> None:
        out = io.BytesIO()
        super().__init__(out, protocol=5)
        self.shared: Any = None
        self.modules: list[str] = []
        """The modules that register the kinds of remote objects in this task."""
        self.waits = False  # the child still waits for something that it asked for
        self._outside: list[tuple[Remote, Any]] = []
        self._used: set[int] = set()
        self.dump(told)
        self.written = out.getvalue()

    def persistent_id(self, obj: Any) -> Any:
        """What stays here, by its number; None for what goes along."""
        if is_shared(obj):
            if self.shared is not None and self.shared != obj:
                raise pickle.PicklingError("two shared values in one task")
            self.shared = obj
            return ("shared",)
        remote = None if isinstance(obj, type) else remote_of(obj)
        if remote is None:
            return None
        self.modules.append(remote.module)
        self._outside.append((remote, obj))
        return (remote.name, len(self._outside) - 1, remote.describe(obj))

    def serve(self, body: bytes) -> tuple[bytes, bytes]:
        """Answer the question of a child for one remote object: the kind of message and its body."""
        number, question = int.from_bytes(body[:_NUMBER_BYTES], "big"), body[_NUMBER_BYTES:]
        if number >= len(self._outside):
            raise SandboxError(ExitReason.FAILED, "asked for a key that it was not given")
        if number in self._used:
            raise SandboxError(ExitReason.FAILED, "asked for a second signature")
        self._used.add(number)
        remote, thing = self._outside[number]
        self.waits = True
        try:
            answer = remote.answer(thing, question)
        except RemoteError as error:
            self.waits = False
            return FAILURE, str(error).encode()
        self.waits = False
        return ANSWER, answer
