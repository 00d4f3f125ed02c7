"""Talking to the upper axis: envelopes and statuses up, a look every minute, messages down, acknowledgements."""

import logging
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from docex import topics
from docex.documents.models import Delivery, Dispatch, StatusLog
from docex.edxml import Envelope, Limits, StatusMessage
from docex.edxml.model import Trace
from docex.edxml.relay import pass_on
from docex.exchange.intake.acceptance import Handed, UnknownReceiver
from docex.exchange.intake.resolve_deliveries import UnknownDocument
from docex.exchange.intake.unpacking import unpacked
from docex.exchange.vxp import dead_letters, message_list, status_file, systems, transport, upstream
from docex.exchange.vxp.client import Listed, VxpClient
from docex.exchange.vxp.status_file import Stored
from docex.exchange.vxp.unpacking import named
from docex.exchange.vxp.upstream import Rising
from kernel import clock, outbox
from kernel.config import Config
from kernel.db import Database, Tx
from kernel.errors import DomainError, Forbidden, Unavailable
from kernel.outbox import Handler, Job, SendError
from kernel.storage.blobs import BlobStore, at_hand

log = logging.getLogger(__name__)


def register_jobs(config: Config, blobs: BlobStore) -> None:
    """Serve the jobs of the upper axis; without one they have nothing to do and the way up is not offered."""
    axis = Axis(config, blobs)
    for handler in (ForwardHandler(axis), ReportHandler(axis), PollHandler(axis), FetchHandler(axis), AckHandler(axis)):
        outbox.register(handler)
    transport.offer(config)


def begin_jobs(config: Config, db: Database) -> None:
    """Seal systems' secrets that are not sealed with the present key, and see to it that the upper axis is looked at;
    every look enqueues the next."""
    systems.SECRETS.seal_rest(config, db)
    if not config.vxp_upstream_url:
        return
    with db.write() as tx:
        if not upstream.listening(tx):
            tx.outbox(topics.VXP_POLL, f"begin:{clock.now():%Y%m%d%H%M%S}")


class Axis:
    """The upper axis with what talking to it needs. `client` is None when none is set."""

    def __init__(self, config: Config, blobs: BlobStore) -> None:
        self.blobs = blobs
        self.system_id = config.vxp_upstream_system_id
        self.every = timedelta(seconds=config.vxp_upstream_every_s)
        self.most_bytes = config.upload_max_bytes
        self.clamd = config.clamd
        self.client: VxpClient | None = None
        if config.vxp_upstream_url:
            self.client = VxpClient(config.vxp_upstream_url, self.system_id, config.vxp_upstream_secret)

    def speak(self) -> VxpClient:
        """The client, for work that was prepared because there is one."""
        assert self.client is not None
        return self.client


class ForwardHandler(Handler[Rising, str]):
    """Send an envelope up. Sending it again after an unknown outcome is harmless: the bytes are the same, and an axis
    answers the same bytes with the same DocId."""

    topic = topics.VXP_FORWARD

    def __init__(self, axis: Axis) -> None:
        self.axis = axis

    def prepare(self, tx: Tx, job: Job) -> Rising | None:
        """The envelope and the deliveries that wait for it."""
        return upstream.rising(tx, job.payload["dispatch_id"], self.axis.system_id) if self.axis.client else None

    def perform(self, prepared: Rising) -> str:
        """Add our trace and hand it in."""
        # The time of handing in, not of sending, so that a second try sends the same bytes.
        trace = Trace(prepared.node_code, prepared.dispatch.submitted_at)
        with at_hand(self.axis.blobs, prepared.sha256) as came, tempfile.TemporaryFile() as passed:
            try:
                pass_on(came, trace, passed)
            except DomainError as error:
                raise SendError(error.told, permanent=True) from error
            return self.axis.speak().send_file(passed, prepared.sender_code, only_to=prepared.receiver_codes)

    def conclude(self, tx: Tx, job: Job, result: str) -> None:
        """Its receivers can fetch it up there."""
        found = upstream.rising(tx, job.payload["dispatch_id"], self.axis.system_id)
        if found is not None:
            upstream.risen(tx, found, result)

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """The sender sees the axis' own words."""
        upstream.stuck(tx, job.payload["dispatch_id"], reason)


@dataclass(frozen=True)
class Report:
    """A status to send up: a file of its own, or one that we write."""

    sender_code: str
    found: Stored | bytes


class ReportHandler(Handler[Report, str]):
    """Send a status up."""

    topic = topics.VXP_REPORT

    def __init__(self, axis: Axis) -> None:
        self.axis = axis

    def prepare(self, tx: Tx, job: Job) -> Report | None:
        """The status as a file."""
        line = tx.session.get(StatusLog, job.payload["status_id"])
        if line is None or self.axis.client is None:
            return None
        delivery = tx.session.get_one(Delivery, line.delivery_id)
        dispatch = tx.session.get_one(Dispatch, delivery.dispatch_id)
        return Report(
            status_file.teller_code(tx, line, delivery, dispatch), status_file.status_file(tx, line, delivery, dispatch)
        )

    def perform(self, prepared: Report) -> str:
        """Hand it in."""
        file, _size = message_list.opened(self.axis.blobs, prepared.found)
        with file:  # a status is small
            return self.axis.speak().send(file.read(), prepared.sender_code, "status")

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """Kept as evidence; the status itself stands."""
        tx.audit("system", "vxp.report_failed", f"status:{job.payload['status_id']}", {"reason": reason[:500]})


