"""A small OpenID Connect provider for tests: code flow with PKCE, one user, and lies on demand."""

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from flask import Flask, Response, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

CLIENT_ID = "lienthong"
CLIENT_SECRET = "bí-mật".encode().hex()


@cache
def _key() -> RSAKey:
    return RSAKey.generate_key(2048, parameters={"kid": "k1"})


@dataclass
class Provider:
    """`claims` overrule what the ID token says; `signed_by` replaces the key that is published."""

    email: str = "ha@mau.example"
    subject: str = "u-1"
    claims: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=_key)
    signed_by: RSAKey | None = None
    refuse: bool = False
    issuer: str = ""
    declared_issuer: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    redeemed: int = 0

    def app(self) -> Flask:
        """The provider's endpoints."""
        app = Flask("provider")
        app.add_url_rule("/.well-known/openid-configuration", "metadata", self.metadata)
        app.add_url_rule("/authorize", "authorize", self.authorize)
        app.add_url_rule("/token", "token", self.token, methods=["POST"])
        app.add_url_rule("/jwks", "jwks", lambda: jsonify({"keys": [self.key.as_dict(private=False)]}))
        return app

    def metadata(self) -> Response:
        """OpenID Connect Discovery §4."""
        names = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/jwks"}
        urls = {name: self.issuer + path for name, path in names.items()}
        return jsonify({"issuer": self.declared_issuer or self.issuer, **urls})

    def authorize(self) -> Any:
        """Send the browser back with a code, as after a sign-in at the provider."""
        asked = request.args
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        if self.refuse:
            return redirect(f"{asked['redirect_uri']}?error=access_denied&state={asked['state']}")
        code = secrets.token_urlsafe(16)
        self.codes[code] = dict(asked)
        return redirect(f"{asked['redirect_uri']}?code={code}&state={asked['state']}")

    def token(self) -> Any:
        """Trade a code and its verifier for an ID token, once."""
        asked = self.codes.pop(request.form.get("code", ""), None)
        digest = hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        auth = request.authorization
        known = auth is not None and (auth.username, auth.password) == (CLIENT_ID, CLIENT_SECRET)
        if asked is None or challenge != asked["code_challenge"] or not known:
            return jsonify({"error": "invalid_grant"}), 400
        self.redeemed += 1
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": CLIENT_ID,
            "exp": now + 300,
            "iat": now,
            "nonce": asked["nonce"],
            "email": self.email,
            "email_verified": True,
            **self.claims,
        }
        id_token = jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.signed_by or self.key)
        return jsonify({"access_token": "at", "token_type": "Bearer", "expires_in": 300, "id_token": id_token})


@contextmanager
def running() -> Iterator[Provider]:
    """A provider on a free port of this machine."""
    provider = Provider()
    server = make_server("127.0.0.1", 0, provider.app(), threaded=True)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
