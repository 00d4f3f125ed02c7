"""The token endpoint for agencies' systems."""

from typing import Any

from flask import Response, current_app, jsonify, request

from directory import clients
from directory.actor import Actor
from directory.attempts import Limits
from kernel.db import Tx
from kernel.doors import Routes

routes = Routes("directory_api")

_STATUS = {"invalid_client": 401, "invalid_scope": 400, "slow_down": 429}


@routes.open_post("/api/v1/oauth/token", reason="carries the client's own secret (RFC 6749 §4.4)", csrf=False)
def token(tx: Tx, actor: Actor | None) -> Response:
    """Give an access token to a client that proves itself by HTTP Basic or by `client_id` and `client_secret`.

    Errors have the shape of RFC 6749 §5.2, which ready-made OAuth libraries expect.
    """
    if request.form.get("grant_type") != "client_credentials":
        return _answer({"error": "unsupported_grant_type"}, 400)
    basic = request.authorization if request.authorization and request.authorization.type == "basic" else None
    client_id = (basic.username if basic else request.form.get("client_id")) or ""
    secret = (basic.password if basic else request.form.get("client_secret")) or ""
    limits = Limits(current_app.extensions["lienthong"].config.sign_in_tries)
    asked = request.form.get("scope", "")
    given = clients.grant(tx, client_id, secret, asked, request.remote_addr or "", limits)
    if isinstance(given, clients.Refusal):
        told = {"error": given.error, "error_description": given.message.en, "error_description_vi": given.message.vi}
        return _answer(told, _STATUS[given.error])
    body = {"access_token": given.token, "token_type": "Bearer", "expires_in": given.seconds}
    return _answer({**body, "scope": " ".join(given.scopes)}, 200)


def _answer(body: dict[str, Any], status: int) -> Response:
    response = jsonify(body)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="Lien Thong"'
    return response
