"""The endpoint of the signed directory."""

from collections.abc import Callable

from flask import Response, current_app, jsonify, request

from directory.actor import Actor
from docex.api.hub import SUBMIT, routes
from docex.api.hub_models import (
    DirectoryShown,
)
from docex.exchange.hub import directory_publishing
from docex.exchange.hub.models import DirectoryEdition
from kernel.db import Tx
from kernel.text import phrase


def _publish(tx: Tx, actor: Actor) -> int:
    """Sign the directory when it has changed since the last version. Answers the version."""
    found = directory_publishing.edition(tx, most_bytes=current_app.extensions["lienthong"].config.chunked_max_bytes)
    known = directory_publishing.latest(tx, found.digest)
    if known is not None:
        return known.version
    tx.let_go()
    with current_app.extensions["lienthong"].db.write(actor.by) as writing:
        return directory_publishing.publish(writing, found).version


@routes.api(
    "GET",
    "/api/v1/directory",
    scope=SUBMIT,
    before=_publish,
    headers={"If-None-Match": "the ETag of the version that you have"},
    title=phrase("Danh bạ cơ quan có chữ ký số của trục"),
    answers={200: DirectoryShown, 304: None},
)
def directory_document(tx: Tx, actor: Actor, brought: Callable[[], int]) -> Response:
    """All agencies with their codes, units, successors and ways in; signed, a new version with every change."""
    row = tx.session.get_one(DirectoryEdition, brought())
    answer = jsonify(version=row.version, made_at=row.made_at.isoformat(), jws=row.jws)
    answer.set_etag(f"v{row.version}")
    answer.make_conditional(request)
    return answer
