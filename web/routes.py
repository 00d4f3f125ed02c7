"""The pages that belong to no room: the start page, the language, health, the offline page."""

import logging

import sqlalchemy as sa
from flask import Response, jsonify, make_response, render_template
from werkzeug.wrappers import Response as AnyResponse

from directory.actor import Actor
from kernel.db import Tx
from kernel.endpoints import Routes
from kernel.text import phrase
from web import pages, schema
from web.openapi import api_docs, specification

routes = Routes("web")
log = logging.getLogger(__name__)


def unhealthy(error: Exception) -> AnyResponse:
    """What a load balancer hears when the database does not answer; the log has the reason."""
    log.error("health: %s", error)
    return make_response(jsonify(status="unavailable", reason="database"), 503)


@routes.get("/")
def start(tx: Tx, actor: Actor) -> str:
    """What waits for me today."""
    return pages.start(tx, actor)


@routes.open_post("/language", reason="a stranger may read the sign-in page in English")
def choose_language(tx: Tx, actor: Actor | None) -> AnyResponse:
    """Switch between Vietnamese and English."""
    return pages.choose_language(tx, actor)


@routes.open_get("/health", reason="load balancers ask it; says only that the database answers", refuse=unhealthy)
def health(tx: Tx, actor: Actor | None) -> Response:
    """Whether this process and its database answer: 200, else 503, both in JSON."""
    tx.session.execute(sa.select(1))
    return jsonify(status="ok")


@routes.open_get("/ready", reason="load balancers ask it; says only that requests can be served", refuse=unhealthy)
def ready(tx: Tx, actor: Actor | None) -> AnyResponse:
    """Whether requests can be served: the database answers and has the schema of this very release. 200, else 503."""
    if schema.current_of(tx) != schema.newest():
        return make_response(jsonify(status="unavailable", reason="schema"), 503)
    return jsonify(status="ok")


@routes.open_get("/offline", reason="shown by the service worker when there is no network; holds nothing")
def offline(tx: Tx, actor: Actor | None) -> str:
    """What to do without a network."""
    return render_template("errors/offline.html")


@routes.open_get(
    "/api/v1/openapi.json",
    reason="describes the API to those who are going to build against it; holds no data",
    title=phrase("Bản mô tả API (OpenAPI 3.1)"),
    query=specification.DescriptionAsked,
    answers={200: specification.Description},
)
def openapi_document(tx: Tx, actor: Actor | None, asked: specification.DescriptionAsked) -> Response:
    """The description of every operation, made from the code of this very release."""
    return jsonify(specification.document(asked.lang))


@routes.open_get("/api/docs", reason="the same description for people; holds no data")
def api_page(tx: Tx, actor: Actor | None) -> str:
    """The API explained, readable without a network beyond this server."""
    return render_template("web/api_docs.html", **api_docs.reading())
