"""Invented people and agencies, short and long, as Vietnamese papers name them at their end."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

FAMILIES = (
    "Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Phan", "Vũ", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương",
    "Lý", "Ỷ", "Tôn Thất", "Nguyễn Phúc", "Công Tằng Tôn Nữ", "Đoàn", "Quách", "Ưng", "Nông", "Giàng", "Rơ Châm",
)  # fmt: skip
MIDDLES = (
    "",
    "Văn",
    "Thị",
    "Hữu",
    "Đức",
    "Thị Ngọc",
    "Quỳnh",
    "Xuân",
    "Thị Thanh",
    "Huyền Tôn Nữ Phương",
    "Bảo",
    "Ánh",
)
GIVEN = (
    "An", "Ý", "Bình", "Dũng", "Hạnh", "Khuê", "Lợi", "Mỹ", "Nghĩa", "Oanh", "Phượng", "Quyền", "Sỹ", "Thưởng", "Uyển",
    "Vượng", "Xuyến", "Yến", "Đỉnh", "Ước", "Nghiêng", "Trường Giang", "Khánh Huyền",
)  # fmt: skip
POSITIONS = (
    "GIÁM ĐỐC",
    "CHỦ TỊCH",
    "KT. GIÁM ĐỐC\nPHÓ GIÁM ĐỐC",
    "KT. CHỦ TỊCH\nPHÓ CHỦ TỊCH",
    "TL. CHỦ TỊCH\nCHÁNH VĂN PHÒNG",
    "TM. ỦY BAN NHÂN DÂN\nCHỦ TỊCH",
    "TM. ỦY BAN NHÂN DÂN\nKT. CHỦ TỊCH\nPHÓ CHỦ TỊCH",
    "TUQ. CHỦ TỊCH\nGIÁM ĐỐC SỞ NÔNG NGHIỆP\nVÀ MÔI TRƯỜNG",
    "KT. CHÁNH VĂN PHÒNG\nPHÓ CHÁNH VĂN PHÒNG",
    "Q. TRƯỞNG BAN",
    "HIỆU TRƯỞNG",
)
KINDS = (
    "Sở Tài chính", "Sở Y tế", "Ủy ban nhân dân thành phố", "Ủy ban nhân dân xã", "Văn phòng Ủy ban nhân dân thành phố",
    "Ban Quản lý dự án đầu tư xây dựng công trình giao thông và nông nghiệp tỉnh", "Thanh tra tỉnh", "Trường Đại học",
    "Trung tâm Phục vụ hành chính công", "Hội đồng nhân dân phường", "Sở Văn hóa, Thể thao và Du lịch", "Viện",
)  # fmt: skip
PLACES = (
    "Sông Hồng",
    "Ý Yên",
    "Bến Cát",
    "Đắk Lắk",
    "Thừa Thiên Huế",
    "Ô Môn",
    "Bà Rịa - Vũng Tàu",
    "Phú Mỹ Hưng Nguyên",
)


@dataclass(frozen=True)
class Signatory:
    """Who signs for which agency."""

    name: str
    position: str
    agency: str


def signatories(count: int) -> Iterator[Signatory]:
    """So many, always the same; the shortest and the longest names are among the first."""
    rng = random.Random(30)
    yield Signatory("Lý Ý", POSITIONS[0], "Viện Ý Yên")
    yield Signatory("Công Tằng Tôn Nữ Huyền Tôn Nữ Phương Khánh Huyền", POSITIONS[6], f"{KINDS[5]} {PLACES[6]}")
    yield Signatory("Bùi Xuân Đỉnh", POSITIONS[2], f"{KINDS[4]} {PLACES[5]}")  # was refused for edges of letters
    for _ in range(count - 3):
        parts = (rng.choice(FAMILIES), rng.choice(MIDDLES), rng.choice(GIVEN))
        name = " ".join(part for part in parts if part)
        yield Signatory(name, rng.choice(POSITIONS), f"{rng.choice(KINDS)} {rng.choice(PLACES)}")
