"""Agencies' systems and their access tokens; reading the audit chains; working days."""

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from directory import auditing, clients, listing, signin, workdays
from directory.actor import Actor
from directory.attempts import Limits
from directory.clients import Credentials, Granted, Refusal
from directory.models import Agency, ApiClient, ApiToken
from kernel import clock, worktime
from kernel.audit import AuditEntry
from kernel.db import Database
from kernel.errors import Forbidden, Invalid, NotFound, WrongState
from kernel.text import phrase
from tests.cast import Cast
from tests.directory.test_agencies import local_admin

__all__ = ["local_admin"]

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
LIMITS = Limits(3)

clients.scope("probe.read", phrase("Đọc"))
clients.scope("probe.write", phrase("Ghi"))


def register(db: Database, cast: Cast) -> Credentials:
    with db.write() as tx:
        return clients.register(
            tx, cast.admin, cast.finance.id, "Phần mềm Sở", frozenset({"probe.read", "probe.write"})
        )


def ask(db: Database, given: Credentials, secret: str = "", scope: str = "") -> Granted | Refusal:
    with db.write() as tx:
        return clients.grant(tx, given.client_id, secret or given.secret, scope, "192.0.2.9", LIMITS)


def test_a_token_stands_for_the_system_of_that_agency_until_it_expires(db: Database, cast: Cast) -> None:
    with clock.frozen(NOON):
        given = register(db, cast)
        granted = ask(db, given, scope="probe.read")
        assert isinstance(granted, Granted)
        with db.read() as tx:
            actor = signin.actor_for_token(tx, granted.token)
            stored = tx.session.scalars(sa.select(ApiToken)).one()
            client = tx.session.scalars(sa.select(ApiClient)).one()
        assert actor == Actor(
            kind="client",
            client_id=given.id,
            agency_id=cast.finance.id,
            name="Phần mềm Sở",
            scopes=frozenset({"probe.read"}),
        )
        assert actor.by == f"client:{given.id}"
        assert granted.token not in stored.token_hash
        assert given.secret not in client.secret_hash
        clock.advance(clients.TOKEN_TIME)
        with db.read() as tx:
            assert signin.actor_for_token(tx, granted.token) is None


def test_strange_tokens_stand_for_nobody(db: Database, cast: Cast) -> None:
    with db.read() as tx:
        for token in (None, "", "x", "Bearer", "'; DROP TABLE"):
            assert signin.actor_for_token(tx, token) is None


def test_wrong_secrets_unknown_clients_and_foreign_scopes_get_nothing(db: Database, cast: Cast) -> None:
    given = register(db, cast)
    wrong = ask(db, given, "sai")
    unknown = ask(db, Credentials(0, "không-có", "x"))
    assert isinstance(wrong, Refusal)
    assert isinstance(unknown, Refusal)
    assert wrong == unknown
    foreign = ask(db, given, scope="probe.read admin")
    assert isinstance(foreign, Refusal)
    assert foreign.error == "invalid_scope"


def test_guessing_a_secret_closes_the_door_for_a_while(db: Database, cast: Cast) -> None:
    with clock.frozen(NOON):
        given = register(db, cast)
        for _ in range(3):
            ask(db, given, "sai")
        closed = ask(db, given)
        assert isinstance(closed, Refusal)
        assert closed.error == "slow_down"
        clock.advance(timedelta(minutes=16))
        assert isinstance(ask(db, given), Granted)


def test_a_new_secret_and_a_revocation_end_what_was_given_before(db: Database, cast: Cast) -> None:
    given = register(db, cast)
    first = ask(db, given)
    assert isinstance(first, Granted)
    with db.write() as tx:
        renewed = clients.renew_secret(tx, cast.admin, given.id)
        assert signin.actor_for_token(tx, first.token) is None
    assert isinstance(ask(db, given), Refusal)
    second = ask(db, renewed)
    assert isinstance(second, Granted)
    with db.write() as tx:
        clients.revoke(tx, cast.admin, given.id)
        assert signin.actor_for_token(tx, second.token) is None
        for act in (clients.revoke, clients.renew_secret):
            with pytest.raises(WrongState):
                act(tx, cast.admin, given.id)
    assert isinstance(ask(db, renewed), Refusal)


def test_a_client_needs_a_name_and_a_known_scope(db: Database, cast: Cast) -> None:
    with db.write() as tx, pytest.raises(Invalid) as refusal:
        clients.register(tx, cast.admin, cast.finance.id, " ", frozenset({"made.up"}))
    assert set(refusal.value.fields) == {"name", "scopes"}


def test_clients_of_other_agencies_are_out_of_reach(db: Database, cast: Cast, local_admin: Actor) -> None:
    with db.write() as tx:
        theirs = clients.register(tx, cast.admin, cast.city.id, "Của thành phố", frozenset({"probe.read"}))
        with pytest.raises(NotFound):
            clients.revoke(tx, local_admin, theirs.id)
        with pytest.raises(NotFound):
            clients.register(tx, local_admin, cast.city.id, "Lạ", frozenset({"probe.read"}))
        with pytest.raises(Forbidden):
            clients.revoke(tx, cast.ha, theirs.id)