class PollHandler(Handler[VxpClient, tuple[Listed, ...]]):
    """Look what waits at the upper axis. A look that fails is followed by the next one like any other."""

    topic = topics.VXP_POLL

    def __init__(self, axis: Axis) -> None:
        self.axis = axis

    def prepare(self, tx: Tx, job: Job) -> VxpClient | None:
        """Nothing without an upper axis: the chain of looks ends."""
        return self.axis.client

    def perform(self, prepared: VxpClient) -> tuple[Listed, ...]:
        """Ask for both lists, documents first: a status may be about one of them."""
        try:
            return (*prepared.received("edoc"), *prepared.received("status"))
        except SendError as error:
            log.warning("vxp: the upper axis cannot be looked at: %s", error)
            return ()

    def conclude(self, tx: Tx, job: Job, result: tuple[Listed, ...]) -> None:
        """Enqueue the job to fetch what is new or died a while ago, and the next look."""
        for listed in result:
            dead_letters.enqueue(tx, listed)
        tx.outbox(topics.VXP_POLL, f"after:{job.id}", due_at=clock.now() + self.axis.every)

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """The chain goes on whatever happened."""
        tx.outbox(topics.VXP_POLL, f"after:{job.id}", due_at=clock.now() + self.axis.every)


@dataclass(frozen=True)
class Wanted:
    """A message of the upper axis, and a look into the database for the moment when it is here."""

    doc_id: str
    reader: Callable[[], AbstractContextManager[Tx]]


_PASSING = (Unavailable, UnknownReceiver, UnknownDocument, Forbidden)
"""Failures that the directory, or a message still on its way, may have mended by the next try."""


class FetchHandler(Handler[Wanted, tuple[Envelope | StatusMessage, Handed]]):
    """Bring a message down and take it in. What the hub refuses now is tried again - the document that a status is
    about may still be on its way - and in the end reported as `fail`."""

    topic = topics.VXP_FETCH

    def __init__(self, axis: Axis) -> None:
        self.axis = axis

    def prepare(self, tx: Tx, job: Job) -> Wanted | None:
        """The message's DocId."""
        return Wanted(str(job.payload["doc_id"]), tx.reader) if self.axis.client else None

    def perform(self, prepared: Wanted) -> tuple[Envelope | StatusMessage, Handed]:
        """Download, read, store when nothing speaks against it."""
        axis = self.axis
        with tempfile.TemporaryFile() as file:
            axis.speak().download_to(prepared.doc_id, file, max_bytes=axis.most_bytes)
            try:
                with unpacked(axis.blobs, file, Limits(file_bytes=axis.most_bytes)) as found:
                    handed = named(found.blob)
                    is_new = partial(self._is_new, prepared, found.message, handed)
                    return found.message, found.kept(handed, is_new, axis.clamd)
            except DomainError as error:
                raise SendError(error.told, permanent=not isinstance(error, _PASSING)) from error

    def _is_new(self, prepared: Wanted, message: Envelope | StatusMessage, handed: Handed) -> bool:
        with prepared.reader() as tx:
            return upstream.is_new(tx, message, handed, self.axis.system_id)

    def conclude(self, tx: Tx, job: Job, result: tuple[Envelope | StatusMessage, Handed]) -> None:
        """Into the hub, and off the list up there."""
        message, handed = result
        new = upstream.take_in(tx, message, handed, self.axis.system_id)
        if not new:
            log.info("vxp: %s went up from here and is not taken in again", job.payload["doc_id"])
        _enqueue_ack(tx, job, "done")

    def give_up(self, tx: Tx, job: Job, reason: str) -> None:
        """The upper axis hears `fail`, and the reason is kept."""
        tx.audit("system", "vxp.refused", f"vxp:{job.payload['doc_id']}"[:200], {"reason": reason[:500]})
        _enqueue_ack(tx, job, "fail")


class AckHandler(Handler[tuple[str, str], None]):
    """Tell the upper axis what became of a message; again does no harm."""

    topic = topics.VXP_ACKNOWLEDGE

    def __init__(self, axis: Axis) -> None:
        self.axis = axis

    def prepare(self, tx: Tx, job: Job) -> tuple[str, str] | None:
        """The message and the word."""
        return (job.payload["doc_id"], job.payload["status"]) if self.axis.client else None

    def perform(self, prepared: tuple[str, str]) -> None:
        """updateStatus."""
        self.axis.speak().update_status(*prepared)


def _enqueue_ack(tx: Tx, job: Job, status: str) -> None:
    doc_id = job.payload["doc_id"]
    tx.outbox(topics.VXP_ACKNOWLEDGE, f"{doc_id}:{status}", {"doc_id": doc_id, "status": status})
