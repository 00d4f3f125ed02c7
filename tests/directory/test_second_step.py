"""The authenticator's codes and the recovery codes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from directory import account, demo, jobs, secondstep, signin
from directory.models import Person
from directory.signin import Refused, SignedIn, Step
from kernel import clock
from kernel.config import Config
from kernel.db import Database
from kernel.errors import Invalid, WrongState
from kernel.sealing import Safe
from kernel.text import Phrase
from tests.cast import Cast
from tests.directory.test_signing_in import VISIT, come_in

SAFE = secondstep.safe_of(Config(secret_key="of this installation"))
OLD = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def code_now(secret: str) -> str:
    return pyotp.TOTP(secret).at(clock.now())


def enrol(db: Database, cast: Cast) -> tuple[str, list[str]]:
    with db.write() as tx:
        offer = account.start_totp(tx, cast.ha)
        codes = account.enable_totp(tx, cast.ha, offer.secret, code_now(offer.secret), SAFE)
    return offer.secret, codes


def half_way(db: Database) -> str:
    answer = come_in(db, demo.email_of("ha"), demo.PASSWORD)
    assert isinstance(answer, SignedIn)
    assert answer.step is Step.TOTP
    return answer.token


def second(db: Database, token: str, code: str, safe: Safe = SAFE) -> SignedIn | Refused:
    with db.write() as tx:
        return signin.answer_totp(tx, token, code, VISIT, safe)


def test_the_password_alone_opens_no_door_once_the_second_step_is_on(db: Database, cast: Cast) -> None:
    with clock.frozen(NOON):
        secret, _ = enrol(db, cast)
        clock.advance(timedelta(seconds=30))
        token = half_way(db)
        with db.read() as tx:
            assert signin.actor_for_session(tx, token) is None
            assert signin.waiting_person(tx, token, Step.TOTP) == cast.ha.name
        done = second(db, token, code_now(secret))
        assert isinstance(done, SignedIn)
        with db.read() as tx:
            assert signin.actor_for_session(tx, done.token)
            assert signin.actor_for_session(tx, token) is None


def test_a_code_works_once(db: Database, cast: Cast) -> None:
    with clock.frozen(NOON):
        secret, _ = enrol(db, cast)
        assert isinstance(second(db, half_way(db), code_now(secret)), Refused)  # used by the enrolment
        clock.advance(timedelta(seconds=30))
        code = code_now(secret)
        assert isinstance(second(db, half_way(db), code), SignedIn)
        assert isinstance(second(db, half_way(db), code), Refused)


def test_a_clock_that_is_half_a_minute_off_is_forgiven_and_a_minute_is_not(db: Database, cast: Cast) -> None:
    with clock.frozen(NOON):
        secret, _ = enrol(db, cast)
        clock.advance(timedelta(minutes=5))
        ahead = pyotp.TOTP(secret).at(clock.now() + timedelta(seconds=60))
        assert isinstance(second(db, half_way(db), ahead), Refused)
        behind = pyotp.TOTP(secret).at(clock.now() - timedelta(seconds=30))
        assert isinstance(second(db, half_way(db), behind), SignedIn)


def test_a_recovery_code_works_once_in_any_spelling(db: Database, cast: Cast) -> None:
    _, codes = enrol(db, cast)
    assert len(set(codes)) == secondstep.RECOVERY_CODES
    assert isinstance(second(db, half_way(db), codes[0].upper().replace("-", " ")), SignedIn)
    assert isinstance(second(db, half_way(db), codes[0]), Refused)
    with db.read() as tx:
        assert secondstep.recovery_codes_left(tx, cast.ha.person_id) == secondstep.RECOVERY_CODES - 1


def test_guessing_codes_closes_the_door(db: Database, cast: Cast) -> None:
    with clock.frozen(NOON):
        secret, _ = enrol(db, cast)
        clock.advance(timedelta(minutes=1))
        token = half_way(db)
        for _ in range(3):
            second(db, token, "000000")
        assert isinstance(second(db, token, code_now(secret)), Refused)
        assert isinstance(come_in(db, demo.email_of("ha"), demo.PASSWORD), Refused)


def test_a_half_done_sign_in_is_over_after_ten_minutes(db: Database, cast: Cast) -> None:
    with clock.frozen(NOON):
        secret, _ = enrol(db, cast)
        token = half_way(db)
        clock.advance(timedelta(minutes=10))
        assert isinstance(second(db, token, code_now(secret)), Refused)


@pytest.mark.parametrize("code", ["", "12345", "١٢٣٤٥٦", "abcdef", "9" * 500, "12 34 5x"])
def test_strange_codes_are_refused_quietly(db: Database, cast: Cast, code: str) -> None:
    enrol(db, cast)
    assert isinstance(second(db, half_way(db), code), Refused)


def test_a_wrong_first_code_changes_nothing(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        offer = account.start_totp(tx, cast.ha)
        with pytest.raises(Invalid) as refusal:
            account.enable_totp(tx, cast.ha, offer.secret, "000000", SAFE)
        assert set(refusal.value.fields) == {"code"}
        with pytest.raises(Invalid):
            account.enable_totp(tx, cast.ha, "not-a-secret", "000000", SAFE)
        assert account.start_totp(tx, cast.ha, offer.secret).secret == offer.secret
        assert tx.session.get_one(Person, cast.ha.person_id).totp_secret == ""


def test_the_second_step_goes_only_with_the_password(db: Database, cast: Cast) -> None:
    enrol(db, cast)
    with db.write() as tx:
        with pytest.raises(WrongState):
            account.start_totp(tx, cast.ha)
        assert isinstance(account.disable_totp(tx, cast.ha, "sai mật khẩu", VISIT), Phrase)
        renewed = account.renew_recovery_codes(tx, cast.ha, demo.PASSWORD, VISIT)
        assert isinstance(renewed, list)
        assert account.disable_totp(tx, cast.ha, demo.PASSWORD, VISIT) is None
    answer = come_in(db, demo.email_of("ha"), demo.PASSWORD)
    assert isinstance(answer, SignedIn)
    assert answer.step is Step.NONE
    with db.read() as tx:
        assert secondstep.recovery_codes_left(tx, cast.ha.person_id) == 0


def test_the_offer_can_be_scanned_and_typed() -> None:
    offer = secondstep.enrolment("ha@mau.example")
    assert offer.qr_svg.startswith("<svg")
    assert offer.uri.startswith("otpauth://totp/")
    assert offer.spaced_secret.replace(" ", "") == offer.secret


def test_a_copy_of_the_database_does_not_hold_the_secret(db: Database, cast: Cast) -> None:
    secret, _ = enrol(db, cast)
    with db.read() as tx:
        person = tx.session.get_one(Person, cast.ha.person_id)
        assert secret not in person.totp_secret
        assert secondstep.SECRETS.secret_of(person, SAFE) == secret
        # Who moves it to another person's row gains nothing.
        assert SAFE.opened(person.totp_secret, f"person:{cast.lan.person_id}") is None


def test_with_another_key_of_the_installation_only_recovery_codes_work(db: Database, cast: Cast) -> None:
    other = secondstep.safe_of(Config(secret_key="another"))
    with clock.frozen(NOON):
        secret, codes = enrol(db, cast)
        clock.advance(timedelta(minutes=1))
        with db.read() as tx:
            assert [secondstep.SECRETS.unreadable(tx, safe) for safe in (SAFE, other)] == [0, 1]
        assert isinstance(second(db, half_way(db), code_now(secret), other), Refused)
        assert isinstance(second(db, half_way(db), codes[0], other), SignedIn)


def test_after_a_change_of_the_key_a_worker_seals_anew_what_the_one_before_had_sealed(
    db: Database, cast: Cast, config: Config
) -> None:
    changing = replace(config, secret_key="another", secret_key_before="of this installation")
    with clock.frozen(NOON):
        secret, _ = enrol(db, cast)
        clock.advance(timedelta(minutes=1))
        assert isinstance(second(db, half_way(db), code_now(secret), secondstep.safe_of(changing)), SignedIn)
        kept = []
        for _ in range(2):
            jobs.begin_jobs(changing, db)
            with db.read() as tx:
                kept.append(tx.session.get_one(Person, cast.ha.person_id).totp_secret)
        clock.advance(timedelta(minutes=1))
        changed = secondstep.safe_of(replace(config, secret_key="another"))
        assert isinstance(second(db, half_way(db), code_now(secret), changed), SignedIn)
    assert kept[0] == kept[1]  # the second start finds nothing to do


def test_what_nobody_can_open_stays_as_it_is(db: Database, cast: Cast, config: Config) -> None:
    enrol(db, cast)
    jobs.begin_jobs(replace(config, secret_key="another", secret_key_before="neither"), db)
    with db.read() as tx:
        assert secondstep.SECRETS.unreadable(tx, SAFE) == 0  # with its own key it opens again


def test_what_an_earlier_release_kept_as_it_is_works_and_is_sealed_when_a_worker_starts(
    db: Database, cast: Cast, config: Config
) -> None:
    safe = secondstep.safe_of(config)
    with clock.frozen(NOON):
        with db.write() as tx:
            tx.session.get_one(Person, cast.ha.person_id).totp_secret = OLD
        assert isinstance(second(db, half_way(db), code_now(OLD), safe), SignedIn)
        for _ in range(2):
            jobs.begin_jobs(config, db)
        clock.advance(timedelta(minutes=1))
        with db.read() as tx:
            assert OLD not in tx.session.get_one(Person, cast.ha.person_id).totp_secret
        assert isinstance(second(db, half_way(db), code_now(OLD), safe), SignedIn)
