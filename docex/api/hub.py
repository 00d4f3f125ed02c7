"""Common parts of the hub's endpoints: their list, scopes, and what they ask of the process and the request."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from flask import current_app, request

from directory import clients
from docex.exchange.hub import mailbox
from kernel.endpoints import Routes
from kernel.storage.blobs import BlobStore
from kernel.text import phrase

RECEIVE = clients.scope(mailbox.RECEIVE, phrase("Nhận văn bản và báo trạng thái qua API"))
SUBMIT = "docex.submit"
EDXML = "application/octet-stream"

routes = Routes("hub")


def blobs() -> BlobStore:
    """The store of this process."""
    found: BlobStore = current_app.extensions["lienthong"].blobs
    return found


def secret() -> str:
    """The secret with which cursors are sealed."""
    found: str = current_app.config["SECRET_KEY"]
    return found


def their_time() -> datetime | None:
    """The system's own clock, when it tells it in the Date header."""
    try:
        told = parsedate_to_datetime(request.headers["Date"])
    except (KeyError, ValueError, OverflowError):
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)
