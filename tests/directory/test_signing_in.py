"""Coming in with a password, and how it is refused."""

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from directory import attempts, demo, passwords, signin
from directory.models import Person, SignInAttempt, WebSession
from directory.signin import Refused, SignedIn, Step, Visit
from kernel import clock
from kernel.audit import AuditEntry
from kernel.db import Database
from kernel.errors import NotFound
from tests.cast import Cast

VISIT = Visit(
    address="192.0.2.7", browser="Mozilla/5.0 (Windows NT 10.0) Firefox/140", hours=12, limits=attempts.Limits(3)
)
NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def come_in(db: Database, name: str, password: str, visit: Visit = VISIT) -> SignedIn | Refused:
    with db.write() as tx:
        return signin.sign_in(tx, name, password, visit)


def token_of(db: Database, mailbox: str) -> str:
    answer = come_in(db, demo.email_of(mailbox), demo.PASSWORD)
    assert isinstance(answer, SignedIn)
    return answer.token


def test_the_right_password_opens_a_session_for_that_person(db: Database, cast: Cast) -> None:
    token = token_of(db, "ha")
    with db.read() as tx:
        actor = signin.actor_for_session(tx, token)
        stored = tx.session.scalars(sa.select(WebSession)).one()
        entry = tx.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "directory.signed_in")).one()
    assert actor is not None
    assert (actor.person_id, actor.agency_id, actor.roles) == (cast.ha.person_id, cast.city.id, cast.ha.roles)
    assert token not in stored.token_hash
    assert (entry.chain, entry.ref) == (f"agency:{cast.city.id}", f"person:{cast.ha.person_id}")


@pytest.mark.parametrize("name", [" HA@Mau.Example ", "ha@mau.example"])
def test_case_and_blanks_of_the_name_do_not_matter(db: Database, cast: Cast, name: str) -> None:
    assert isinstance(come_in(db, name, demo.PASSWORD), SignedIn)


def test_a_password_typed_in_decomposed_letters_is_the_same_password(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        person = tx.session.get_one(Person, cast.ha.person_id)
        person.password_hash = passwords.hashed("Trời hôm nay đẹp quá")
    decomposed = unicodedata.normalize("NFD", "Trời hôm nay đẹp quá")
    assert isinstance(come_in(db, person.email, decomposed), SignedIn)


def test_an_unknown_name_a_wrong_password_and_an_inactive_person_get_the_same_answer(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        tx.session.get_one(Person, cast.lan.person_id).is_active = False
    answers = [
        come_in(db, demo.email_of("khach"), demo.PASSWORD),
        come_in(db, demo.email_of("ha"), "sai mật khẩu"),
        come_in(db, demo.email_of("lan"), demo.PASSWORD),
    ]
    assert all(isinstance(answer, Refused) for answer in answers)
    assert len({answer.message.vi for answer in answers if isinstance(answer, Refused)}) == 1


def test_an_unknown_name_costs_the_same_hashing_as_a_known_one() -> None:
    decoy = passwords._nobody.split("$")[:4]
    assert decoy == passwords.hashed("một mật khẩu nào đó").split("$")[:4]
    assert not passwords.matches("", "bất kỳ")
    assert not passwords.matches("not a hash", "bất kỳ")


def test_a_hash_with_old_parameters_is_renewed_at_sign_in(db: Database, cast: Cast) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(demo.PASSWORD)
    with db.write() as tx:
        tx.session.get_one(Person, cast.ha.person_id).password_hash = old
    token_of(db, "ha")
    with db.read() as tx:
        fresh = tx.session.get_one(Person, cast.ha.person_id).password_hash
    assert fresh != old
    assert not passwords.is_outdated(fresh)
    assert isinstance(come_in(db, demo.email_of("ha"), demo.PASSWORD), SignedIn)


def test_a_name_that_failed_too_often_waits_even_with_the_right_password(db: Database, cast: Cast) -> None:
    with clock.frozen(NOON):
        for _ in range(3):
            come_in(db, demo.email_of("ha"), "sai mật khẩu")
        answer = come_in(db, demo.email_of("ha"), demo.PASSWORD)
        assert isinstance(answer, Refused)
        assert "15 phút" in answer.message.vi
        clock.advance(timedelta(minutes=15, seconds=1))
        assert isinstance(come_in(db, demo.email_of("ha"), demo.PASSWORD), SignedIn)
    with db.read() as tx:
        locked = tx.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "directory.sign_in_locked")).all()
    assert [entry.detail["name"] for entry in locked] == [demo.email_of("ha")]


