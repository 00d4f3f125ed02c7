"""The token endpoint for agencies' systems."""

from typing import Any, Literal

from flask import Response, current_app, jsonify, request
from pydantic import BaseModel, Field

from directory import clients, proofs
from directory.actor import Actor
from directory.attempts import Limits
from kernel.config import Config
from kernel.db import Tx
from kernel.endpoints import Routes
from kernel.text import phrase

routes = Routes("directory_api")

PATH = "/api/v1/oauth/token"

_STATUS = {"invalid_client": 401, "invalid_scope": 400, "slow_down": 429}


class TokenWanted(BaseModel):
    """A request for an access token (RFC 6749 §4.4)."""

    grant_type: Literal["client_credentials"]
    scope: str = Field("", description="blank-separated; all of the client's when empty")
    client_id: str = Field("", description="not with HTTP Basic; may be left out with an assertion")
    client_secret: str = Field("", description="the secret, when it does not come by HTTP Basic")
    client_assertion_type: str = Field("", description=f"always {proofs.JWT_BEARER}")
    client_assertion: str = Field("", description="the signed JWT (RFC 7523): iss, sub, aud, exp, jti")


class TokenGiven(BaseModel):
    """An access token."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int = Field(description="seconds")
    scope: str


class TokenRefused(BaseModel):
    """Why there is no token (RFC 6749 §5.2)."""

    error: str
    error_description: str = ""
    error_description_vi: str = ""


@routes.open_post(
    PATH,
    reason="carries the client's own proof (RFC 6749 §4.4)",
    csrf=False,
    title=phrase("Xin mã truy cập"),
    form=TokenWanted,
    answers={200: TokenGiven, 400: TokenRefused, 401: TokenRefused, 429: TokenRefused},
)
def token(tx: Tx, actor: Actor | None) -> Response:
    """Give an access token to a client that proves itself: by its secret, a signed assertion or its certificate.

    Errors have the shape of RFC 6749 §5.2, which ready-made OAuth libraries expect.
    """
    if request.form.get("grant_type") != "client_credentials":
        return _answer({"error": "unsupported_grant_type"}, 400)
    config: Config = current_app.extensions["lienthong"].config
    client_id, proof = _proof(config)
    asked, address = request.form.get("scope", ""), request.remote_addr or ""
    given = clients.grant(tx, client_id, proof, asked, address, Limits.of(config))
    if isinstance(given, clients.Refusal):
        told = {"error": given.error, "error_description": given.message.en, "error_description_vi": given.message.vi}
        return _answer(told, _STATUS[given.error], given.message.params.get("minutes", 1) * 60)
    body = {"access_token": given.token, "token_type": "Bearer", "expires_in": given.seconds}
    return _answer({**body, "scope": " ".join(given.scopes)}, 200)


def _proof(config: Config) -> tuple[str, clients.Proof]:
    """Who asks, and what they show for it."""
    client_id = request.form.get("client_id", "")
    if request.form.get("client_assertion_type") == proofs.JWT_BEARER:
        base = config.base_url.rstrip("/")
        assertion = proofs.Assertion(request.form.get("client_assertion", ""), (base + PATH, base))
        return client_id or assertion.subject, assertion
    basic = request.authorization if request.authorization and request.authorization.type == "basic" else None
    if basic is not None:
        return basic.username or "", basic.password or ""
    secret = request.form.get("client_secret", "")
    certificate = None if secret else proofs.presented(request.environ, config)
    return client_id, certificate or secret


def _answer(body: dict[str, Any], status: int, wait_s: int = 0) -> Response:
    response = jsonify(body)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="Lien Thong"'
    if status == 429:
        response.headers["Retry-After"] = str(wait_s)
    return response
