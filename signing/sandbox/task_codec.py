"""A piece of work as it goes to a child, and what is done here for it: keys sign on this side of the line."""

# mypy: allow-untyped-calls
# (asn1crypto is untyped)

import copyreg
import io
import pickle
from typing import Any

from asn1crypto import tsp, x509
from pyhanko.sign.timestamps.common_utils import TimestampRequestError

from signing.pdf.pades import run as finished
from signing.pdf.timestamps import TimeStamps
from signing.sandbox.ipc import ANSWER, FAILURE
from signing.sandbox.limits import Broken, Ending
from signing.trust.trust_store import Trust

_NUMBER_BYTES = 4


def _by_its_bytes(certificate: x509.Certificate) -> tuple[Any, ...]:
    return x509.Certificate.load, (certificate.dump(),)


# asn1crypto prepares its classes when it makes their first object, and unpickling an object that was looked into makes
# none: a program whose first file has a time-stamp would call that stamp broken.
copyreg.pickle(x509.Certificate, _by_its_bytes)


class Errand(pickle.Pickler):
    """A piece of work as it goes to a child. Keys and time-stamp authorities stay here; so does the trust store, which
    the program gets before.

    Each key signs once for it and each authority stamps once: a child that was taken over gets no second signature,
    and no more time than the one stamp takes.
    """

    def __init__(self, told: tuple[Any, ...]) -> None:
        out = io.BytesIO()
        super().__init__(out, protocol=5)
        self.trust: Trust | None = None
        self.waits = False  # the child still waits for something that it asked for
        self._outside: list[Any] = []
        self._used: set[int] = set()
        self.dump(told)
        self.written = out.getvalue()

    def persistent_id(self, obj: Any) -> Any:
        """What stays here, by its number; None for what goes along."""
        if isinstance(obj, Trust):
            if self.trust not in (None, obj):
                raise pickle.PicklingError("two trust stores in one piece of work")
            self.trust = obj
            return ("trust",)
        if isinstance(obj, TimeStamps):
            return ("stamps", self._keep(obj), obj.room)
        if not isinstance(obj, type) and hasattr(obj, "describe") and hasattr(obj, "sign"):
            return ("key", self._keep(obj), obj.describe())
        return None

    def serve(self, body: bytes) -> tuple[bytes, bytes]:
        """Sign with a key, or ask for a time-stamp: what the child is told."""
        number, question = int.from_bytes(body[:_NUMBER_BYTES], "big"), body[_NUMBER_BYTES:]
        if number >= len(self._outside):
            raise Broken(Ending.FAILED, "asked for a key that it was not given")
        if number in self._used:
            raise Broken(Ending.FAILED, "asked for a second signature")
        self._used.add(number)
        thing = self._outside[number]
        self.waits = True
        try:
            answer = _stamped(thing, question) if isinstance(thing, TimeStamps) else thing.sign(question)
        except TimestampRequestError as error:
            self.waits = False
            return FAILURE, str(error).encode()
        self.waits = False
        return ANSWER, answer

    def _keep(self, thing: Any) -> int:
        self._outside.append(thing)
        return len(self._outside) - 1


def _stamped(source: TimeStamps, question: bytes) -> bytes:
    try:
        asked = tsp.TimeStampReq.load(question, strict=True)
        asked.native  # noqa: B018 - reads it whole
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Broken(Ending.FAILED, "asked for a time-stamp in no form") from None
    return bytes(finished(source.async_request_tsa_response(asked)).dump())