def test_a_password_that_was_typed_as_the_name_is_kept_nowhere(db: Database, cast: Cast) -> None:
    with clock.frozen(NOON):
        for _ in range(3):
            come_in(db, "mat-khau-go-nham", "x")
        assert isinstance(come_in(db, "mat-khau-go-nham", "x"), Refused)  # counted all the same
    with db.read() as tx:
        assert "mat-khau-go-nham" not in str(tx.session.execute(sa.select(SignInAttempt.__table__)).all())
        (locked,) = tx.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "directory.sign_in_locked"))
    assert locked.detail == {"name": "", "address": VISIT.address}


def test_an_address_that_tries_many_names_waits(db: Database, cast: Cast) -> None:
    with clock.frozen(NOON):
        with db.write() as tx:
            tx.session.add_all(
                SignInAttempt(name=f"n{i}@mau.example", address=VISIT.address, at=NOON)
                for i in range(3 * attempts.OFFICE)
            )
        assert isinstance(come_in(db, demo.email_of("ha"), demo.PASSWORD), Refused)
        elsewhere = Visit("192.0.2.99", "", 12, attempts.Limits(3))
        assert isinstance(come_in(db, demo.email_of("ha"), demo.PASSWORD, elsewhere), SignedIn)


def test_parallel_wrong_passwords_are_counted_before_they_are_compared(
    db: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []
    matches = passwords.matches

    def watched(password_hash: str, password: str) -> bool:
        compared.append(password)
        return matches(password_hash, password)

    monkeypatch.setattr(passwords, "matches", watched)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: come_in(db, demo.email_of("ha"), f"sai {n}"), range(24)))
    assert all(isinstance(answer, Refused) for answer in answers)
    assert len(compared) == VISIT.limits.tries


def test_a_stranger_locks_nobody_out_elsewhere(db: Database, cast: Cast) -> None:
    stranger = replace(VISIT, address="198.51.100.9")
    with clock.frozen(NOON):
        for _ in range(3):
            come_in(db, demo.email_of("ha"), "sai mật khẩu", stranger)
        assert isinstance(come_in(db, demo.email_of("ha"), demo.PASSWORD, stranger), Refused)
        assert isinstance(come_in(db, demo.email_of("ha"), demo.PASSWORD), SignedIn)
        # who comes in forgets their own failures, and not those of the stranger
        assert isinstance(come_in(db, demo.email_of("ha"), demo.PASSWORD, stranger), Refused)


def test_many_addresses_of_one_stranger_close_a_name_to_unknown_devices_alone(db: Database, cast: Cast) -> None:
    email = demo.email_of("ha")
    first = come_in(db, email, demo.PASSWORD)
    assert isinstance(first, SignedIn)
    known = replace(VISIT, address="192.0.2.200", device_token=first.device_token)
    with clock.frozen(NOON):
        for n in range(3 * attempts.EVERYWHERE):
            come_in(db, email, "sai mật khẩu", replace(VISIT, address=f"198.51.100.{n}"))
        assert isinstance(come_in(db, email, demo.PASSWORD, replace(VISIT, address="192.0.2.200")), Refused)
        for forged in ("x", first.device_token[:-2] + "xx"):
            assert isinstance(come_in(db, email, demo.PASSWORD, replace(known, device_token=forged)), Refused)
        assert isinstance(come_in(db, email, demo.PASSWORD, known), SignedIn)
        for _ in range(3):  # a stolen cookie buys as many guesses as an address
            come_in(db, email, "sai mật khẩu", known)
        assert isinstance(come_in(db, email, demo.PASSWORD, known), Refused)


def test_a_device_is_known_for_those_who_signed_in_there_and_for_a_while(db: Database, cast: Cast) -> None:
    first = come_in(db, demo.email_of("ha"), demo.PASSWORD)
    assert isinstance(first, SignedIn)
    here = replace(VISIT, device_token=first.device_token)
    assert (bool(here.device(demo.email_of("ha"))), here.device(demo.email_of("lan"))) == (True, "")
    second = come_in(db, demo.email_of("lan"), demo.PASSWORD, here)
    assert isinstance(second, SignedIn)
    both = replace(VISIT, device_token=second.device_token)
    assert both.device(demo.email_of("ha")) == both.device(demo.email_of("lan")) == here.device(demo.email_of("ha"))
    assert demo.email_of("ha") not in second.device_token


