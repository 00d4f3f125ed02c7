"""What the endpoints of meetings share: the list of all of them, redirects, and the answer to a script or a form."""

from typing import Any

from flask import current_app, jsonify, request
from werkzeug.wrappers import Response as AnyResponse

from kernel.endpoints import Routes
from kernel.storage.blobs import BlobStore
from kernel.text import Phrase

routes = Routes("meetings")
WALLS = "a wall screen has no person: its cookie is the proof, and access.py checks it against the meeting"

Errors = dict[str, Phrase]


def blobs() -> BlobStore:
    """The file store of this process."""
    store: BlobStore = current_app.extensions["lienthong"].blobs
    return store


def wants_json() -> bool:
    """Whether a script asked, not a form."""
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def answered(page: AnyResponse, data: dict[str, Any]) -> AnyResponse:
    """A script gets JSON, a form its page."""
    return jsonify(data) if wants_json() else page


def command_id() -> str | None:
    """The id that the browser gave to this press, so that sending it twice does it once."""
    return request.form.get("command_id") or None
