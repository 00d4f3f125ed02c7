"""The demo city: Thành phố Mẫu with its office, three departments and four wards. All names are invented."""

from dataclasses import dataclass
from functools import cache

import sqlalchemy as sa

from directory import passwords
from directory.actor import Role
from directory.models import Agency, Membership, Person, RoleGrant, Unit
from kernel import clock
from kernel.db import Tx

PASSWORD = "lien-thong-demo"  # noqa: S105 - printed on the sign-in page of every demo
"""The password of everybody in the demo city."""


@dataclass(frozen=True)
class _Place:
    code: str
    old_code: str
    name: str
    short_name: str
    place: str
    units: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class _Somebody:
    mailbox: str
    name: str
    agency: str
    title: str
    roles: tuple[Role, ...]
    unit: str = ""


CITY_OFFICE = "H99.01"
FINANCE = "H99.02"
HOME_AFFAIRS = "H99.03"
SCIENCE = "H99.04"

_PLACES = (
    _Place(
        CITY_OFFICE,
        "000.00.01.H99",
        "Văn phòng Ủy ban nhân dân Thành phố Mẫu",
        "VP",
        "Thành phố Mẫu",
        (("Phòng Hành chính - Tổ chức", "HCTC"), ("Phòng Tổng hợp", "TH"), ("Phòng Đô thị", "ĐT")),
    ),
    _Place(
        FINANCE,
        "000.00.02.H99",
        "Sở Tài chính Thành phố Mẫu",
        "STC",
        "Thành phố Mẫu",
        (("Văn phòng Sở", "VP"), ("Phòng Ngân sách", "NS")),
    ),
    _Place(
        HOME_AFFAIRS,
        "000.00.03.H99",
        "Sở Nội vụ Thành phố Mẫu",
        "SNV",
        "Thành phố Mẫu",
        (("Văn phòng Sở", "VP"),),
    ),
    _Place(
        SCIENCE,
        "000.00.04.H99",
        "Sở Khoa học và Công nghệ Thành phố Mẫu",
        "SKHCN",
        "Thành phố Mẫu",
        (("Văn phòng Sở", "VP"),),
    ),
    _Place("H99.21", "000.00.21.H99", "Ủy ban nhân dân phường An Hòa", "UBND", "An Hòa"),
    _Place("H99.22", "000.00.22.H99", "Ủy ban nhân dân phường Long Sơn", "UBND", "Long Sơn"),
    _Place("H99.23", "000.00.23.H99", "Ủy ban nhân dân phường Phú Cường", "UBND", "Phú Cường"),
    _Place("H99.24", "000.00.24.H99", "Ủy ban nhân dân phường Tân Lập", "UBND", "Tân Lập"),
)

# The cast of all tests and pictures stands first, in the order in which it is introduced.
_PEOPLE = (
    _Somebody("ha", "Nguyễn Thu Hà", CITY_OFFICE, "Văn thư", (Role.CLERK,), "Phòng Hành chính - Tổ chức"),
    _Somebody("binh", "Trần Quốc Bình", CITY_OFFICE, "Phó Chánh Văn phòng", (Role.LEADER,)),
    _Somebody("lan", "Lê Thị Lan", FINANCE, "Văn thư", (Role.CLERK,), "Văn phòng Sở"),
    _Somebody("thu", "Phạm Minh Thư", CITY_OFFICE, "Chuyên viên", (Role.SECRETARY,), "Phòng Tổng hợp"),
    _Somebody(
        "quantri", "Đỗ Quang Khải", CITY_OFFICE, "Quản trị hệ thống", (Role.ADMIN,), "Phòng Hành chính - Tổ chức"
    ),
    _Somebody("nam", "Vũ Hoàng Nam", FINANCE, "Chuyên viên", (Role.SPECIALIST,), "Phòng Ngân sách"),
    _Somebody("son", "Hồ Thanh Sơn", CITY_OFFICE, "Chánh Văn phòng", (Role.LEADER, Role.OFFICE_CHIEF)),
    _Somebody("yen", "Bùi Hải Yến", CITY_OFFICE, "Chuyên viên", (Role.SPECIALIST,), "Phòng Đô thị"),
    _Somebody("dung", "Đặng Anh Dũng", FINANCE, "Giám đốc Sở", (Role.LEADER,)),
    _Somebody("oanh", "Ngô Kim Oanh", HOME_AFFAIRS, "Văn thư", (Role.CLERK,), "Văn phòng Sở"),
    _Somebody("phuc", "Dương Hữu Phúc", HOME_AFFAIRS, "Phó Giám đốc Sở", (Role.LEADER,)),
    _Somebody("quynh", "Lý Như Quỳnh", SCIENCE, "Văn thư", (Role.CLERK,), "Văn phòng Sở"),
    _Somebody("tuan", "Huỳnh Minh Tuấn", SCIENCE, "Giám đốc Sở", (Role.LEADER,)),
    _Somebody("hanh", "Mai Bích Hạnh", "H99.21", "Văn thư", (Role.CLERK,)),
    _Somebody("long", "Phan Đức Long", "H99.21", "Chủ tịch UBND phường", (Role.LEADER,)),
    _Somebody("thao", "Trương Phương Thảo", "H99.22", "Văn thư", (Role.CLERK,)),
    _Somebody("kien", "Đinh Trung Kiên", "H99.22", "Chủ tịch UBND phường", (Role.LEADER,)),
    _Somebody("vy", "Tạ Tường Vy", "H99.23", "Văn thư", (Role.CLERK,)),
    _Somebody("hung", "Lương Thế Hùng", "H99.23", "Phó Chủ tịch UBND phường", (Role.LEADER,)),
    _Somebody("ngan", "Cao Thúy Ngân", "H99.24", "Văn thư", (Role.CLERK,)),
    _Somebody("toan", "Đoàn Văn Toàn", "H99.24", "Chủ tịch UBND phường", (Role.LEADER,)),
)


