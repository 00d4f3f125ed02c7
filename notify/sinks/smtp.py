"""An SMTP server that accepts everything and logs it. `python -m notify.sinks.smtp --port N --log F`."""

import argparse
import asyncio
import signal
import threading
from email import message_from_bytes, policy
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller

from kernel import clock
from notify.sinks.journal import Journal

READY_S = 60
"""How long it may take to begin to listen: on a busy machine more than the five seconds of aiosmtpd."""


class _Log:
    """aiosmtpd's handler. Faults: `451`, `550`, `drop` (accepts, then closes without an answer), `delay:0.5`."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        fault = self.journal.fault()
        if fault in {"451", "550"}:
            return f"{fault} the sink was told to say so"
        if fault.startswith("delay:"):
            await asyncio.sleep(float(fault.partition(":")[2]))
        self.journal.add(_entry(envelope))
        if fault == "drop":
            server.transport.abort()
        return "250 logged"


def _entry(envelope: Any) -> dict[str, Any]:
    raw = bytes(envelope.original_content)
    message = message_from_bytes(raw, policy=policy.default)
    return {
        "at": clock.now().isoformat(),
        "from": envelope.mail_from,
        "to": list(envelope.rcpt_tos),
        "message_id": str(message["Message-ID"]),
        "attempt": int(message.get("X-Lien-Thong-Attempt", "1")),
        "subject": str(message["Subject"]),
        "raw": raw.decode("latin-1"),
    }


class SmtpSink:
    """The server in a thread of this process; a context manager. `url` is a setting's value."""

    def __init__(self, log: Path, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.journal = Journal(log)
        self._controller = _AnyPort(_Log(self.journal), hostname=host, port=port, ready_timeout=READY_S)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    @property
    def url(self) -> str:
        """`smtp://127.0.0.1:N`."""
        return f"smtp://{self._controller.hostname}:{self._controller.port}"


class _AnyPort(Controller):
    """A controller that can be asked for any free port: aiosmtpd probes the number that it was given."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.hostname, self.port = server.sockets[0].getsockname()[:2]
        super()._trigger_server()  # type: ignore[no-untyped-call]


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m notify.sinks.smtp", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=2525)
    parser.add_argument("--log", type=Path, required=True)
    options = parser.parse_args()
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    with SmtpSink(options.log, host=options.host, port=options.port):
        ended.wait()


if __name__ == "__main__":
    main()
