"""Lists from spreadsheets, as offices really send them."""

import unicodedata

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from directory import exporting, importing, queries, sheets
from directory.actor import Role
from directory.importing import Action, Report
from directory.models import Agency, Person
from kernel.audit import AuditEntry
from kernel.db import Database
from kernel.errors import Forbidden, Invalid
from tests.cast import Cast

pytestmark = pytest.mark.both_databases

AGENCIES = (
    "Mã định danh;Tên cơ quan;Mã cấp trên;Dùng hệ thống này;Hiệu lực từ\r\n"
    "H99.60.01;Phòng Mẫu Một;H99.60;không;01/07/2025\r\n"
    "H99.60;Sở Mẫu Sáu;H99.01;có;2025-07-01\r\n"
)


def actions(report: Report) -> list[Action]:
    return [line.action for line in report.lines]


def test_a_preview_says_what_the_deed_does_and_changes_nothing(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        plan = importing.import_agencies(tx, cast.admin, AGENCIES, apply=False)
    with db.read() as tx:
        assert queries.agency_by_code(tx, "H99.60") is None
    with db.write() as tx:
        deed = importing.import_agencies(tx, cast.admin, AGENCIES, apply=True)
    assert actions(plan) == actions(deed) == [Action.ADD, Action.ADD]
    assert (plan.applied, deed.applied) == (False, True)
    with db.read() as tx:
        below, above = queries.agency_by_code(tx, "H99.60.01"), queries.agency_by_code(tx, "H99.60")
        assert below is not None
        assert above is not None
        assert (below.parent_id, above.parent_id) == (above.id, cast.city.id)
        assert above.is_local
        assert not below.is_local
        assert str(below.valid_from_on) == "2025-07-01"


def test_importing_twice_changes_nothing(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        importing.import_agencies(tx, cast.admin, AGENCIES, apply=True)
    with db.write() as tx:
        again = importing.import_agencies(tx, cast.admin, AGENCIES, apply=True)
    assert actions(again) == [Action.SAME, Action.SAME]


def test_an_export_can_be_imported_and_changes_nothing(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        agencies = sheets.decoded(exporting.export_agencies(tx, cast.admin))
        people = sheets.decoded(exporting.export_people(tx, cast.admin))
        first = importing.import_agencies(tx, cast.admin, agencies, apply=False)
        second = importing.import_people(tx, cast.admin, people, apply=False)
    assert set(actions(first)) == set(actions(second)) == {Action.SAME}
    assert len(second.lines) == 21


def test_wrong_rows_are_named_by_line_and_column_and_the_others_taken(db: Database, cast: Cast) -> None:
    text = (
        "Mã định danh,Tên cơ quan,Email,Hiệu lực từ,Mã cấp trên\n"
        "H99.61,Sở Đúng,a@mau.example,,\n"
        ",Không Mã,,,\n"
        "H99.62,,không thư,31/02/2025,H00.00\n"
        "H99.61,Sở Trùng,,,\n"
        "x.62.H17,Mã Lạ,,,\n"
    )
    with db.write() as tx:
        report = importing.import_agencies(tx, cast.admin, text, apply=True)
    assert [line.line for line in report.lines] == [2, 3, 4, 5, 6]
    assert actions(report) == [Action.ADD, Action.ERROR, Action.ERROR, Action.ERROR, Action.ADD]
    assert set(report.lines[1].problems) == {"Mã định danh"}
    assert set(report.lines[2].problems) == {"Tên cơ quan", "Thư điện tử", "Hiệu lực từ", "Mã cấp trên"}
    assert "dòng 2" in report.lines[3].problems["Mã định danh"].vi
    assert report.lines[4].warnings
    with db.read() as tx:
        names = set(tx.session.scalars(sa.select(Agency.name).where(Agency.name.like("Sở Đúng"))))
        entry = tx.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "directory.imported")).one()
    assert names == {"Sở Đúng"}
    assert (entry.detail["add"], entry.detail["error"]) == (2, 3)


def test_a_circle_of_parents_within_the_file_is_refused_not_entered(db: Database, cast: Cast) -> None:
    text = "Mã,Tên,Mã cấp trên\nH99.71,Sở A,H99.72\nH99.72,Sở B,H99.71\n"
    with db.write() as tx:
        report = importing.import_agencies(tx, cast.admin, text, apply=True)
    assert actions(report) == [Action.ERROR, Action.ERROR]


def test_columns_that_are_missing_keep_what_stands(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        importing.import_agencies(tx, cast.admin, "code,name\nH99.02,Sở Tài chính Đổi Tên\n", apply=True)
        row = tx.session.get_one(Agency, cast.finance.id)
    assert (row.name, row.old_code, row.is_local) == ("Sở Tài chính Đổi Tên", "000.00.02.H99", True)


@pytest.mark.parametrize("encode", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_every_usual_form_of_csv_is_read(db: Database, cast: Cast, encode: str, delimiter: str) -> None:
    decomposed = unicodedata.normalize(
        "NFD", "Họ và tên|Thư điện tử|Mã cơ quan|Vai trò\nĐỗ Thị Ngọc|ngoc@mau.example|h99.02|"
    )
    data = (decomposed.replace("|", delimiter) + '"Văn thư, Thư ký họp"\n').encode(encode)
    with db.write() as tx:
        report = importing.import_people(tx, cast.admin, sheets.decoded(data), apply=True)
        assert actions(report) == [Action.ADD], report.lines[0].problems
        person = queries.person_by_email(tx, "ngoc@mau.example")
        assert person is not None
        assert person.name == unicodedata.normalize("NFC", "Đỗ Thị Ngọc")
        assert queries.roles_of(tx, person.id, cast.finance.id) == {Role.CLERK, Role.SECRETARY}


def test_people_are_matched_by_address_and_their_mistakes_named(db: Database, cast: Cast) -> None:
    text = (
        "Họ và tên,Email,Di động,Mã cơ quan,Đơn vị,Chức vụ,Vai trò,Hoạt động\n"
        "Nguyễn Thu Hà,HA@mau.example,0500000001,H99.01,Phòng Tổng hợp,Văn thư trưởng,van thu,Có\n"
        "Trần Sai,sai,12,H00.99,,,,\n"
        "Trần Sai,sai2@mau.example,12,H99.02,Phòng Lạ,,Vua,có thể\n"
    )
    with db.write() as tx:
        report = importing.import_people(tx, cast.admin, text, apply=True)
        ha = queries.person(tx, cast.ha.person_id)
    assert actions(report) == [Action.CHANGE, Action.ERROR, Action.ERROR]
    assert ha.title == "Văn thư trưởng"
    assert set(report.lines[1].problems) == {"Mã cơ quan"}
    assert set(report.lines[2].problems) == {"Điện thoại", "Đơn vị", "Vai trò", "Hoạt động"}


def test_one_person_may_stand_in_two_agencies(db: Database, cast: Cast) -> None:
    text = "Họ tên,Email,Mã cơ quan\nTrần Hai,hai@mau.example,H99.01\nTrần Hai,hai@mau.example,H99.02\n"
    for expected in (Action.ADD, Action.SAME):
        with db.write() as tx:
            report = importing.import_people(tx, cast.admin, text, apply=True)
        assert actions(report) == [expected, expected]
    with db.read() as tx:
        person = queries.person_by_email(tx, "hai@mau.example")
        assert person is not None
        assert person.agency_id == cast.city.id
        assert queries.actor_of(tx, person.id, cast.finance.id) is not None


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00\x01", b"\xff\x00\x81", b"PK\x03\x04\x00\x00", "Mã định danh\nH99.1\n".encode(), b"a" * 900_000],
)
def test_what_is_no_list_gets_a_sentence(db: Database, cast: Cast, data: bytes) -> None:
    with db.write() as tx, pytest.raises(Invalid) as refusal:
        importing.import_agencies(tx, cast.admin, sheets.decoded(data), apply=False)
    assert set(refusal.value.fields) == {"file"}


def test_only_administrators_see_and_bring_lists(db: Database, cast: Cast) -> None:
    with db.write() as tx:
        with pytest.raises(Forbidden):
            importing.import_people(tx, cast.ha, "Họ tên,Email,Mã cơ quan\n", apply=False)
        for export in (exporting.export_agencies, exporting.export_people):
            with pytest.raises(Forbidden):
                export(tx, cast.binh)
        assert tx.session.scalar(sa.select(sa.func.count()).select_from(Person)) == 21


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20), min_size=2, max_size=2))
def test_any_text_comes_back_from_a_written_sheet_and_is_no_formula(cells: list[str]) -> None:
    text = sheets.decoded(sheets.written(["A", "B"], [cells]))
    rows = sheets.read(text, {"a": ("A",), "b": ("B",)}, ["a", "b"])
    wanted = [" ".join(unicodedata.normalize("NFC", cell).split()) for cell in cells]
    wanted = [cell[1:] if cell[:1] == "'" and cell[1:2] in {"=", "+", "-", "@"} else cell for cell in wanted]
    assert [list(row.cells.values()) for row in rows] == ([wanted] if any(cell.strip() for cell in cells) else [])
    assert not any(line.split(";")[0][:1] in {"=", "+", "-", "@"} for line in text.splitlines()[1:])
