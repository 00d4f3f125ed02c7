"""The optional second step: time-based codes (RFC 6238) and recovery codes for the day the phone is lost."""

import hashlib
import logging
import secrets
from dataclasses import dataclass

import pyotp
import segno
import sqlalchemy as sa

from directory.models import Person, RecoveryCode
from kernel import clock
from kernel.config import Config
from kernel.db import Tx
from kernel.sealing import Safe, SealedColumn

log = logging.getLogger(__name__)

STEP_S = 30
RECOVERY_CODES = 10

SECRETS = SealedColumn(Person.totp_secret, "second step", lambda person: f"person:{person.id}")
"""They are read again with each code, so they cannot be hashed. An earlier release kept them as they are."""

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look like another


@dataclass(frozen=True)
class Enrolment:
    """What a person scans or types into their authenticator."""

    secret: str
    uri: str
    qr_svg: str

    @property
    def spaced_secret(self) -> str:
        """The secret in groups of four, to be typed."""
        return " ".join(self.secret[i : i + 4] for i in range(0, len(self.secret), 4))


def enrolment(email: str, secret: str = "") -> Enrolment:
    """A fresh secret, or `secret` again when the first code was mistyped."""
    chosen = secret if is_secret(secret) else pyotp.random_base32()
    uri = pyotp.TOTP(chosen).provisioning_uri(name=email, issuer_name="Liên Thông")
    svg = segno.make(uri, error="m").svg_inline(scale=5, border=2, dark="#16202B", light="#ffffff", omitsize=True)
    return Enrolment(chosen, uri, svg)


def is_secret(text: str) -> bool:
    """Whether a text is a secret as `enrolment` makes them."""
    return len(text) == 32 and all(c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" for c in text)


def step_of(secret: str, code: str) -> int | None:
    """The time step that `code` belongs to, one step of clock drift either way; None when it fits none."""
    digits = code.replace(" ", "")
    if len(digits) != 6 or not (digits.isascii() and digits.isdecimal()):
        return None
    now = int(clock.now().timestamp()) // STEP_S
    totp = pyotp.TOTP(secret)
    fitting = [s for s in (now, now - 1, now + 1) if secrets.compare_digest(totp.generate_otp(s), digits)]
    return fitting[0] if fitting else None


def safe_of(config: Config) -> Safe:
    """What seals the secrets."""
    return SECRETS.safe(config)


def accepts(tx: Tx, person: Person, code: str, safe: Safe) -> bool:
    """Use up a code. The same one, or an older one, is not taken twice (RFC 6238 §5.2)."""
    if len(code) > 60:
        return False
    secret = SECRETS.secret_of(person, safe)
    if secret is None:
        log.error("the second step of person %s was sealed with another LIENTHONG_SECRET_KEY", person.id)
    step = step_of(secret, code) if secret else None
    if step is not None:
        return _use_step(tx, person, step)
    return _use_recovery_code(tx, person.id, code)


def fresh_recovery_codes(tx: Tx, person_id: int) -> list[str]:
    """New recovery codes in place of all earlier ones; they are shown once."""
    forget_recovery_codes(tx, person_id)
    codes = ["-".join(_letters(5) for _ in range(3)) for _ in range(RECOVERY_CODES)]
    tx.session.add_all(RecoveryCode(person_id=person_id, code_hash=_hash(code)) for code in codes)
    return codes


def forget_recovery_codes(tx: Tx, person_id: int) -> None:
    """Make every recovery code of a person worthless."""
    tx.session.execute(sa.delete(RecoveryCode).where(RecoveryCode.person_id == person_id))


def recovery_codes_left(tx: Tx, person_id: int) -> int:
    """How many recovery codes still work."""
    query = sa.select(sa.func.count()).where(RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None))
    return tx.session.scalar(query) or 0


def _use_step(tx: Tx, person: Person, step: int) -> bool:
    # One statement, so that two browsers with the same code cannot both win.
    used = tx.session.execute(
        sa.update(Person)
        .where(Person.id == person.id, Person.totp_step < step)
        .values(totp_step=step)
        .returning(Person.id)
    ).all()
    return bool(used)


def _use_recovery_code(tx: Tx, person_id: int, code: str) -> bool:
    used = tx.session.execute(
        sa.update(RecoveryCode)
        .where(
            RecoveryCode.person_id == person_id,
            RecoveryCode.code_hash == _hash(code),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=clock.now())
        .returning(RecoveryCode.id)
    ).all()
    return bool(used)


def _letters(count: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(count))


def _hash(code: str) -> str:
    # 74 random bits each: nothing to guess, so no slow hash is needed.
    plain = "".join(c for c in code.lower() if c.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()
