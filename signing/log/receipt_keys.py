"""The installation's key for statements where the settings name one (`system=…`): on a token, in an encrypted file."""

import json
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64encode

from kernel.config import Config
from kernel.errors import Unavailable
from kernel.text import phrase
from signing.keys import key_settings
from signing.keys.keystore import KeyStore
from signing.log.receipts import SigningKey

NOT_P256 = phrase("Khoá hệ thống trong LIENTHONG_KEYS phải là khoá EC P-256.")
_HALF = 32


class StoreSigningKey(SigningKey):
    """Signs statements with a key that may be used and not seen. The certificate only tells its public half."""

    def __init__(self, store: KeyStore) -> None:
        public = load_der_x509_certificate(store.describe().certificate).public_key()
        if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
            raise Unavailable(NOT_P256)
        super().__init__(ECKey.import_key(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)))
        self._store = store

    def sign(self, kind: str, claims: dict[str, Any]) -> str:
        """`claims` as a compact JWS (RFC 7515, RFC 7518 §3.4): the signature is r and s, 32 bytes each."""
        head = json.dumps({"alg": "ES256", "kid": self.kid, "typ": kind}, separators=(",", ":"))
        body = json.dumps(claims, ensure_ascii=False, separators=(",", ":"))
        said = b".".join(urlsafe_b64encode(part.encode()) for part in (head, body))
        r, s = utils.decode_dss_signature(self._store.sign(said))
        return (said + b"." + urlsafe_b64encode(r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big"))).decode()


@lru_cache(maxsize=8)
def key_of(config: Config) -> SigningKey:
    """The key that the settings name; Unavailable says why it cannot be used now, and the next call tries again."""
    store = key_settings.system_store(config)
    assert store is not None
    return StoreSigningKey(store)
