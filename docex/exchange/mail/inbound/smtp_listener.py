"""The SMTP listener: a server that takes letters of known partners and bounces, and nothing else.

It says 250 only after the raw message is in the blob store and its row is committed; everything else is the worker's.
Whatever is refused here is refused inside the SMTP dialogue, so that the other server still has the message.
"""

import asyncio
import io
import logging
import ssl
from typing import Any
from weakref import WeakSet

import sqlalchemy as sa
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from docex import topics
from docex.exchange.mail.addresses import agency_at, exchange_domain, plain_address
from docex.exchange.mail.models import OUR_TROUBLE, MailArrival, Outcome
from docex.exchange.mail.partners import partner_at
from kernel import clock, faults
from kernel.config import Config
from kernel.db import Database, Tx
from kernel.refs import Ref
from kernel.schema import insert_into
from kernel.storage.blobs import Blob, BlobStore

log = logging.getLogger(__name__)

TIMEOUT_S = 120
READY_S = 60
"""How long it may take to begin to listen. On a busy machine that is more than the five seconds of aiosmtpd."""
NOBODY = "<>"  # the sender of bounces
_MAX_RECIPIENTS = 100
_CODED = 1.4
MAX_BYTES = 70_000_000
"""One letter: aiosmtpd holds it in memory as a whole. What is larger comes as a link."""
MAX_CONNECTIONS = 20
"""Letters on their way in at one time."""
MAX_REPORT_BYTES = 1 << 20
"""Of a bounce, which anybody may send: what it says stands at its beginning, the rest is our own letter."""


