"""Single sign-on: the code flow of OpenID Connect with PKCE, through Authlib. The only file here that calls a network.

Nothing is stored between leaving and coming back: state, nonce and verifier travel in a signed cookie of the browser
that left, so that nobody can finish a sign-in that another browser began.
"""

import secrets
from dataclasses import dataclass
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from itsdangerous import BadData, URLSafeTimedSerializer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from kernel import clock
from kernel.config import Config
from kernel.errors import Unavailable
from kernel.text import Phrase, phrase

COOKIE = "lt_oidc"
"""The cookie between leaving and coming back: HttpOnly, SameSite=Lax, ten minutes."""

TRIP_S = 600
CALLBACK = "/sign-in/oidc/callback"

_TIMEOUT_S = 10
_LEEWAY_S = 120
# Everything that signs with a public key; never "none", never a key that both sides share.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]


@dataclass(frozen=True)
class Departure:
    """Where the browser goes, and the cookie that it takes along."""

    url: str
    cookie: str


@dataclass(frozen=True)
class Identity:
    """Whom the issuer vouches for. `email` is empty unless the issuer has verified it."""

    issuer: str
    subject: str
    email: str


class Untrusted(Exception):
    """The answer of the issuer cannot be relied on; `message` tells the person, the text tells the log."""

    def __init__(self, message: Phrase, why: str) -> None:
        super().__init__(why)
        self.message = message


_AWAY = phrase("Hệ thống đăng nhập một lần đang không trả lời. Xin thử lại sau hoặc đăng nhập bằng mật khẩu.")
_AGAIN = phrase("Lần đăng nhập này đã quá hạn hoặc bắt đầu từ trình duyệt khác. Xin đăng nhập lại.")
_BROKEN = phrase("Không xác minh được trả lời của hệ thống đăng nhập một lần. Xin báo quản trị viên.")


def is_on(config: Config) -> bool:
    """Whether single sign-on is configured."""
    return bool(config.oidc_issuer and config.oidc_client_id)


def depart(config: Config, next_page: str) -> Departure:
    """Send a browser to the issuer; `next_page` is where it wants to be afterwards."""
    metadata = discover(config)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    url, _state = _client(config).create_authorization_url(
        metadata["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
    )
    trip = {"state": state, "nonce": nonce, "verifier": verifier, "next": next_page}
    return Departure(str(url), _seal(config).dumps(trip))


def arrive(config: Config, query: dict[str, str], cookie: str | None) -> tuple[Identity, str]:
    """Judge what a browser brings back from the issuer: who it is, and the page that it wanted."""
    trip = _opened(config, cookie)
    if not secrets.compare_digest(query.get("state", "").encode(), trip["state"].encode()):
        raise Untrusted(_AGAIN, "state does not fit the cookie")
    if query.get("iss", config.oidc_issuer) != config.oidc_issuer:  # RFC 9207
        raise Untrusted(_BROKEN, "the answer names another issuer")
    if "error" in query or "code" not in query:
        cancelled = phrase("Hệ thống đăng nhập một lần đã từ chối hoặc bạn đã hủy đăng nhập.")
        raise Untrusted(cancelled, f"issuer answered {query.get('error', 'without a code')!r}")
    metadata = discover(config)
    token = _exchange(config, metadata, query["code"], trip["verifier"])
    return _identity(config, metadata, token, trip["nonce"]), trip["next"]


def discover(config: Config) -> dict[str, Any]:
    """The issuer's description of itself (OpenID Connect Discovery §4); Unavailable when there is none."""
    metadata = _fetched(config.oidc_issuer.rstrip("/") + "/.well-known/openid-configuration")
    needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    if metadata.get("issuer") != config.oidc_issuer or not all(isinstance(metadata.get(n), str) for n in needed):
        raise Unavailable(_AWAY)
    return metadata


def _client(config: Config) -> OAuth2Session:
    return OAuth2Session(
        config.oidc_client_id,
        config.oidc_client_secret or None,
        scope="openid email profile",
        redirect_uri=config.base_url.rstrip("/") + CALLBACK,
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic" if config.oidc_client_secret else "none",
    )


def _exchange(config: Config, metadata: dict[str, Any], code: str, verifier: str) -> dict[str, Any]:
    try:
        with _client(config) as client:
            token: dict[str, Any] = client.fetch_token(
                metadata["token_endpoint"], code=code, code_verifier=verifier, timeout=_TIMEOUT_S
            )
    except requests.RequestException as error:
        raise Unavailable(_AWAY) from error
    except (AuthlibBaseError, ValueError) as error:
        raise Untrusted(_AGAIN, f"no token for the code: {error}") from error
    return token


def _identity(config: Config, metadata: dict[str, Any], token: dict[str, Any], nonce: str) -> Identity:
    try:
        keys = KeySet.import_key_set(_fetched(metadata["jwks_uri"]))  # type: ignore[arg-type]
        decoded = jwt.decode(str(token.get("id_token", "")), keys, algorithms=_ALGORITHMS)
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            options={
                "iss": {"essential": True, "values": [config.oidc_issuer]},
                "aud": {"essential": True, "value": config.oidc_client_id},
            },
            params={"nonce": nonce, "client_id": config.oidc_client_id, "access_token": token.get("access_token")},
        )
        claims.validate(now=int(clock.now().timestamp()), leeway=_LEEWAY_S)
    except (JoseError, AuthlibBaseError, ValueError, TypeError, KeyError) as error:
        raise Untrusted(_BROKEN, f"id token: {error}") from error
    email = claims.get("email") if claims.get("email_verified") is True else ""
    return Identity(config.oidc_issuer, str(claims["sub"]), str(email or ""))


def _fetched(url: str) -> dict[str, Any]:
    try:
        answer = requests.get(url, timeout=_TIMEOUT_S)
        answer.raise_for_status()
        found = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise Unavailable(_AWAY) from error
    if not isinstance(found, dict):
        raise Unavailable(_AWAY)
    return found


def _seal(config: Config) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(config.signing_secret(), salt="directory.oidc")


def _opened(config: Config, cookie: str | None) -> dict[str, str]:
    try:
        trip: dict[str, str] = _seal(config).loads(cookie or "", max_age=TRIP_S)
    except BadData as error:
        raise Untrusted(_AGAIN, f"cookie: {error}") from error
    return trip
