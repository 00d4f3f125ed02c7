"""Coming in and going out: passwords, the second step, sessions and their end.

Wrong passwords are answers, not exceptions: the failed attempt must be stored, and an exception would roll it back.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from directory import clients, passwords, secondstep, tokens
from directory.actor import Actor, Role, chain_of
from directory.attempts import Limits, clear, must_wait, note_failure
from directory.models import Membership, Person, RoleGrant, WebSession
from directory.proofs import Certificate
from directory.queries import actor_of, email_form
from kernel import clock
from kernel.db import Tx
from kernel.errors import NotFound
from kernel.schema import table_of
from kernel.sealing import Safe
from kernel.text import Phrase, phrase

COOKIE = "lt_session"
"""The cookie that carries the session token: HttpOnly, SameSite=Lax, Secure behind https."""

STEP_TIME = timedelta(minutes=10)
TOUCH_EVERY = timedelta(minutes=5)

_WRONG = phrase("Tên đăng nhập hoặc mật khẩu không đúng.")
_WRONG_CODE = phrase("Mã xác thực không đúng hoặc đã dùng rồi.")
_START_AGAIN = phrase("Lần đăng nhập này đã quá hạn, xin đăng nhập lại.")


class Step(StrEnum):
    """What is still missing before a session passes endpoints."""

    TOTP = "totp"
    NEW_PASSWORD = "new_password"  # noqa: S105 - a state, not a secret
    NONE = ""


@dataclass(frozen=True)
class Visit:
    """From where somebody comes; `hours` without use end the session. `device_token` is the cookie of a browser that
    somebody has signed in from before."""

    address: str
    browser: str
    hours: int
    limits: Limits
    device_token: str = ""

    def device(self, name: str) -> str:
        """The id of this browser's device when `name` has signed in from it before; else empty."""
        return self.limits.device_of(self.device_token, name)


@dataclass(frozen=True)
class SignedIn:
    """The password was right. `token` goes into the cookie; `step` says what must still be done. `device_token` goes
    into the cookie of the device when the sign-in is complete."""

    token: str
    step: Step
    device_token: str = ""


@dataclass(frozen=True)
class Refused:
    """Nobody came in; `message` does not tell whether the name exists."""

    message: Phrase


def sign_in(tx: Tx, name: str, password: str, visit: Visit) -> SignedIn | Refused:
    """Open a session for the person with this e-mail address and password."""
    email = email_form(name)[:320]
    wait = must_wait(tx, email, visit.address, visit.limits, visit.device(email))
    if wait is not None:
        return Refused(wait)
    person = tx.session.scalar(sa.select(Person).where(Person.email == email))
    # Compared also when the name is unknown, so that the time of the answer tells nothing.
    right = passwords.matches(person.password_hash if person else "", password)
    if person is None or not right or not person.is_active:
        note_failure(tx, email, visit.address, visit.limits, visit.device(email))
        return Refused(_WRONG)
    if passwords.is_outdated(person.password_hash):
        person.password_hash = passwords.hashed(password)
    if person.totp_secret:
        return SignedIn(_begin(tx, person, visit, Step.TOTP), Step.TOTP)
    clear(tx, email, visit.address, visit.limits, visit.device(email))
    return _next(tx, person, visit)


def answer_totp(tx: Tx, token: str | None, code: str, visit: Visit, safe: Safe) -> SignedIn | Refused:
    """Do the second step with a code of the authenticator or a recovery code. The token changes. `safe` opens the
    secret of the second step."""
    waiting = _waiting(tx, token, Step.TOTP)
    if waiting is None:
        return Refused(_START_AGAIN)
    row, person = waiting
    wait = must_wait(tx, person.email, visit.address, visit.limits, visit.device(person.email))
    if wait is not None:
        tx.session.delete(row)
        return Refused(wait)
    if not secondstep.accepts(tx, person, code, safe):
        note_failure(tx, person.email, visit.address, visit.limits, visit.device(person.email))
        return Refused(_WRONG_CODE)
    tx.session.delete(row)
    clear(tx, person.email, visit.address, visit.limits, visit.device(person.email))
    return _next(tx, person, visit)


def replace_temporary_password(tx: Tx, token: str | None, password: str, visit: Visit) -> SignedIn | Refused:
    """Set one's own password in place of the one that an administrator gave."""
    waiting = _waiting(tx, token, Step.NEW_PASSWORD)
    if waiting is None:
        return Refused(_START_AGAIN)
    row, person = waiting
    problem = passwords.problem_with(password, email=person.email, name=person.name)
    if problem is None and passwords.matches(person.password_hash, password):
        problem = phrase("Mật khẩu mới phải khác mật khẩu tạm.")
    if problem is not None:
        return Refused(problem)
    keep_password(tx, person, password)
    tx.session.delete(row)
    return _next(tx, person, visit)


