"""Whether a report really comes from Twilio (twilio.com/docs/usage/security)."""

from collections.abc import Mapping

from twilio.request_validator import RequestValidator


def is_signed(auth_token: str, url: str, fields: Mapping[str, str], signature: str) -> bool:
    """Whether `signature` was made with `auth_token` over exactly this address and these fields."""
    if not auth_token or not signature.isascii() or not signature:
        return False
    return bool(RequestValidator(auth_token).validate(url, dict(fields), signature))