CAST = tuple(somebody.mailbox for somebody in _PEOPLE[:6])
"""Those whom the sign-in page introduces, in this order."""


def email_of(mailbox: str) -> str:
    """The address of somebody in the demo city, under a domain that can never exist (RFC 6761)."""
    return f"{mailbox}@mau.example"


def seed(tx: Tx) -> None:
    """Found the demo city; nothing happens when it stands already."""
    if tx.session.scalar(sa.select(Agency.id).where(Agency.code == CITY_OFFICE)) is not None:
        return
    agencies: dict[str, Agency] = {}
    units: dict[tuple[str, str], Unit] = {}
    for number, place in enumerate(_PLACES, start=1):
        agencies[place.code] = _found(tx, place, number, agencies.get(CITY_OFFICE))
        for name, short_name in place.units:
            units[place.code, name] = Unit(agency_id=agencies[place.code].id, name=name, short_name=short_name)
    tx.session.add_all(units.values())
    tx.session.flush()
    # One hash for all is right here and only here: everybody's password is printed on the sign-in page.
    people = [_person(somebody, number) for number, somebody in enumerate(_PEOPLE, start=1)]
    tx.session.add_all(people)
    tx.session.flush()
    for somebody, person in zip(_PEOPLE, people, strict=True):
        unit = units.get((somebody.agency, somebody.unit))
        _settle(tx, somebody, person, agencies[somebody.agency].id, unit.id if unit else None)
    tx.session.flush()
    tx.audit("system", "directory.demo_seeded", "", {"agencies": len(_PLACES), "people": len(_PEOPLE)})


def _found(tx: Tx, place: _Place, number: int, parent: Agency | None) -> Agency:
    agency = Agency(
        code=place.code,
        old_code=place.old_code,
        name=place.name,
        short_name=place.short_name,
        parent_id=parent.id if parent else None,
        place=place.place,
        is_local=True,
        email=email_of(f"vanthu.{place.code.lower().replace('.', '')}"),
        phone=f"+8450000010{number}",
        address=f"Số {number}, đường Mẫu, {place.place}",
    )
    tx.session.add(agency)
    tx.session.flush()
    return agency


@cache
def _password_hash() -> str:
    """Made once a process: a trial may found many cities."""
    return passwords.hashed(PASSWORD)


def _person(somebody: _Somebody, number: int) -> Person:
    return Person(
        name=somebody.name,
        email=email_of(somebody.mailbox),
        phone=f"+845000000{number:02}",  # no operator has the prefix 050
        password_hash=_password_hash(),
        password_changed_at=clock.now(),
    )


def _settle(tx: Tx, somebody: _Somebody, person: Person, agency_id: int, unit_id: int | None) -> None:
    tx.session.add(Membership(person_id=person.id, agency_id=agency_id, unit_id=unit_id, title=somebody.title))
    tx.session.add_all(RoleGrant(person_id=person.id, agency_id=agency_id, role=role) for role in somebody.roles)
