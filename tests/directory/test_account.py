"""One's own account, and who may join which stream."""

import pytest

from directory import access, account, demo, signin
from directory.actor import Actor, Role, require
from directory.models import Membership, Person, RoleGrant
from directory.signin import Refused, SignedIn
from kernel import streams
from kernel.db import Database
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.text import Phrase
from tests.cast import Cast
from tests.directory.test_signing_in import VISIT, come_in, token_of


def test_a_new_password_replaces_the_old_one_and_ends_sessions_elsewhere(db: Database, cast: Cast) -> None:
    here, there = token_of(db, "ha"), token_of(db, "ha")
    with db.write() as tx:
        ha = signin.actor_for_session(tx, here)
        assert ha is not None
        assert account.change_password(tx, ha, demo.PASSWORD, "mưa nắng hai mùa", VISIT) is None
    assert isinstance(come_in(db, demo.email_of("ha"), demo.PASSWORD), Refused)
    assert isinstance(come_in(db, demo.email_of("ha"), "mưa nắng hai mùa"), SignedIn)
    with db.read() as tx:
        assert signin.actor_for_session(tx, here)
        assert signin.actor_for_session(tx, there) is None


def test_a_wrong_current_password_is_counted_like_a_failed_sign_in(db: Database, cast: Cast) -> None:
    for _ in range(3):
        with db.write() as tx:
            assert isinstance(account.change_password(tx, cast.ha, "sai", "mưa nắng hai mùa", VISIT), Phrase)
    assert isinstance(come_in(db, demo.email_of("ha"), demo.PASSWORD), Refused)


@pytest.mark.parametrize("weak", ["ngắn", "1234567890", "aaaaaaaaaaaa", "ha@mau.example", "x" * 201, "Nguyễn Thu Hà"])
def test_weak_passwords_are_refused_with_a_reason(db: Database, cast: Cast, weak: str) -> None:
    with db.write() as tx, pytest.raises(Invalid) as refusal:
        account.change_password(tx, cast.ha, demo.PASSWORD, weak, VISIT)
    assert set(refusal.value.fields) == {"new"}


def test_the_language_is_kept_and_an_unknown_one_refused(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        account.speak(tx, cast.ha, "en")
        with pytest.raises(Invalid):
            account.speak(tx, cast.ha, "xx")
    with db.read() as tx:
        assert tx.session.get_one(Person, cast.ha.person_id).locale == "en"


def test_somebody_with_two_agencies_chooses_for_which_one_to_act(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        tx.session.add(
            Membership(person_id=cast.ha.person_id, agency_id=cast.finance.id, title="Biệt phái", is_primary=False)
        )
        tx.session.add(RoleGrant(person_id=cast.ha.person_id, agency_id=cast.finance.id, role=Role.SPECIALIST))
    token = token_of(db, "ha")
    with db.write() as tx:
        ha = signin.actor_for_session(tx, token)
        assert ha is not None
        assert ha.agency_id == cast.city.id
        assert [card.id for card in account.agencies_of(tx, ha)] == [cast.finance.id, cast.city.id]
        signin.switch_agency(tx, ha, cast.finance.id)
        with pytest.raises(NotFound):
            signin.switch_agency(tx, ha, cast.science.id)
    with db.read() as tx:
        ha = signin.actor_for_session(tx, token)
    assert ha is not None
    assert (ha.agency_id, ha.roles) == (cast.finance.id, frozenset({Role.SPECIALIST}))


def test_who_left_an_agency_acts_for_it_no_more(db: Database, cast: Cast) -> None:
    token = token_of(db, "ha")
    with db.write() as tx:
        for row in tx.session.query(Membership).filter_by(person_id=cast.ha.person_id):
            tx.session.delete(row)
    with db.read() as tx:
        ha = signin.actor_for_session(tx, token)
    assert ha is not None
    assert (ha.agency_id, ha.roles) == (0, frozenset())


def test_streams_of_people_and_clerks_are_closed_to_others(db: Database, cast: Cast) -> None:
    clerks = f"agency:{cast.city.id}/clerks"
    with db.read() as tx:
        assert access.may_join_person(tx, cast.ha, f"person:{cast.ha.person_id}")
        assert streams.may_join(tx, cast.ha, f"person:{cast.ha.person_id}")
        assert not streams.may_join(tx, cast.lan, f"person:{cast.ha.person_id}")
        assert not streams.may_join(tx, None, f"person:{cast.ha.person_id}")
        assert streams.may_join(tx, cast.ha, clerks)
        assert streams.may_join(tx, cast.binh, clerks)
        assert not streams.may_join(tx, cast.yen, clerks)
        assert not streams.may_join(tx, cast.lan, clerks)
        assert not streams.may_join(tx, Actor(kind="wall"), "person:0")
        assert not streams.may_join(tx, cast.ha, f"agency:{cast.city.id}")


def test_a_missing_role_is_forbidden_and_nobody_has_any(cast: Cast) -> None:
    require(cast.ha, Role.LEADER, Role.CLERK)
    for actor in (cast.lan, None):
        with pytest.raises(Forbidden):
            require(actor, Role.LEADER)
