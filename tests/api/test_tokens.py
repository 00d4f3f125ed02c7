"""Systems prove themselves by a key or a certificate of their own, and only by the one that is registered."""

import base64
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from directory import clients, listing
from kernel import clock
from kernel.config import Config
from kernel.db import Database
from kernel.errors import Invalid
from tests.api.conftest import System
from tests.cast import Cast
from tests.web.application import create_app
from web.services import Services

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
TOKEN = "/api/v1/oauth/token"
AUDIENCE = "http://127.0.0.1:8080/api/v1/oauth/token"
KEY = ECKey.generate_key("P-256")


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.frozen(NOW):
        yield


def known_by(db: Database, cast: Cast, system: System, text: str) -> None:
    with db.write(cast.admin.by) as tx:
        clients.register_key(tx, cast.admin, system.id, text)


def assertion(system: System, key: Any = KEY, alg: str = "ES256", **changes: Any) -> str:
    at = int(clock.now().timestamp())
    claims = {"iss": system.client_id, "sub": system.client_id, "aud": AUDIENCE, "iat": at, "exp": at + 60, "jti": "1"}
    told = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return jws.serialize_compact({"alg": alg}, json.dumps(told), key, algorithms=[alg])


def ask(system: System, text: str, **form: str) -> Any:
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    body = {"grant_type": "client_credentials", "client_assertion_type": kind, "client_assertion": text, **form}
    return system.http.post(TOKEN, data=body)


def test_an_assertion_gives_a_token_that_opens_the_doors(db: Database, cast: Cast, system: System) -> None:
    known_by(db, cast, system, json.dumps(KEY.as_dict(private=False)))
    given = ask(system, assertion(system), scope="docex.submit")
    assert given.status_code == 200, given.text
    assert given.get_json()["scope"] == "docex.submit"
    bearer = {"Authorization": f"Bearer {given.get_json()['access_token']}"}
    assert system.http.get("/api/v1/documents/1", headers=bearer).status_code == 404
    # The secret and the tokens that it gave before are gone.
    assert system.get("/api/v1/documents/1").status_code == 401
    by_secret = {"grant_type": "client_credentials", "client_id": system.client_id, "client_secret": system.secret}
    assert system.http.post(TOKEN, data=by_secret).status_code == 401


def test_an_assertion_works_once(db: Database, cast: Cast, system: System) -> None:
    known_by(db, cast, system, json.dumps({"keys": [KEY.as_dict(private=False)]}))
    text = assertion(system)
    assert ask(system, text).status_code == 200
    again = ask(system, text)
    assert again.status_code == 401
    assert again.get_json()["error"] == "invalid_client"
    assert ask(system, assertion(system, jti="2", aud=["http://127.0.0.1:8080"])).status_code == 200


AT = int(NOW.timestamp())
WRONG: dict[str, dict[str, Any]] = {
    "another key": {"key": ECKey.generate_key("P-256")},
    "no expiry": {"exp": None},
    "expired": {"exp": AT - 301},
    "too long": {"exp": AT + 3600},
    "made tomorrow": {"iat": AT + 86400},
    "not yet": {"nbf": AT + 301},
    "for another server": {"aud": "https://other.example/token"},
    "for nobody": {"aud": None},
    "another issuer": {"iss": "x"},
    "no name": {"jti": None},
    "a name that is no text": {"jti": "\ud800"},
    "a name that no column holds": {"jti": "\x00"},
    "expiry is text": {"exp": "soon"},
    "expiry is beyond years": {"exp": 1e300},
    "audience is an object": {"aud": [{"a": 1}]},
}


@pytest.mark.parametrize("how", WRONG)
def test_a_wrong_assertion_gives_nothing(db: Database, cast: Cast, system: System, how: str) -> None:
    known_by(db, cast, system, json.dumps(KEY.as_dict(private=False)))
    assert ask(system, assertion(system, **WRONG[how]), client_id=system.client_id).status_code == 401, how


def test_clocks_may_differ_by_five_minutes(db: Database, cast: Cast, system: System) -> None:
    known_by(db, cast, system, json.dumps(KEY.as_dict(private=False)))
    assert ask(system, assertion(system, exp=AT - 290, iat=AT - 350)).status_code == 200
    assert ask(system, assertion(system, jti="ahead", exp=AT + 350, iat=AT + 290)).status_code == 200


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "e30.e30.", "eyJhbGciOiJub25lIn0.e30.", "ế.ế.ế"])
def test_what_is_no_assertion_is_refused(db: Database, cast: Cast, system: System, text: str) -> None:
    known_by(db, cast, system, json.dumps(KEY.as_dict(private=False)))
    assert ask(system, text, client_id=system.client_id).status_code == 401


@pytest.mark.parametrize("subject", ["\ud800", "\x00", "[" * 50_000])
def test_an_assertion_about_what_is_no_text_is_refused(system: System, subject: str) -> None:
    payload = subject if subject.startswith("[") else json.dumps({"sub": subject})
    head, claims = (
        base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in ('{"alg":"ES256"}', payload)
    )
    assert ask(system, f"{head}.{claims}.AA").status_code == 401


def test_a_client_that_has_only_a_secret_cannot_be_asserted(system: System) -> None:
    assert ask(system, assertion(system)).status_code == 401