class Letterbox:
    """aiosmtpd's handler: who may write, to whom, and the one act of storing."""

    def __init__(self, config: Config, db: Database, blobs: BlobStore) -> None:
        self.config = config
        self.db = db
        self.blobs = blobs
        self._coming: WeakSet[Any] = WeakSet()

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, mail_options: list[str]
    ) -> str:
        """Only partners, and bounces with the empty sender; no more at once than memory has room for."""
        if len(self._coming) >= MAX_CONNECTIONS:
            return "451 4.3.2 Too many letters at once, try again later"
        sender = NOBODY if address in ("", NOBODY) else plain_address(address)
        if sender != NOBODY and (not sender or not await _aside(self._is_partner, sender)):
            return "550 5.7.1 Sender is not a registered partner"
        self._coming.add(envelope)
        envelope.mail_from = sender
        envelope.mail_options.extend(mail_options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, rcpt_options: list[str]
    ) -> str:
        """Only exchange addresses of agencies that are served here."""
        if len(envelope.rcpt_tos) >= _MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        agency_id = await _aside(self._agency_id, plain_address(address))
        if agency_id is None:
            return "550 5.1.1 No such agency here"
        envelope.rcpt_tos.append(agency_id)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 2.1.5 OK"

    async def handle_exception(self, error: Exception) -> str:
        """A failure here is our own trouble: the other server keeps the letter and comes again."""
        log.error("the dialogue with a mail server failed", exc_info=error)
        return "451 4.3.0 Try again later"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Store, enqueue, and only then say that we have it."""
        peer = str(session.peer[0]) if session.peer else ""
        agencies = list(dict.fromkeys(envelope.rcpt_tos))
        sender = "" if envelope.mail_from == NOBODY else envelope.mail_from
        raw = bytes(envelope.original_content or envelope.content)
        raw = raw if sender else raw[:MAX_REPORT_BYTES]
        try:
            arrival_id = await _aside(self._store, sender, agencies, peer, raw)
        except Exception:
            log.exception("a letter could not be stored")
            return "451 4.3.0 Try again later"
        finally:
            self.gone(envelope)
        return f"250 2.0.0 Stored as {arrival_id}"

    def gone(self, envelope: Any) -> None:
        """The letter of this envelope is stored, or its connection was lost."""
        self._coming.discard(envelope)

    def _is_partner(self, address: str) -> bool:
        with self.db.read() as tx:
            return partner_at(tx, address) is not None

    def _agency_id(self, address: str) -> int | None:
        with self.db.read() as tx:
            found = agency_at(tx, self.config, address) if address else None
        return found.id if found is not None else None

    def _store(self, mail_from: str, agencies: list[int], peer: str, raw: bytes) -> int:
        blob = self.blobs.put(io.BytesIO(raw))
        faults.point("docex_mail.stored")
        with self.db.write("mail-door") as tx:
            arrival_id = keep(tx, mail_from, agencies, peer, blob)
        faults.point("docex_mail.kept")
        return arrival_id


def keep(tx: Tx, mail_from: str, agencies: list[int], peer: str, blob: Blob) -> int:
    """Write down a stored message and enqueue the job to read it. The same bytes from the same sender for the same
    agencies are one arrival; one that we could not take for reasons of our own is read again when it comes again."""
    values = {
        "mail_from": mail_from,
        "rcpt_to": {"agencies": agencies},
        "rcpt_key": ",".join(str(agency_id) for agency_id in sorted(agencies)),
        "peer": peer,
        "sha256": blob.sha256,
        "size": blob.size,
        "message_id": "",
        "signature": "",
        "outcome": Outcome.WAITING,
        "facts": {},
        "received_at": clock.now(),
    }
    statement = insert_into(tx.session, MailArrival).values(**values)
    statement = statement.on_conflict_do_nothing(index_elements=["mail_from", "sha256", "rcpt_key"])
    made = tx.session.scalar(statement.returning(MailArrival.id))
    if made is None:
        same = sa.select(MailArrival).where(
            MailArrival.mail_from == mail_from,
            MailArrival.sha256 == blob.sha256,
            MailArrival.rcpt_key == values["rcpt_key"],
        )
        return _come_again(tx, tx.session.scalars(same.with_for_update()).one())
    tx.outbox(topics.MAIL_ARRIVAL, str(made), {"arrival_id": made})
    tx.audit("system", "mail.received", Ref("mail_arrival", made), {"from": mail_from, "sha256": blob.sha256})
    return int(made)


def _come_again(tx: Tx, arrival: MailArrival) -> int:
    if arrival.outcome == Outcome.REFUSED and arrival.facts.get("code") == OUR_TROUBLE:
        tries = int(arrival.facts.get("tries", 1)) + 1
        arrival.outcome, arrival.settled_at, arrival.facts = Outcome.WAITING, None, {"tries": tries}
        tx.outbox(topics.MAIL_ARRIVAL, f"{arrival.id}:{tries}", {"arrival_id": arrival.id})
        tx.audit("system", "mail.received", Ref("mail_arrival", arrival.id), {"from": arrival.mail_from, "try": tries})
    return arrival.id


class _Connection(SMTP):
    """One connection; tells when it is lost."""

    def connection_lost(self, error: Exception | None) -> None:
        self.event_handler.gone(self.envelope)
        super().connection_lost(error)


class SmtpListener(Controller):
    """The listening server, in a thread of its own. Port 0 takes any free one; `port` says which."""

    def __init__(self, config: Config, db: Database, blobs: BlobStore) -> None:
        most = min(int(config.upload_max_bytes * _CODED), MAX_BYTES)
        super().__init__(
            Letterbox(config, db, blobs),
            hostname=config.mail_door_host,
            port=config.mail_door_port,
            server_hostname=exchange_domain(config),
            ident="Lien Thong",
            ready_timeout=READY_S,
            data_size_limit=most,
            timeout=TIMEOUT_S,
            tls_context=_tls(config),
        )

    def factory(self) -> SMTP:
        """A new connection."""
        return _Connection(self.handler, **self.SMTP_kwargs)

    def _trigger_server(self) -> None:
        # aiosmtpd probes the number that it was given, which may be 0.
        server: Any = self.server
        self.hostname, self.port = server.sockets[0].getsockname()[:2]
        super()._trigger_server()  # type: ignore[no-untyped-call]


def _tls(config: Config) -> ssl.SSLContext | None:
    if not config.mail_door_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(config.mail_door_cert, config.mail_door_key or None)
    return context


async def _aside(work: Any, *given: Any) -> Any:
    """Database and files in a thread, so that one slow letter does not hold up the other connections."""
    return await asyncio.get_running_loop().run_in_executor(None, work, *given)
