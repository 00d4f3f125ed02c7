"""The pages that belong to no room: the start page, the language, health, the offline page."""

from flask import Response, jsonify, render_template
from werkzeug.wrappers import Response as AnyResponse

from directory.actor import Actor
from kernel.db import Tx
from kernel.doors import Routes
from kernel.text import phrase
from web import api_docs, openapi, pages

routes = Routes("web")


@routes.get("/")
def start(tx: Tx, actor: Actor) -> str:
    """What waits for me today."""
    return pages.start(tx, actor)


@routes.open_post("/language", reason="a stranger may read the sign-in page in English")
def choose_language(tx: Tx, actor: Actor | None) -> AnyResponse:
    """Switch between Vietnamese and English."""
    return pages.choose_language(tx, actor)


@routes.open_get("/health", reason="load balancers ask it; says only that the database answers")
def health(tx: Tx, actor: Actor | None) -> Response:
    """Whether this process can serve."""
    return jsonify(status="ok")


@routes.open_get("/offline", reason="shown by the service worker when there is no network; holds nothing")
def offline(tx: Tx, actor: Actor | None) -> str:
    """What to do without a network."""
    return render_template("errors/offline.html")


@routes.open_get(
    "/api/v1/openapi.json",
    reason="describes the API to those who are going to build against it; holds no data",
    title=phrase("Bản mô tả API (OpenAPI 3.1)"),
    answers={200: openapi.Description},
)
def openapi_document(tx: Tx, actor: Actor | None) -> Response:
    """The description of every operation, made from the code of this very release."""
    return jsonify(openapi.document())


@routes.open_get("/api/docs", reason="the same description for people; holds no data")
def api_page(tx: Tx, actor: Actor | None) -> str:
    """The API explained, readable without a network beyond this server."""
    return render_template("web/api_docs.html", **api_docs.reading())
