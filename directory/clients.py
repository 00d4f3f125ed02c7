"""Agencies' systems: their proofs, scopes and short-lived access tokens (RFC 6749 §4.4, client credentials)."""

import hmac
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from directory import proofs, tokens
from directory.access import agency_for, client_for
from directory.actor import Actor, chain_of
from directory.agencies import is_email
from directory.attempts import CLIENT, Limits, must_wait, note_failure
from directory.models import ApiClient, ApiToken
from directory.proofs import Assertion, Certificate
from directory.queries import email_form
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid, WrongState
from kernel.text import Phrase, contact_number, one_line, phrase

TOKEN_TIME = timedelta(minutes=30)
USE_NOTED_EVERY = timedelta(seconds=30)

Proof = str | Assertion | Certificate
"""What a client shows at the token endpoint; a str is its secret."""

scopes: dict[str, Phrase] = {}
"""What a client may be allowed, by scope; each room adds its own when it is imported."""


def scope(name: str, label: Phrase) -> str:
    """Make a scope known to the administrators' form."""
    scopes[name] = label
    return name


@dataclass(frozen=True)
class Contact:
    """Whom to call when a system does not work."""

    email: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Credentials:
    """What a new client is told once."""

    id: int
    client_id: str
    secret: str


@dataclass(frozen=True)
class Granted:
    """An access token and the seconds that it lives."""

    token: str
    seconds: int
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class Refusal:
    """Why no token was given, in the codes of RFC 6749 §5.2."""

    error: Literal["invalid_client", "invalid_scope", "slow_down"]
    message: Phrase


def register(
    tx: Tx, actor: Actor, agency_id: int, name: str, wanted: frozenset[str], contact: Contact | None = None
) -> Credentials:
    """Register a system of an agency, also of one that is served elsewhere. The secret is shown this once."""
    row = agency_for(tx, actor, agency_id)
    name, contact = one_line(name), _tidied(contact or Contact())
    problems = _contact_problems(contact)
    if len(name) < 2 or len(name) > 200:
        problems["name"] = phrase("Cần nhập tên ứng dụng, không quá {limit} ký tự.", limit=200)
    if not wanted or not wanted <= scopes.keys():
        problems["scopes"] = phrase("Cần chọn ít nhất một quyền.")
    if problems:
        raise Invalid(problems)
    secret = tokens.fresh()
    client = ApiClient(
        agency_id=row.id,
        client_id=f"{row.code.lower()}-{tokens.fresh()[:8]}",
        name=name,
        secret_hash=tokens.hashed(secret),
        contact_email=contact.email,
        contact_phone=contact.phone,
        scopes=sorted(wanted),
        created_at=clock.now(),
    )
    tx.session.add(client)
    tx.session.flush()
    detail = {"client_id": client.client_id, "scopes": client.scopes}
    tx.audit(chain_of(row.id), "directory.client_registered", f"client:{client.id}", detail)
    return Credentials(client.id, client.client_id, secret)


def set_contact(tx: Tx, actor: Actor, client_id: int, contact: Contact) -> None:
    """Say whom to call about a system; empty fields leave only the agency's administrators."""
    client, contact = client_for(tx, actor, client_id), _tidied(contact)
    if problems := _contact_problems(contact):
        raise Invalid(problems)
    client.contact_email, client.contact_phone = contact.email, contact.phone
    tx.audit(chain_of(client.agency_id), "directory.client_contact_set", f"client:{client.id}", asdict(contact))


def _tidied(contact: Contact) -> Contact:
    phone = contact.phone.strip()
    return Contact(email_form(contact.email), contact_number(phone) or phone)


def _contact_problems(contact: Contact) -> dict[str, Phrase]:
    problems: dict[str, Phrase] = {}
    if contact.email and not is_email(contact.email):
        problems["contact_email"] = phrase("Địa chỉ thư điện tử chưa đúng.")
    if contact.phone and contact_number(contact.phone) is None:
        problems["contact_phone"] = phrase(
            "Số điện thoại chưa đúng, ví dụ di động 0912 345 678 hoặc cố định 024 3825 1234 máy lẻ 12."
        )
    return problems


def renew_secret(tx: Tx, actor: Actor, client_id: int) -> Credentials:
    """A new secret in place of the old one; tokens that were given before stop working."""
    client = client_for(tx, actor, client_id)
    if client.revoked_at is not None:
        raise WrongState(phrase("Ứng dụng này đã bị thu hồi."))
    secret = tokens.fresh()
    client.secret_hash, client.public_key = tokens.hashed(secret), ""
    client.certificate_sha256, client.certificate_until = "", None
    _forget_tokens(tx, client)
    tx.audit(chain_of(client.agency_id), "directory.client_secret_renewed", f"client:{client.id}")
    return Credentials(client.id, client.client_id, secret)


def register_key(tx: Tx, actor: Actor, client_id: int, text: str) -> None:
    """Know a system by its public key or certificate from now on; its secret and its tokens stop working."""
    client = client_for(tx, actor, client_id)
    if client.revoked_at is not None:
        raise WrongState(phrase("Ứng dụng này đã bị thu hồi."))
    known = proofs.read_registered(text)
    client.public_key, client.secret_hash = known.keys, ""
    client.certificate_sha256, client.certificate_until = known.certificate_sha256, known.certificate_until
    _forget_tokens(tx, client)
    detail = {"certificate_sha256": known.certificate_sha256, "keys": known.keys}
    tx.audit(chain_of(client.agency_id), "directory.client_key_registered", f"client:{client.id}", detail)