def enter(tx: Tx, person: Person, visit: Visit) -> SignedIn:
    """Open a session for somebody whom an issuer of identities vouches for; its second step replaces ours."""
    return SignedIn(_begin(tx, person, visit, Step.NONE), Step.NONE)


def keep_password(tx: Tx, person: Person, password: str, *, temporary: bool = False) -> None:
    """Store a new password that was found good."""
    person.password_hash = passwords.hashed(password)
    person.password_changed_at = clock.now()
    person.password_is_temporary = temporary


def actor_for_session(tx: Tx, token: str | None) -> Actor | None:
    """The person behind a session token, or None when it is unknown, over, unfinished or theirs no more."""
    if not token:
        return None
    rows = tx.session.connection().execute(_COMING, {"token_hash": tokens.hashed(token)}).all()
    now = clock.now()
    if not rows or rows[0].waits_for or rows[0].expires_at <= now or not rows[0].is_active:
        return None
    found = rows[0]
    if tx.writable and now - found.seen_at >= TOUCH_EVERY:
        touch(tx, found.id)
    if found.membership_id is None:  # the agency of this session is theirs no more
        actor = actor_of(tx, found.person_id)
        return actor and replace(actor, session_id=found.id)
    return Actor(
        person_id=found.person_id,
        agency_id=found.agency_id,
        roles=frozenset(Role(row.role) for row in rows if row.role),
        name=found.name,
        locale=found.locale,
        session_id=found.id,
    )


def wants_touch(row: WebSession) -> bool:
    """Whether the last use was noted long enough ago to note this one."""
    return clock.now() - row.seen_at >= TOUCH_EVERY


def needs_touch(tx: Tx, actor: Actor) -> bool:
    """The same for an actor that came through a read-only endpoint: then call `touch` in a write of its own."""
    row = tx.session.get(WebSession, actor.session_id) if actor.session_id else None
    return row is not None and wants_touch(row)


def touch(tx: Tx, session_id: int) -> None:
    """Note that a session is used now; its end moves by as much."""
    row = tx.session.get(WebSession, session_id)
    if row is not None:
        idle = row.expires_at - row.seen_at
        row.seen_at = clock.now()
        row.expires_at = row.seen_at + idle


def waiting_person(tx: Tx, token: str | None, step: Step) -> str | None:
    """The name of the person whose sign-in waits for `step`, for the page of that step."""
    waiting = _waiting(tx, token, step)
    return waiting[1].name if waiting else None


def sign_out(tx: Tx, token: str | None) -> None:
    """End the session of this browser; unknown tokens change nothing."""
    row = _by_token(tx, token) if token else None
    if row is not None:
        tx.audit(chain_of(row.agency_id), "directory.signed_out", f"person:{row.person_id}")
        tx.session.delete(row)


def switch_agency(tx: Tx, actor: Actor, agency_id: int) -> None:
    """Act for another of one's agencies from now on, in this session."""
    row = tx.session.get(WebSession, actor.session_id) if actor.session_id else None
    if row is None or not agency_id or actor_of(tx, actor.person_id, agency_id) is None:
        raise NotFound()
    row.agency_id = agency_id
    tx.audit(chain_of(agency_id), "directory.agency_switched", f"person:{actor.person_id}")


def end_session(tx: Tx, actor: Actor, session_id: int) -> None:
    """End one of one's own sessions elsewhere."""
    row = tx.session.get(WebSession, session_id)
    if row is None or row.person_id != actor.person_id:
        raise NotFound()
    tx.session.delete(row)
    tx.audit(chain_of(actor.agency_id), "directory.session_ended", f"person:{actor.person_id}")


def end_other_sessions(tx: Tx, actor: Actor) -> int:
    """End all of one's own sessions except this one. Answers how many."""
    return revoke_all(tx, actor.person_id, keep=actor.session_id, chain=chain_of(actor.agency_id))


def revoke_all(tx: Tx, person_id: int, *, keep: int = 0, chain: str = "system") -> int:
    """End a person's sessions, except the one with the id `keep`. Answers how many."""
    gone = tx.session.execute(
        sa.delete(WebSession).where(WebSession.person_id == person_id, WebSession.id != keep).returning(WebSession.id)
    ).all()
    if gone:
        tx.audit(chain, "directory.sessions_ended", f"person:{person_id}", {"count": len(gone)})
    return len(gone)