def test_the_log_names_who_did_what_and_notices_a_forgery(db: Database, cast: Cast) -> None:
    given = register(db, cast)
    chain = f"agency:{cast.finance.id}"
    with db.write(cast.admin.by) as tx:
        clients.revoke(tx, cast.admin, given.id)
    with db.read() as tx:
        newest = auditing.leaf(tx, cast.admin, chain).entries[0]
        assert auditing.first_break(tx, cast.admin, chain) is None
        assert {"system", chain} <= {card.name for card in auditing.chains(tx, cast.admin)}
    assert newest.by == cast.admin.name
    assert str(newest.action) == "Thu hồi ứng dụng kết nối"
    with db.write() as tx:
        tx.session.execute(
            sa.update(AuditEntry).where(AuditEntry.chain == chain, AuditEntry.seq == 1).values(by="person:99")
        )
    with db.read() as tx:
        assert auditing.first_break(tx, cast.admin, chain) == 1


def test_logs_of_others_are_out_of_reach(db: Database, cast: Cast, local_admin: Actor) -> None:
    with db.read() as tx:
        assert [card.name for card in auditing.chains(tx, local_admin)] == [f"agency:{cast.finance.id}"]
        for chain in ("system", f"agency:{cast.city.id}", "made up"):
            with pytest.raises(NotFound):
                auditing.leaf(tx, local_admin, chain)
        with pytest.raises(Forbidden):
            auditing.chains(tx, cast.ha)


def test_a_long_log_is_read_leaf_by_leaf(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        for number in range(auditing.PAGE + 10):
            tx.audit("system", "probe.done", f"probe:{number}")
    with db.read() as tx:
        first = auditing.leaf(tx, cast.admin, "system")
        second = auditing.leaf(tx, cast.admin, "system", first.older)
    numbers = [entry.seq for entry in first.entries + second.entries]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[-1] == 1
    assert second.older == 0


def test_a_swapped_day_counts_in_deadlines_until_it_is_cleared(db: Database, cast: Cast) -> None:
    saturday, monday = date(2026, 12, 5), date(2026, 12, 7)
    with db.write() as tx:
        workdays.set_day(tx, cast.admin, saturday, True, "Làm bù")
        workdays.set_day(tx, cast.admin, monday, False, "Nghỉ hoán đổi")
        workdays.set_day(tx, cast.admin, monday, False, "Nghỉ hoán đổi")
        calendar = worktime.calendar(tx)
        assert calendar.is_working_day(saturday)
        assert not calendar.is_working_day(monday)
        shown = {day.on: day for day in workdays.year(tx, cast.admin, 2026)}
        assert shown[saturday].is_override
        assert not shown[date(2026, 9, 2)].is_working
        workdays.clear_day(tx, cast.admin, saturday)
        assert not worktime.calendar(tx).is_working_day(saturday)
        with pytest.raises(NotFound):
            workdays.clear_day(tx, cast.admin, saturday)


def test_the_calendar_belongs_to_the_top(db: Database, cast: Cast, local_admin: Actor) -> None:
    with db.write() as tx:
        for actor in (local_admin, cast.ha):
            with pytest.raises(Forbidden):
                workdays.set_day(tx, actor, date(2026, 12, 5), True, "")
        with pytest.raises(Invalid):
            workdays.set_day(tx, cast.admin, date(1, 1, 1), True, "")


def test_a_system_of_an_agency_that_is_served_elsewhere_can_be_registered(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        away = Agency(code="H98.07", name="Sở Giao thông tỉnh Bạn", is_local=False)
        gone = Agency(code="H98.08", name="Sở cũ", is_local=False, merged_into_id=cast.finance.id)
        tx.session.add_all([away, gone])
        tx.session.flush()
        offered = dict(listing.choice_for_clients(tx, cast.admin))
    assert (str(away.id) in offered, str(cast.finance.id) in offered, str(gone.id) in offered) == (True, True, False)


def test_a_technical_contact_is_tidied_and_checked(db: Database, cast: Cast) -> None:
    given = register(db, cast)
    for wrong in (clients.Contact("không phải thư"), clients.Contact(phone="113")):
        with pytest.raises(Invalid), db.write() as tx:
            clients.set_contact(tx, cast.admin, given.id, wrong)
    with db.write(cast.admin.by) as tx:
        clients.set_contact(tx, cast.admin, given.id, clients.Contact(" Ky-Thuat@Mau.example ", "0912 345 678"))
    with db.read() as tx:
        card = listing.client(tx, cast.admin, given.id)
    assert card is not None
    assert (card.contact_email, card.contact_phone) == ("ky-thuat@mau.example", "+84912345678")
    with db.write(cast.admin.by) as tx:
        clients.set_contact(tx, cast.admin, given.id, clients.Contact(phone="028 3829 1234 máy lẻ 5"))
    with db.read() as tx:
        card = listing.client(tx, cast.admin, given.id)
    assert card is not None
    assert (card.contact_email, card.contact_phone) == ("", "+842838291234;ext=5")
    with pytest.raises(Invalid) as refused, db.write() as tx:
        clients.register(tx, cast.admin, cast.finance.id, "X", frozenset(), clients.Contact("x"))
    assert set(refused.value.fields) == {"name", "scopes", "contact_email"}