def revoke(tx: Tx, actor: Actor, client_id: int) -> None:
    """Shut a system out, at once and for good."""
    client = client_for(tx, actor, client_id)
    if client.revoked_at is not None:
        raise WrongState(phrase("Ứng dụng này đã bị thu hồi."))
    client.revoked_at = clock.now()
    _forget_tokens(tx, client)
    tx.audit(chain_of(client.agency_id), "directory.client_revoked", f"client:{client.id}")


def grant(tx: Tx, client_id: str, proof: Proof, asked: str, address: str, limits: Limits) -> Granted | Refusal:
    """An access token for a client that proves itself; `asked` are scopes, blank-separated, or all."""
    client_id = one_line(client_id)[:100]
    name = f"{CLIENT}{client_id}"
    wait = must_wait(tx, name, address, limits)
    if wait is not None:
        return Refusal("slow_down", wait)
    client = tx.session.scalar(sa.select(ApiClient).where(ApiClient.client_id == client_id))
    right = _proven(tx, client, proof)
    if client is None or not right or client.revoked_at is not None:
        note_failure(tx, name, address, limits)
        return Refusal("invalid_client", phrase("Mã ứng dụng hoặc khóa bí mật không đúng."))
    wanted = asked.split() or list(client.scopes)
    if not set(wanted) <= set(client.scopes):
        return Refusal("invalid_scope", phrase("Ứng dụng không được cấp quyền này."))
    return _issue(tx, client, wanted, proof.sha256 if isinstance(proof, Certificate) else "")


def _proven(tx: Tx, client: ApiClient | None, proof: Proof) -> bool:
    if isinstance(proof, Assertion):
        return client is not None and client.revoked_at is None and proofs.holds(tx, client, proof)
    known = _known_by(client, proof)
    # Compared also for an unknown client, so that the time of the answer tells nothing.
    given = proof.sha256 if isinstance(proof, Certificate) else tokens.hashed(proof)
    return hmac.compare_digest(known, given) and bool(known)


def _known_by(client: ApiClient | None, proof: Proof) -> str:
    if client is None:
        return ""
    return client.certificate_sha256 if isinstance(proof, Certificate) else client.secret_hash


def actor_for_token(tx: Tx, bearer: str | None, certificate: Certificate | None = None) -> Actor | None:
    """The client behind an access token; one that was given for a certificate needs the same certificate again."""
    if not bearer:
        return None
    found = tx.session.connection().execute(_BEARER, {"hash": tokens.hashed(bearer)}).one_or_none()
    if found is None or found.expires_at <= clock.now() or found.revoked_at is not None:
        return None
    if found.certificate_sha256 and (certificate is None or certificate.sha256 != found.certificate_sha256):
        return None
    return Actor(
        kind="client",
        client_id=found.id,
        agency_id=found.agency_id,
        name=found.name,
        scopes=frozenset(found.scopes),
        code_form=found.code_form,
        is_news=use_is_news(found.used_at),
    )


def note_use(tx: Tx, client_id: int) -> None:
    """Note that a system calls. What is shown is true within half a minute: hundreds of systems ask all the time."""
    stale = sa.or_(ApiClient.used_at.is_(None), ApiClient.used_at < clock.now() - USE_NOTED_EVERY)
    tx.session.execute(sa.update(ApiClient).where(ApiClient.id == client_id, stale).values(used_at=clock.now()))


def use_is_news(used_at: datetime | None) -> bool:
    """Whether the last call that was noted is so long ago that this one is to be noted."""
    return used_at is None or clock.now() - used_at > USE_NOTED_EVERY


# Asked twice at every call of a system: columns and not objects, and built once.
_BEARER = (
    sa.select(
        ApiToken.expires_at,
        ApiToken.certificate_sha256,
        ApiToken.scopes,
        ApiClient.id,
        ApiClient.revoked_at,
        ApiClient.agency_id,
        ApiClient.name,
        ApiClient.code_form,
        ApiClient.used_at,
    )
    .join(ApiClient, ApiClient.id == ApiToken.client_id)
    .where(ApiToken.token_hash == sa.bindparam("hash"))
)


def _issue(tx: Tx, client: ApiClient, wanted: list[str], certificate_sha256: str) -> Granted:
    now = clock.now()
    tx.session.execute(sa.delete(ApiToken).where(ApiToken.expires_at <= now))
    token = tokens.fresh()
    tx.session.add(
        ApiToken(
            token_hash=tokens.hashed(token),
            client_id=client.id,
            certificate_sha256=certificate_sha256,
            scopes=sorted(wanted),
            expires_at=now + TOKEN_TIME,
        )
    )
    client.used_at = now
    return Granted(token, int(TOKEN_TIME.total_seconds()), tuple(sorted(wanted)))


def _forget_tokens(tx: Tx, client: ApiClient) -> None:
    tx.session.execute(sa.delete(ApiToken).where(ApiToken.client_id == client.id))