@dataclass(frozen=True)
class SessionCard:
    """One of a person's sessions as they see it."""

    id: int
    is_this: bool
    address: str
    browser: str
    began_at: datetime
    seen_at: datetime


def sessions_of(tx: Tx, actor: Actor) -> list[SessionCard]:
    """One's own open sessions, the last used first."""
    rows = tx.session.scalars(
        sa.select(WebSession)
        .where(
            WebSession.person_id == actor.person_id,
            WebSession.waits_for == Step.NONE,
            WebSession.expires_at > clock.now(),
        )
        .order_by(WebSession.seen_at.desc(), WebSession.id.desc())
    )
    return [
        SessionCard(r.id, r.id == actor.session_id, r.address, browser_name(r.browser), r.began_at, r.seen_at)
        for r in rows
    ]


def browser_name(agent: str) -> str:
    """A browser's own description in the two words that people know it by."""
    kinds = {"Edg": "Edge", "coc_coc": "Cốc Cốc", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
    systems = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS": "macOS"}
    kind = next((name for mark, name in kinds.items() if mark in agent), "")
    system = next((name for mark, name in {**systems, "Linux": "Linux"}.items() if mark in agent), "")
    return " · ".join(part for part in (kind, system) if part) or agent[:60]


def actor_for_token(tx: Tx, bearer: str | None, certificate: Certificate | None = None) -> Actor | None:
    """The agency's system behind an access token, or None when it is unknown, expired or revoked."""
    return clients.actor_for_token(tx, bearer, certificate)


def _next(tx: Tx, person: Person, visit: Visit) -> SignedIn:
    if person.password_is_temporary:
        return SignedIn(_begin(tx, person, visit, Step.NEW_PASSWORD), Step.NEW_PASSWORD)
    known = visit.limits.device_token(visit.device_token, person.email)
    return SignedIn(_begin(tx, person, visit, Step.NONE), Step.NONE, known)


def _begin(tx: Tx, person: Person, visit: Visit, step: Step) -> str:
    _forget_old(tx)
    token = tokens.fresh()
    now = clock.now()
    actor = actor_of(tx, person.id)
    agency_id = actor.agency_id if actor and actor.agency_id else None
    tx.session.add(
        WebSession(
            token_hash=tokens.hashed(token),
            person_id=person.id,
            agency_id=agency_id,
            waits_for=step,
            address=visit.address[:64],
            browser=visit.browser[:300],
            began_at=now,
            seen_at=now,
            expires_at=now + (timedelta(hours=visit.hours) if step is Step.NONE else STEP_TIME),
        )
    )
    tx.session.flush()
    if step is Step.NONE:
        tx.by = f"person:{person.id}"  # from here on it is they who act
        tx.audit(chain_of(agency_id), "directory.signed_in", f"person:{person.id}", {"address": visit.address[:64]})
    return token


def _forget_old(tx: Tx) -> None:
    tx.session.execute(sa.delete(WebSession).where(WebSession.expires_at <= clock.now()))


def _by_token(tx: Tx, token: str) -> WebSession | None:
    return tx.session.scalar(sa.select(WebSession).where(WebSession.token_hash == tokens.hashed(token)))


def _waiting(tx: Tx, token: str | None, step: Step) -> tuple[WebSession, Person] | None:
    row = _by_token(tx, token) if token else None
    if row is None or row.waits_for != step or row.expires_at <= clock.now():
        return None
    person = tx.session.get(Person, row.person_id)
    return (row, person) if person is not None and person.is_active else None


def _coming() -> sa.Select[Any]:
    """Session, person, membership and roles in one look: it is made for every request."""
    session, person, member, grant = map(table_of, (WebSession, Person, Membership, RoleGrant))
    here = sa.and_(member.c.person_id == person.c.id, member.c.agency_id == session.c.agency_id)
    may = sa.and_(grant.c.person_id == person.c.id, grant.c.agency_id == member.c.agency_id)
    return (
        sa.select(
            session.c.id,
            session.c.waits_for,
            session.c.expires_at,
            session.c.seen_at,
            session.c.agency_id,
            session.c.person_id,
            person.c.name,
            person.c.locale,
            person.c.is_active,
            member.c.id.label("membership_id"),
            grant.c.role,
        )
        .select_from(
            session.join(person, person.c.id == session.c.person_id).outerjoin(member, here).outerjoin(grant, may)
        )
        .where(session.c.token_hash == sa.bindparam("token_hash"))
    )


_COMING = _coming()
