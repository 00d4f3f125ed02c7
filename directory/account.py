"""One's own account: language, password, second step."""

from dataclasses import dataclass

import sqlalchemy as sa

from directory import passwords, secondstep, signin
from directory.actor import Actor, chain_of
from directory.attempts import Limits, must_wait, note_failure
from directory.models import Agency, Membership, Person
from directory.queries import AgencyCard, card_of
from kernel import clock
from kernel.catalogue import LOCALES
from kernel.db import Tx
from kernel.errors import Forbidden, Invalid, WrongState
from kernel.sealing import Safe
from kernel.text import Phrase, collation_key, phrase

_NOT_THIS_PASSWORD = phrase("Mật khẩu hiện tại không đúng.")
_NOT_THIS_CODE = phrase("Mã xác thực chưa đúng hoặc đã dùng rồi.")


@dataclass(frozen=True)
class OwnAccount:
    """A person's own account as its page shows it; never a secret."""

    person_id: int
    name: str
    email: str
    phone: str
    locale: str
    has_password: bool
    has_second_step: bool


def own(tx: Tx, actor: Actor) -> Person:
    """The row of the acting person; Forbidden for systems, walls and links."""
    person = tx.session.get(Person, actor.person_id) if actor.kind == "person" else None
    if person is None:
        raise Forbidden()
    return person


def own_account(tx: Tx, actor: Actor) -> OwnAccount:
    """The account of the acting person; Forbidden for systems, walls and links."""
    row = own(tx, actor)
    return OwnAccount(
        person_id=row.id,
        name=row.name,
        email=row.email,
        phone=row.phone,
        locale=row.locale,
        has_password=bool(row.password_hash),
        has_second_step=bool(row.totp_secret),
    )


def agencies_of(tx: Tx, actor: Actor) -> list[AgencyCard]:
    """The agencies that the person can act for."""
    rows = tx.session.scalars(
        sa.select(Agency)
        .join(Membership, Membership.agency_id == Agency.id)
        .where(Membership.person_id == actor.person_id)
    )
    return sorted((card_of(row) for row in rows), key=lambda card: collation_key(card.name))


def speak(tx: Tx, actor: Actor, locale: str) -> None:
    """Choose the language of pages and messages."""
    if locale not in LOCALES:
        raise Invalid({"locale": phrase("Ngôn ngữ này chưa có.")})
    own(tx, actor).locale = locale


def change_password(tx: Tx, actor: Actor, current: str, new: str, visit: signin.Visit) -> Phrase | None:
    """Set a new password and end one's sessions elsewhere. Answers why not, or None.

    A wrong current password is an answer, not an exception: the failed attempt must be stored.
    """
    person = own(tx, actor)
    refusal = confirm_password(tx, person, current, visit.address, visit.limits)
    if refusal is not None:
        return refusal
    problem = passwords.problem_with(new, email=person.email, name=person.name)
    if problem is not None:
        raise Invalid({"new": problem})
    signin.keep_password(tx, person, new)
    signin.end_other_sessions(tx, actor)
    tx.audit(chain_of(actor.agency_id), "directory.password_changed", f"person:{person.id}")
    return None


def confirm_password(tx: Tx, person: Person, password: str, address: str, limits: Limits) -> Phrase | None:
    """Ask for the password before a delicate change; counted like a sign-in. Answers why not, or None.

    Somebody who has no password because an issuer of identities vouches for them is not asked.
    """
    if not person.password_hash:
        return None
    wait = must_wait(tx, person.email, address, limits)
    if wait is not None:
        return wait
    if not passwords.matches(person.password_hash, password):
        note_failure(tx, person.email, address, limits)
        return _NOT_THIS_PASSWORD
    return None


def confirm_self(
    tx: Tx, person: Person, password: str, code: str, visit: signin.Visit, safe: Safe
) -> dict[str, Phrase]:
    """Ask for the password and, where it is on, for the second step before a delicate change; counted like a sign-in.
    Answers why not, by field, or nothing."""
    refusal = confirm_password(tx, person, password, visit.address, visit.limits)
    if refusal is not None:
        return {"password": refusal}
    if not person.totp_secret:
        return {}
    wait = must_wait(tx, person.email, visit.address, visit.limits)
    if wait is not None:
        return {"code": wait}
    if not secondstep.accepts(tx, person, code, safe):
        note_failure(tx, person.email, visit.address, visit.limits)
        return {"code": _NOT_THIS_CODE}
    return {}


def start_totp(tx: Tx, actor: Actor, secret: str = "") -> secondstep.Enrolment:
    """What to scan; nothing is stored before the first code is right."""
    person = own(tx, actor)
    if person.totp_secret:
        raise WrongState(phrase("Xác thực hai bước đã được bật."))
    return secondstep.enrolment(person.email, secret)


def enable_totp(tx: Tx, actor: Actor, secret: str, code: str, safe: Safe) -> list[str]:
    """Switch the second step on and answer the recovery codes, which are shown once. The secret is kept sealed."""
    person = own(tx, actor)
    if person.totp_secret:
        raise WrongState(phrase("Xác thực hai bước đã được bật."))
    step = secondstep.step_of(secret, code) if secondstep.is_secret(secret) else None
    if step is None:
        raise Invalid({"code": phrase("Mã chưa đúng. Xin xem lại giờ trên điện thoại và nhập mã mới nhất.")})
    secondstep.SECRETS.keep(person, secret, safe)
    person.totp_step = step
    signin.end_other_sessions(tx, actor)
    tx.audit(chain_of(actor.agency_id), "directory.totp_enabled", f"person:{person.id}")
    return secondstep.fresh_recovery_codes(tx, person.id)


def renew_recovery_codes(tx: Tx, actor: Actor, password: str, visit: signin.Visit) -> list[str] | Phrase:
    """New recovery codes in place of the old ones, or why not."""
    person = own(tx, actor)
    if not person.totp_secret:
        raise WrongState(phrase("Xác thực hai bước chưa được bật."))
    refusal = confirm_password(tx, person, password, visit.address, visit.limits)
    if refusal is not None:
        return refusal
    tx.audit(chain_of(actor.agency_id), "directory.recovery_codes_renewed", f"person:{person.id}")
    return secondstep.fresh_recovery_codes(tx, person.id)


def disable_totp(tx: Tx, actor: Actor, password: str, visit: signin.Visit) -> Phrase | None:
    """Switch the second step off. Answers why not, or None."""
    person = own(tx, actor)
    refusal = confirm_password(tx, person, password, visit.address, visit.limits)
    if refusal is None and person.totp_secret:
        forget_totp(tx, person)
        tx.audit(chain_of(actor.agency_id), "directory.totp_disabled", f"person:{person.id}")
    return refusal


def forget_totp(tx: Tx, person: Person) -> None:
    """Take the second step away, with its recovery codes."""
    person.totp_secret = ""
    # The last used step stays: a code of today must not work again after a new enrolment.
    person.totp_step = max(person.totp_step, int(clock.now().timestamp()) // secondstep.STEP_S - 1)
    secondstep.forget_recovery_codes(tx, person.id)
