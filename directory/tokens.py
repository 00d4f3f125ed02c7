"""Random tokens: the holder keeps the token, the database its SHA-256."""

import hashlib
import secrets


def fresh() -> str:
    """256 random bits for a cookie, a header or a URL."""
    return secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    """How a token is kept: it is long and random, so a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
