"""The register: codes, aliases, mergers, units, and who may change what."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from directory import access, agencies, codes, demo, queries
from directory.actor import Actor, Role
from directory.agencies import AgencyFacts, UnitFacts
from directory.codes import Form
from directory.models import Agency, AgencyAlias, RoleGrant
from directory.names import names_at
from kernel import audit, clock
from kernel.db import Database, Tx
from kernel.errors import Forbidden, Invalid, NotFound, Stale, WrongState
from tests.cast import Cast


@pytest.mark.parametrize(
    ("typed", "form"),
    [
        (" h29.01 ", Form.NEW),
        ("H29", Form.NEW),
        ("G22.99.1", Form.NEW),
        ("000.00.00.H29", Form.OLD),
        ("000.00.01.g22", Form.OLD),
        ("28.22.H17", Form.OTHER),
        ("002.00.20.H13", Form.OLD),
        ("001.00.20.TT2", Form.OTHER),
        ("H37.DN.001", Form.NEW),
        ("vxp.saas.03", Form.OTHER),
        ("0312345678", Form.OTHER),
    ],
)
def test_codes_seen_in_real_registers_are_let_through(typed: str, form: Form) -> None:
    verdict = codes.check(typed)
    assert verdict.problem is None
    assert verdict.form is form
    assert (verdict.warning is not None) == (form is Form.OTHER)
    assert verdict.code == typed.strip().upper()


@pytest.mark.parametrize("typed", ["", "   ", "H29 01", "mã số", "H29..01", ".H29", "H29.01;", "H" * 36, "<b>"])
def test_what_can_be_no_code_is_refused(typed: str) -> None:
    assert codes.check(typed).problem is not None


def facts_of(row: Agency, **changes: object) -> AgencyFacts:
    names = AgencyFacts.__dataclass_fields__
    return replace(AgencyFacts(**{name: getattr(row, name) for name in names}), **changes)  # type: ignore[arg-type]


def by_code(tx: Tx, code: str) -> str:
    found = queries.agency_by_code(tx, code)
    return found.code if found else ""


def test_an_agency_answers_to_every_form_of_its_code(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        agencies.add_alias(tx, cast.admin, cast.finance.id, "28.22.h17")
    with db.read() as tx:
        for code in ("H99.02", " h99.02", "000.00.02.H99", "28.22.H17"):
            assert by_code(tx, code) == "H99.02"
        assert queries.agency_by_code(tx, "H99.98") is None
        assert queries.agency_by_code(tx, "") is None


def test_a_code_belongs_to_one_agency(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        for code in ("H99.02", "000.00.02.H99"):
            with pytest.raises(Invalid) as refusal:
                agencies.found_agency(tx, cast.admin, AgencyFacts(code, "Sở Trùng Mã"))
            assert set(refusal.value.fields) == {"code"}
            with pytest.raises(Invalid):
                agencies.add_alias(tx, cast.admin, cast.city.id, code)


def test_a_merged_agency_forwards_to_its_successor_after_its_last_day(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        agencies.merge(tx, cast.admin, cast.science.id, cast.home_affairs.id, date(2026, 12, 31))
        agencies.merge(tx, cast.admin, cast.home_affairs.id, cast.finance.id, date(2027, 6, 30))
    for at, expected in (
        (datetime(2026, 12, 31, 12, tzinfo=UTC), "H99.04"),
        (datetime(2026, 12, 31, 17, 30, tzinfo=UTC), "H99.03"),  # past midnight in Vietnam
        (datetime(2027, 7, 1, tzinfo=UTC), "H99.02"),
    ):
        with clock.frozen(at), db.read() as tx:
            assert by_code(tx, "000.00.04.H99") == expected
            assert ("H99.04" in {card.code for card in queries.agencies_for_choice(tx)}) == (expected == "H99.04")


def test_who_went_into_an_agency_by_a_day_belongs_to_it_and_no_other(db: Database, cast: Cast) -> None:
    science, home, finance = cast.science.id, cast.home_affairs.id, cast.finance.id
    with db.write() as tx:
        agencies.merge(tx, cast.admin, science, finance, date(2026, 12, 31))
        agencies.merge(tx, cast.admin, home, finance, date(2026, 12, 31))
        agencies.merge(tx, cast.admin, finance, cast.city.id, date(2027, 6, 30))
    named = ("000.00.04.h99", "H99.02", "H99.404")
    with clock.frozen(datetime(2026, 12, 31, 12, tzinfo=UTC)), db.read() as tx:
        assert queries.lines_of(tx, named) == {"000.00.04.h99": {science}, "H99.02": {finance}}
        assert queries.with_predecessors(tx, [finance]) == {finance}
    with clock.frozen(datetime(2027, 7, 1, tzinfo=UTC)), db.read() as tx:
        lines = queries.lines_of(tx, named)
        assert lines["000.00.04.h99"] == {science, finance, cast.city.id}
        assert lines["H99.02"] == {science, home, finance, cast.city.id}
        assert queries.with_predecessors(tx, [cast.city.id]) == {science, home, finance, cast.city.id}
        assert queries.with_predecessors(tx, [science, home]) == {science, home}


def test_mergers_make_no_circles_and_can_be_taken_back(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        agencies.merge(tx, cast.admin, cast.science.id, cast.finance.id, date(2026, 1, 31))
        for into in (cast.science.id, cast.finance.id, 999):
            with pytest.raises(Invalid):
                agencies.merge(tx, cast.admin, cast.finance.id, into, date(2026, 2, 1))
        with pytest.raises(WrongState):
            agencies.merge(tx, cast.admin, cast.science.id, cast.city.id, date(2026, 2, 1))
        agencies.undo_merger(tx, cast.admin, cast.science.id)
        assert by_code(tx, "H99.04") == "H99.04"
        with pytest.raises(WrongState):
            agencies.undo_merger(tx, cast.admin, cast.science.id)


def test_an_agency_outside_its_dates_is_not_offered(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        row = tx.session.get_one(Agency, cast.science.id)
        agencies.change_agency(tx, cast.admin, row.id, facts_of(row, valid_from_on=date(2027, 1, 1)))
    with clock.frozen(datetime(2026, 12, 1, tzinfo=UTC)), db.read() as tx:
        assert "H99.04" not in {card.code for card in queries.agencies_for_choice(tx)}
        assert not queries.agency(tx, cast.science.id).is_current
    with clock.frozen(datetime(2027, 1, 1, tzinfo=UTC)), db.read() as tx:
        assert queries.agency(tx, cast.science.id).is_current


def test_two_who_change_the_same_agency_do_not_overwrite_each_other(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        row = tx.session.get_one(Agency, cast.city.id)
        agencies.change_agency(tx, cast.admin, row.id, facts_of(row, address="Mới"), rev=1)
        with pytest.raises(Stale):
            agencies.change_agency(tx, cast.admin, row.id, facts_of(row, address="Cũ"), rev=1)


def test_an_agency_cannot_stand_below_itself(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        row = tx.session.get_one(Agency, cast.city.id)
        for parent in (cast.city.id, cast.finance.id, 999):
            with pytest.raises(Invalid) as refusal:
                agencies.change_agency(tx, cast.admin, row.id, facts_of(row, parent_id=parent))
            assert set(refusal.value.fields) == {"parent_id"}


def test_names_are_kept_composed_and_with_single_blanks(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        row = agencies.found_agency(tx, cast.admin, AgencyFacts("h99.50", "Sở  Tư pha\u0301p "))
    assert (row.code, row.name) == ("H99.50", "Sở Tư pháp")


def test_a_name_is_no_longer_than_edxml_has_room_for_unless_it_was_before(db: Database, cast: Cast) -> None:
    fits, long = "Sở " + "a" * 197, "Sở " + "a" * 198
    with db.write() as tx:
        row = agencies.found_agency(tx, cast.admin, AgencyFacts("H99.50", fits))
        with pytest.raises(Invalid) as refused:
            agencies.found_agency(tx, cast.admin, AgencyFacts("H99.51", long))
        assert refused.value.fields["name"].params == {"limit": 200}
        with pytest.raises(Invalid):
            agencies.change_agency(tx, cast.admin, row.id, facts_of(row, name=long))
        row.name = long
        assert agencies.change_agency(tx, cast.admin, row.id, facts_of(row, address="Mới")).address == "Mới"


def test_every_change_stands_in_a_whole_chain(db: Database, cast: Cast) -> None:
    with db.write(cast.admin.by) as tx:
        row = tx.session.get_one(Agency, cast.finance.id)
        agencies.change_agency(tx, cast.admin, row.id, facts_of(row, address="Số 9"))
        unit = agencies.add_unit(tx, cast.admin, row.id, UnitFacts("Phòng Giá"))
        agencies.change_unit(tx, cast.admin, unit.id, UnitFacts("Phòng Quản lý giá"))
        agencies.remove_unit(tx, cast.admin, unit.id)
    with db.read() as tx:
        assert [e.action for e in audit.history(tx, f"agency:{cast.finance.id}")] == ["directory.agency_changed"]
        acts = [e.action for e in audit.history(tx, f"unit:{unit.id}")]
        assert acts == ["directory.unit_added", "directory.unit_changed", "directory.unit_removed"]
        assert audit.first_break(tx, f"agency:{cast.finance.id}") is None


def test_an_agency_is_known_by_the_names_that_it_had_until_then(db: Database, cast: Cast) -> None:
    first = clock.now()

    def named(name: str) -> datetime:
        with db.write(cast.admin.by) as tx:
            row = tx.session.get_one(Agency, cast.finance.id)
            agencies.change_agency(tx, cast.admin, row.id, facts_of(row, name=name))
        return clock.now()

    def names(at: datetime) -> tuple[str, ...]:
        with db.read() as tx:
            return names_at(tx, cast.finance.id, at)

    assert names(first) == (cast.finance.name,)
    second, third = named("Sở Tài chính và Giá"), named("Sở Kinh tế")
    assert names(first) == ("Sở Kinh tế", cast.finance.name)
    assert names(second) == ("Sở Kinh tế", "Sở Tài chính và Giá", cast.finance.name)
    assert names(third) == ("Sở Kinh tế", cast.finance.name, "Sở Tài chính và Giá")
    with db.write() as tx:
        other = agencies.found_agency(tx, cast.admin, AgencyFacts("H99.51", "SỞ  TÀI CHÍNH và Giá"))
        assert names_at(tx, other.id, clock.now()) == ("SỞ TÀI CHÍNH và Giá",)
    assert names(third) == ("Sở Kinh tế", cast.finance.name)
    assert names(second) == ("Sở Kinh tế", "Sở Tài chính và Giá", cast.finance.name)
    with db.read() as tx, pytest.raises(NotFound):
        names_at(tx, 987654, third)


def test_units_form_a_tree_without_circles_and_leave_only_when_empty(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        above = agencies.add_unit(tx, cast.admin, cast.city.id, UnitFacts("Khối Một"))
        below = agencies.add_unit(tx, cast.admin, cast.city.id, UnitFacts("Tổ Một", parent_id=above.id))
        foreign = agencies.add_unit(tx, cast.admin, cast.finance.id, UnitFacts("Tổ Khác"))
        for wrong in (
            UnitFacts("Khối Một", parent_id=below.id),
            UnitFacts("Khối Một", parent_id=foreign.id),
            UnitFacts("Tổ Một"),
            UnitFacts(""),
        ):
            with pytest.raises(Invalid):
                agencies.change_unit(tx, cast.admin, above.id, wrong)
        with pytest.raises(WrongState):
            agencies.remove_unit(tx, cast.admin, above.id)
        agencies.remove_unit(tx, cast.admin, below.id)
        agencies.remove_unit(tx, cast.admin, above.id)


@pytest.fixture
def local_admin(db: Database, cast: Cast) -> Actor:
    """Nam, made administrator of the finance department only."""
    with db.write() as tx:
        tx.session.add(RoleGrant(person_id=cast.nam.person_id, agency_id=cast.finance.id, role=Role.ADMIN))
    with db.read() as tx:
        actor = queries.actor_of(tx, cast.nam.person_id)
    assert actor is not None
    return actor


def test_an_administrator_below_the_top_keeps_to_their_own_agency(db: Database, cast: Cast, local_admin: Actor) -> None:
    with db.write() as tx:
        assert access.administered(tx, local_admin) == {cast.finance.id}
        for agency_id in (cast.city.id, cast.science.id, 999):
            with pytest.raises(NotFound):
                access.agency_for(tx, local_admin, agency_id)
        with pytest.raises(Forbidden):
            agencies.found_agency(tx, local_admin, AgencyFacts("H99.51", "Sở Mới"))
        with pytest.raises(Forbidden):
            agencies.merge(tx, local_admin, cast.finance.id, cast.city.id, date(2026, 1, 1))
        row = tx.session.get_one(Agency, cast.finance.id)
        wanted = facts_of(row, name="Tên khác", parent_id=None, address="Số 8")
        changed = agencies.change_agency(tx, local_admin, row.id, wanted)
        assert (changed.name, changed.parent_id, changed.address) == (row.name, cast.city.id, "Số 8")
        assert not access.is_instance_admin(tx, local_admin)


def test_an_administrator_looks_after_everything_below(db: Database, cast: Cast, local_admin: Actor) -> None:
    with db.write() as tx:
        tx.session.get_one(Agency, cast.science.id).parent_id = cast.finance.id
        assert access.administered(tx, local_admin) == {cast.finance.id, cast.science.id}


def test_who_is_no_administrator_changes_nothing(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        for actor in (cast.ha, cast.binh, Actor(kind="wall"), Actor(kind="client", client_id=1, agency_id=1)):
            with pytest.raises(Forbidden):
                agencies.add_unit(tx, actor, cast.city.id, UnitFacts("Phòng Lạ"))
        assert tx.session.query(AgencyAlias).count() == 0
    assert cast.city.code == demo.CITY_OFFICE
