"""The streams of documents, of received copies and of the mailboxes of the hub."""

from dataclasses import dataclass

from kernel.streams import StreamName, StreamPrefix
from kernel.wire import Wire

DOCUMENT = StreamPrefix("document")
INCOMING = StreamPrefix("incoming")
MAILBOX = StreamPrefix("mailbox")


def document_stream(document_id: int) -> StreamName:
    """The stream of one outgoing document: its page and its deliveries."""
    return DOCUMENT.of(document_id)


def incoming_stream(incoming_id: int) -> StreamName:
    """The stream of one received copy."""
    return INCOMING.of(incoming_id)


def mailbox_stream(agency_id: int) -> StreamName:
    """The stream of an agency's mailbox on the hub."""
    return MAILBOX.of(agency_id)


@dataclass(frozen=True)
class Change(Wire):
    """Something of a thing has changed; its page reads the rest anew."""

    id: int
    rev: int


@dataclass(frozen=True)
class StateChange(Wire):
    """A document or a received copy is in another state, or was touched in it."""

    id: int
    rev: int
    state: str


@dataclass(frozen=True)
class DeliveryChange(Wire):
    """How far one delivery of a document is."""

    id: int
    rev: int
    progress: str


@dataclass(frozen=True)
class FileChange(Wire):
    """How far a file is that somebody asked for: a print of a register, an evidence pack."""

    id: int
    state: str
    rev: int = 1