def test_a_subscriber_of_ipv6_has_one_address(db: Database, cast: Cast) -> None:
    with clock.frozen(NOON):
        for n in range(3):
            come_in(db, demo.email_of("ha"), "sai mật khẩu", replace(VISIT, address=f"2001:db8:7:7::{n + 1}"))
        here = replace(VISIT, address="2001:db8:7:7:ffff::9")
        assert isinstance(come_in(db, demo.email_of("ha"), demo.PASSWORD, here), Refused)


def test_coming_in_forgets_the_failures_before_it(db: Database, cast: Cast) -> None:
    for _ in range(2):
        come_in(db, demo.email_of("ha"), "sai mật khẩu")
        come_in(db, demo.email_of("ha"), "sai mật khẩu")
        assert isinstance(come_in(db, demo.email_of("ha"), demo.PASSWORD), SignedIn)


def test_a_session_ends_after_the_idle_time_and_use_moves_its_end(db: Database, cast: Cast) -> None:
    with clock.frozen(NOON):
        token = token_of(db, "ha")
        clock.advance(timedelta(hours=11))
        with db.write() as tx:
            assert signin.actor_for_session(tx, token)
        clock.advance(timedelta(hours=11))
        with db.read() as tx:
            actor = signin.actor_for_session(tx, token)
            assert actor is not None
            assert signin.needs_touch(tx, actor)
        clock.advance(timedelta(hours=1, seconds=1))
        with db.read() as tx:
            assert signin.actor_for_session(tx, token) is None


def test_somebody_made_inactive_is_out_at_once(db: Database, cast: Cast) -> None:
    token = token_of(db, "ha")
    with db.write() as tx:
        tx.session.get_one(Person, cast.ha.person_id).is_active = False
    with db.read() as tx:
        assert signin.actor_for_session(tx, token) is None


def test_signing_out_ends_this_session_and_no_other(db: Database, cast: Cast) -> None:
    here, there = token_of(db, "ha"), token_of(db, "ha")
    with db.write() as tx:
        signin.sign_out(tx, here)
    with db.read() as tx:
        assert signin.actor_for_session(tx, here) is None
        assert signin.actor_for_session(tx, there)


def test_one_can_end_all_other_sessions_but_nobody_elses(db: Database, cast: Cast) -> None:
    here, there, lans = token_of(db, "ha"), token_of(db, "ha"), token_of(db, "lan")
    with db.write() as tx:
        ha = signin.actor_for_session(tx, here)
        lan = signin.actor_for_session(tx, lans)
        assert ha is not None
        assert lan is not None
        assert len(signin.sessions_of(tx, ha)) == 2
        assert signin.sessions_of(tx, ha)[0].browser == "Firefox · Windows"
        with pytest.raises(NotFound):
            signin.end_session(tx, ha, lan.session_id)
        assert signin.end_other_sessions(tx, ha) == 1
    with db.read() as tx:
        assert signin.actor_for_session(tx, here)
        assert signin.actor_for_session(tx, there) is None
        assert signin.actor_for_session(tx, lans)


def test_a_temporary_password_must_be_replaced_before_any_door_opens(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        person = tx.session.get_one(Person, cast.ha.person_id)
        signin.keep_password(tx, person, "tạm-thời-một-lần", temporary=True)
    answer = come_in(db, person.email, "tạm-thời-một-lần")
    assert isinstance(answer, SignedIn)
    assert answer.step is Step.NEW_PASSWORD
    with db.write() as tx:
        assert signin.actor_for_session(tx, answer.token) is None
        assert isinstance(signin.replace_temporary_password(tx, answer.token, "ngắn", VISIT), Refused)
        same = signin.replace_temporary_password(tx, answer.token, "tạm-thời-một-lần", VISIT)
        assert isinstance(same, Refused)
        done = signin.replace_temporary_password(tx, answer.token, "câu của riêng tôi", VISIT)
        assert isinstance(done, SignedIn)
        assert signin.actor_for_session(tx, done.token)
        assert signin.actor_for_session(tx, answer.token) is None
