"""Tables of the format: kinds of business, statuses, priorities and types of document.

Sources: QCVN 102:2016/BTTTT with Amendment 1:2022 (lists A and B), QĐ 28/2018/QĐ-TTg (statuses), Decree
30/2020 art. 7 and Annex III (the 29 types, their abbreviations; case matters: QyĐ, CTr, TTr).
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Literal

from kernel.text import Phrase, phrase

NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"


class BusinessKind(IntEnum):
    """`BussinessDocType`."""

    NEW = 0
    RECALL = 1
    UPDATE = 2
    REPLACE = 3


class Priority(IntEnum):
    """`OtherInfo/Priority`. Decree 30 art. 4 names 1–3; older systems do not know 4."""

    NORMAL = 0
    URGENT = 1
    VERY_URGENT = 2
    EXPRESS = 3
    EXPRESS_TIMED = 4


PRIORITIES: dict[Priority, Phrase] = {
    Priority.NORMAL: phrase("Thường"),
    Priority.URGENT: phrase("Khẩn"),
    Priority.VERY_URGENT: phrase("Thượng khẩn"),
    Priority.EXPRESS: phrase("Hỏa tốc"),
    Priority.EXPRESS_TIMED: phrase("Hỏa tốc hẹn giờ"),
}


class Steering(IntEnum):
    """`SteeringType` as we write it. Other systems count from 1: 1 not a directive, 2 directive, 3 report."""

    NONE = 0
    DIRECTIVE = 1
    REPORT = 2

    @classmethod
    def read(cls, raw: int | None, *, first: int = 0) -> "Steering":
        """The meaning of a stored value where the sender counts from `first`; an unknown number means nothing."""
        number = (raw or first) - first
        return cls(number) if number in set(cls) else cls.NONE

    def written(self, *, first: int = 0) -> int:
        """The number for readers who count from `first`."""
        return self + first


class StatusCode(StrEnum):
    """`StatusCode`: two digits, the leading zero kept. These nine exist; 14 is not used."""

    ARRIVED = "01"
    REFUSED = "02"
    REGISTERED = "03"
    ASSIGNED = "04"
    WORKING = "05"
    DONE = "06"
    RECALL_ASKED = "13"
    RECALL_AGREED = "15"
    RECALL_REFUSED = "16"


@dataclass(frozen=True, slots=True)
class StatusFacts:
    """A status' meaning, the side that may say it about a document, and whether it must give a reason."""

    label: Phrase
    sent_by: Literal["receiver", "issuer"] = "receiver"
    reason_required: bool = False


STATUSES: dict[StatusCode, StatusFacts] = {
    StatusCode.ARRIVED: StatusFacts(phrase("Đã đến")),
    StatusCode.REFUSED: StatusFacts(phrase("Từ chối tiếp nhận"), reason_required=True),
    StatusCode.REGISTERED: StatusFacts(phrase("Đã tiếp nhận, vào sổ")),
    StatusCode.ASSIGNED: StatusFacts(phrase("Đã phân công xử lý")),
    StatusCode.WORKING: StatusFacts(phrase("Đang xử lý")),
    StatusCode.DONE: StatusFacts(phrase("Đã xử lý xong")),
    StatusCode.RECALL_ASKED: StatusFacts(phrase("Yêu cầu lấy lại"), sent_by="issuer", reason_required=True),
    StatusCode.RECALL_AGREED: StatusFacts(phrase("Đồng ý lấy lại, cập nhật")),
    StatusCode.RECALL_REFUSED: StatusFacts(phrase("Không đồng ý lấy lại, cập nhật"), reason_required=True),
}


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """One of the 29 administrative types of Decree 30.

    `slug` is our stable key; `abbreviation` stands in the notation ("" for the official letter and the
    personal letter); `detail` is `TypeDetail`, the place in list B, None where the list does not name the
    type; `edxml_name` is the exact `TypeName`.
    """

    slug: str
    label: Phrase
    abbreviation: str
    detail: int | None
    edxml_name: str = ""

    @property
    def type_name(self) -> str:
        """The `TypeName` to write."""
        return self.edxml_name or self.label.msgid


