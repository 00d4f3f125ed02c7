"""Lists of agencies and people as CSV, with the columns that an import knows."""

from datetime import date

import sqlalchemy as sa

from directory import sheets
from directory.access import administered, require_instance_admin
from directory.actor import Actor, Role
from directory.models import Agency, Membership, Person, RoleGrant, Unit
from kernel.db import Tx
from kernel.text import collation_key

AGENCY_COLUMNS = {
    "code": ("Mã định danh", "Mã cơ quan", "Mã"),
    "old_code": ("Mã cũ", "Mã định danh cũ"),
    "name": ("Tên cơ quan", "Tên"),
    "short_name": ("Tên viết tắt", "Viết tắt"),
    "parent": ("Mã cấp trên", "Mã cơ quan cấp trên"),
    "place": ("Nơi ban hành", "Địa danh"),
    "is_local": ("Dùng hệ thống này", "Nội bộ"),
    "email": ("Thư điện tử", "Email"),
    "phone": ("Điện thoại", "Số điện thoại"),
    "address": ("Địa chỉ",),
    "valid_from_on": ("Hiệu lực từ", "Ngày thành lập"),
    "valid_until_on": ("Hiệu lực đến", "Ngày kết thúc"),
}
PEOPLE_COLUMNS = {
    "name": ("Họ và tên", "Họ tên"),
    "email": ("Thư điện tử", "Email"),
    "phone": ("Điện thoại", "Số điện thoại", "Di động"),
    "agency": ("Mã cơ quan", "Mã định danh"),
    "unit": ("Đơn vị", "Phòng ban"),
    "title": ("Chức vụ",),
    "roles": ("Vai trò",),
    "is_active": ("Hoạt động", "Đang hoạt động"),
}


def export_agencies(tx: Tx, actor: Actor) -> bytes:
    """The register in the form that `import_agencies` reads."""
    require_instance_admin(tx, actor)
    rows = list(tx.session.scalars(sa.select(Agency).order_by(Agency.code)))
    by_id = {row.id: row for row in rows}
    return sheets.written(
        [headers[0] for headers in AGENCY_COLUMNS.values()],
        (
            (
                row.code,
                row.old_code,
                row.name,
                row.short_name,
                by_id[row.parent_id].code if row.parent_id else "",
                row.place,
                _yes(row.is_local),
                row.email,
                row.phone,
                row.address,
                _day(row.valid_from_on),
                _day(row.valid_until_on),
            )
            for row in rows
        ),
    )


def export_people(tx: Tx, actor: Actor) -> bytes:
    """The people of the actor's agencies in the form that `import_people` reads."""
    query = (
        sa.select(Person, Membership, Agency.code, Unit.name)
        .join(Membership, Membership.person_id == Person.id)
        .join(Agency, Agency.id == Membership.agency_id)
        .outerjoin(Unit, Unit.id == Membership.unit_id)
        .where(Membership.agency_id.in_(administered(tx, actor)))
    )
    granted: dict[tuple[int, int], list[str]] = {}
    for grant in tx.session.scalars(sa.select(RoleGrant).order_by(RoleGrant.role)):
        granted.setdefault((grant.person_id, grant.agency_id), []).append(Role(grant.role).label.vi)
    found = sorted(tx.session.execute(query).all(), key=lambda row: (row[2], collation_key(row[0].name)))
    return sheets.written(
        [headers[0] for headers in PEOPLE_COLUMNS.values()],
        (
            (
                person.name,
                person.email,
                person.phone,
                code,
                unit or "",
                place.title,
                ", ".join(granted.get((person.id, place.agency_id), [])),
                _yes(person.is_active),
            )
            for person, place, code, unit in found
        ),
    )


def _yes(value: bool) -> str:
    return "Có" if value else "Không"


def _day(value: date | None) -> str:
    return value.strftime("%d/%m/%Y") if value else ""