@pytest.mark.filterwarnings("ignore:Key size should be")  # one of the keys is too small, so that it is refused
def test_keys_are_read_in_their_usual_forms_and_never_private(db: Database, cast: Cast, system: System) -> None:
    rsa = RSAKey.generate_key(2048)
    for good in (
        KEY.as_pem(private=False).decode(),
        rsa.as_pem(private=False).decode(),
        json.dumps(rsa.as_dict(False)),
    ):
        known_by(db, cast, system, good)
    assert ask(system, assertion(system, rsa, "PS256")).status_code == 200
    weak = RSAKey.generate_key(1024)
    secret = {"kty": "oct", "k": "c2VjcmV0"}
    bad = (
        KEY.as_pem(private=True).decode(),
        json.dumps(KEY.as_dict(private=True)),
        json.dumps(secret),
        "x",
        "{}",
        "[]",
    )
    for text in (*bad, json.dumps({"keys": []}), json.dumps({"keys": 1}), json.dumps(weak.as_dict(False)), ""):
        with pytest.raises(Invalid) as refusal:
            known_by(db, cast, system, text)
        assert list(refusal.value.fields) == ["key"]


def test_a_secret_may_not_pose_as_a_shared_key(db: Database, cast: Cast, system: System) -> None:
    known_by(db, cast, system, KEY.as_pem(private=False).decode())
    _, claims, _ = assertion(system).split(".")
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=").decode()
    mac = hmac.digest(KEY.as_pem(private=False), f"{head}.{claims}".encode(), "sha256")
    forged = f"{head}.{claims}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    assert ask(system, forged).status_code == 401


def a_certificate(days: int = 30) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "he-thong.mau.example")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(NOW - timedelta(days=60)).not_valid_after(NOW + timedelta(days=days))
    return made.sign(key, hashes.SHA256())


@pytest.fixture
def behind_a_proxy(config: Config, db: Database) -> FlaskClient:
    set_up = replace(config, mtls_header="Client-Cert", mtls_proxies="127.0.0.1, 10.0.0.0/8")
    app: Flask = create_app(set_up, Services(set_up, db, Services.from_config(set_up).blobs))
    return app.test_client()


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def rfc9440(certificate: x509.Certificate) -> str:
    return f":{base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()}:"


def test_a_certificate_gives_a_token_that_is_good_only_with_it(
    db: Database, cast: Cast, system: System, behind_a_proxy: FlaskClient
) -> None:
    ours, other = a_certificate(), a_certificate()
    known_by(db, cast, system, pem(ours))
    form = {"grant_type": "client_credentials", "client_id": system.client_id}
    for header in (rfc9440(ours), quote(pem(ours))):
        given = behind_a_proxy.post(TOKEN, data=form, headers={"Client-Cert": header})
        assert given.status_code == 200, given.text
    bearer = {"Authorization": f"Bearer {given.get_json()['access_token']}"}
    there = "/api/v1/documents/1"
    assert behind_a_proxy.get(there, headers={**bearer, "Client-Cert": rfc9440(ours)}).status_code == 404
    assert behind_a_proxy.get(there, headers={**bearer, "Client-Cert": rfc9440(other)}).status_code == 401
    assert behind_a_proxy.get(there, headers=bearer).status_code == 401
    for header in (rfc9440(other), "", ":x:", "-----BEGIN", ":" + "ế" * 4):
        answer = behind_a_proxy.post(TOKEN, data=form, headers={"Client-Cert": header.encode().decode("latin-1")})
        assert answer.status_code == 401


def test_the_administrators_see_how_long_a_certificate_is_still_valid(db: Database, cast: Cast, system: System) -> None:
    def days() -> int | None:
        with db.read() as tx:
            card = listing.client(tx, cast.admin, system.id)
        assert card is not None
        return card.certificate_days

    assert days() is None
    known_by(db, cast, system, pem(a_certificate(days=30)))
    assert days() == 30
    clock.advance(timedelta(days=31))
    assert days() == -1
    known_by(db, cast, system, KEY.as_pem(private=False).decode())
    assert days() is None


def test_an_expired_certificate_proves_nothing(
    db: Database, cast: Cast, system: System, behind_a_proxy: FlaskClient
) -> None:
    old = a_certificate(days=-1)
    known_by(db, cast, system, pem(old))
    form = {"grant_type": "client_credentials", "client_id": system.client_id}
    assert behind_a_proxy.post(TOKEN, data=form, headers={"Client-Cert": rfc9440(old)}).status_code == 401


def test_the_header_counts_only_from_a_trusted_proxy_and_only_when_it_is_set(
    db: Database, cast: Cast, system: System, behind_a_proxy: FlaskClient
) -> None:
    ours = a_certificate()
    known_by(db, cast, system, pem(ours))
    form = {"grant_type": "client_credentials", "client_id": system.client_id}
    headers = {"Client-Cert": rfc9440(ours)}
    stranger = {"REMOTE_ADDR": "192.0.2.7"}
    assert behind_a_proxy.post(TOKEN, data=form, headers=headers, environ_base=stranger).status_code == 401
    # `Config()` names no header: nobody may hand over a certificate.
    behind_a_proxy.application.extensions["lienthong"] = Services(Config(), db, Services.from_config(Config()).blobs)
    assert behind_a_proxy.post(TOKEN, data=form, headers=headers).status_code == 401