KINDS: tuple[DocumentKind, ...] = (
    DocumentKind("resolution", phrase("Nghị quyết"), "NQ", 1, "Nghị quyết (cá biệt)"),
    DocumentKind("decision", phrase("Quyết định"), "QĐ", 2, "Quyết định (cá biệt)"),
    DocumentKind("directive", phrase("Chỉ thị"), "CT", 3),
    DocumentKind("regulation", phrase("Quy chế"), "QC", 4),
    DocumentKind("rule", phrase("Quy định"), "QyĐ", 5),
    DocumentKind("communique", phrase("Thông cáo"), "TC", 6),
    DocumentKind("notice", phrase("Thông báo"), "TB", 7),
    DocumentKind("guidance", phrase("Hướng dẫn"), "HD", 8),
    DocumentKind("programme", phrase("Chương trình"), "CTr", 9),
    DocumentKind("plan", phrase("Kế hoạch"), "KH", 10),
    DocumentKind("scheme", phrase("Phương án"), "PA", 11),
    DocumentKind("proposal", phrase("Đề án"), "ĐA", 12),
    DocumentKind("project", phrase("Dự án"), "DA", 13),
    DocumentKind("report", phrase("Báo cáo"), "BC", 14),
    DocumentKind("minutes", phrase("Biên bản"), "BB", 15),
    DocumentKind("submission", phrase("Tờ trình"), "TTr", 16),
    DocumentKind("contract", phrase("Hợp đồng"), "HĐ", 17),
    DocumentKind("letter", phrase("Công văn"), "", 18),
    DocumentKind("telegram", phrase("Công điện"), "CĐ", 19),
    DocumentKind("memorandum", phrase("Bản ghi nhớ"), "BGN", 20),
    DocumentKind("agreement", phrase("Bản thỏa thuận"), "BTT", 22),
    DocumentKind("authorisation", phrase("Giấy ủy quyền"), "GUQ", 24),
    DocumentKind("invitation", phrase("Giấy mời"), "GM", 25),
    DocumentKind("introduction", phrase("Giấy giới thiệu"), "GGT", 26),
    DocumentKind("leave", phrase("Giấy nghỉ phép"), "GNP", 27),
    DocumentKind("dispatch-note", phrase("Phiếu gửi"), "PG", 30),
    DocumentKind("transfer-note", phrase("Phiếu chuyển"), "PC", 31),
    DocumentKind("announcement-note", phrase("Phiếu báo"), "PB", None),
    DocumentKind("personal-letter", phrase("Thư công"), "", 32),
)

KIND_BY_SLUG: dict[str, DocumentKind] = {kind.slug: kind for kind in KINDS}

ADMINISTRATIVE_GROUP = 2
"""`DocumentType/Type` that we write: 2 is list B (administrative), 1 list A (legal normative)."""

LEGAL_TYPES: dict[int, str] = {
    1: "Hiến pháp",
    2: "Luật",
    3: "Pháp lệnh",
    4: "Lệnh",
    5: "Nghị quyết",
    6: "Nghị quyết liên tịch",
    7: "Nghị định",
    8: "Quyết định",
    9: "Thông tư",
    10: "Thông tư liên tịch",
    11: "Chỉ thị",
    12: "Bộ luật",
    13: "Văn bản quy phạm pháp luật của chính quyền địa phương ở đơn vị hành chính - kinh tế đặc biệt",
}
"""List A by its index; read only, an office of this system issues administrative documents."""


ADMINISTRATIVE_TYPES: dict[int, str] = {
    **{kind.detail: kind.type_name for kind in KINDS if kind.detail is not None},
    21: "Bản cam kết",
    23: "Giấy chứng nhận",
    28: "Giấy đi đường",
    29: "Giấy biên nhận hồ sơ",
}
"""List B by its index: the types of Decree 30 and four that only the older list has."""


def listed_name(group: int | None, detail: int | None) -> str:
    """The type's name by its place in list A or B, for a file that states the numbers only; "" when unknown."""
    if detail is None:
        return ""
    return {1: LEGAL_TYPES, ADMINISTRATIVE_GROUP: ADMINISTRATIVE_TYPES}.get(group or 0, {}).get(detail, "")


def kind_named(type_name: str) -> DocumentKind | None:
    """The administrative type behind a `TypeName` as foreign systems write it, or None."""
    wanted = _key(type_name)
    return next((k for k in KINDS if wanted in (_key(k.label.msgid), _key(k.type_name))), None)


def _key(name: str) -> str:
    """Compare without case, blanks, a remark in brackets, and the two spellings of oá/óa and uỷ/ủy."""
    plain = " ".join(name.split("(")[0].casefold().split())
    return plain.replace("thoả", "thỏa").replace("uỷ", "ủy")
