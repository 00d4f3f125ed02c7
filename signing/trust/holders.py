"""Reading a certificate: whose it is, for which agency, and whether it is a mere test certificate."""

import re
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import x509

from kernel.text import fold, nfc
from signing.verdicts.verdict import HolderKind

TEST_MARK = "CHỨNG THƯ THỬ NGHIỆM"

# X.520 caps the names in a certificate at 64 characters; authorities cut longer agency names there.
COMMON_NAME_LIMIT = 64

# How the names of Vietnamese public bodies begin. Certificates of the Government's authority give the agency in CN
# and its parent in O, so CN alone has to tell an agency from a person. Accents count: Vụ is an office, Vũ a family.
_AGENCY_WORDS = (
    "ủy ban", "uỷ ban", "ubnd", "hđnd", "hội đồng", "văn phòng", "sở", "bộ", "cục", "chi cục", "tổng cục", "vụ", "viện",
    "ban", "phòng", "trung tâm", "trường", "bệnh viện", "thanh tra", "công an", "tòa án", "toà án", "kho bạc",
    "bảo hiểm", "hội", "chính phủ", "thành ủy", "thành uỷ", "tỉnh ủy", "tỉnh uỷ", "đảng ủy", "đảng uỷ", "công ty",
    "đơn vị", "quỹ", "tổ chức", "thành phố", "tỉnh", "phường", "xã", "đặc khu", "quận", "huyện", "cổng thông tin",
    "trang thông tin", "hệ thống",
)  # fmt: skip
_PLAIN_AGENCY_WORDS = tuple(fold(word) for word in _AGENCY_WORDS)
_PERSON_UID = re.compile(r"(cmnd|cccd|cccd/cmnd|hc|passport)\s*:", re.IGNORECASE)
_ORGANISATION_UID = re.compile(r"(mst|mns|masothue)\s*:", re.IGNORECASE)


@dataclass(frozen=True)
class Holder:
    """What the subject of a certificate says. `organisations` are O and OU values without the test mark."""

    kind: HolderKind
    name: str
    title: str
    organisations: tuple[str, ...]
    issuer: str
    serial: str
    certificate: str
    not_before: datetime
    not_after: datetime
    test: bool

    @property
    def agency(self) -> str:
        """The agency of a seal is its name; that of a person is the first organisation named."""
        if self.kind is HolderKind.SEAL:
            return self.full_name
        return self.organisations[0] if self.organisations else ""

    @property
    def full_name(self) -> str:
        """CN, completed from O where the authority had to cut a long agency name."""
        for organisation in self.organisations:
            if len(self.name) >= COMMON_NAME_LIMIT - 1 and organisation.startswith(self.name):
                return organisation
        return self.name

    def belongs_to(self, agency_names: tuple[str, ...]) -> bool:
        """Whether this seal is that of the agency, or this person is one of its people.

        A subordinate's seal that names the agency as its parent in O is not the agency's own.
        """
        named = (self.full_name,) if self.kind is HolderKind.SEAL else self.organisations
        return any(_names_agency(text, name) for text in named for name in agency_names)


def read_holder(certificate: x509.Certificate) -> Holder:
    """Everything that reports say about the holder of `certificate`. Never raises on odd names."""
    values = _values(certificate.subject)
    common = next(iter(values.get("common_name", ())), "")
    organisations = tuple(
        text
        for key in ("organization_name", "organizational_unit_name")
        for text in values.get(key, ())
        if TEST_MARK not in text
    )
    validity = certificate["tbs_certificate"]["validity"]
    return Holder(
        kind=_kind(common, organisations, values),
        name=common or certificate.subject.human_friendly,
        title=next(iter(values.get("title", ())), ""),
        organisations=organisations,
        issuer=next(iter(_values(certificate.issuer).get("common_name", ())), "") or certificate.issuer.human_friendly,
        serial=format(certificate.serial_number, "x"),
        certificate=certificate.sha256.hex(),
        not_before=validity["not_before"].native,
        not_after=validity["not_after"].native,
        test=TEST_MARK in certificate.subject.human_friendly or TEST_MARK in certificate.issuer.human_friendly,
    )


_SHORT = {
    "common_name": "CN",
    "organization_name": "O",
    "organizational_unit_name": "OU",
    "country_name": "C",
    "locality_name": "L",
    "state_or_province_name": "ST",
    "user_id": "UID",
    "title": "T",
    "serial_number": "SN",
    "email_address": "E",
}


def name_text(name: x509.Name) -> str:
    """A name of a certificate as technicians write it, the most specific part first: `CN=…, O=…, C=VN`."""
    pairs = [(key, text) for key, texts in _values(name).items() for text in texts]
    pairs.sort(key=lambda pair: list(_SHORT).index(pair[0]) if pair[0] in _SHORT else len(_SHORT))
    return ", ".join(f"{_SHORT.get(key, key)}={text}" for key, text in pairs)


def common_name(name: x509.Name) -> str:
    """What people call it: CN, else the whole name."""
    return next(iter(_values(name).get("common_name", ())), "") or name_text(name)


def _kind(common: str, organisations: tuple[str, ...], values: dict[str, list[str]]) -> HolderKind:
    uid = " ".join(values.get("user_id", []))
    if _PERSON_UID.search(uid) or any(values.get(key) for key in ("title", "given_name", "surname")):
        return HolderKind.PERSON
    if _ORGANISATION_UID.search(uid) or values.get("organization_identifier"):
        return HolderKind.SEAL
    if any(same(common) == same(organisation) for organisation in organisations):
        return HolderKind.SEAL
    if any(len(common) >= COMMON_NAME_LIMIT - 1 and o.startswith(common) for o in organisations):
        return HolderKind.SEAL
    return _kind_of_name(common)


def _kind_of_name(common: str) -> HolderKind:
    name, plain = same(common), fold(common)
    if _begins_with(name, _AGENCY_WORDS):
        return HolderKind.SEAL
    if name == plain and _begins_with(plain, _PLAIN_AGENCY_WORDS):
        return HolderKind.UNKNOWN  # written without accents, "Vu" may be an office or a family
    if 2 <= len(plain.split()) <= 6 and not re.search(r"[\d@]", plain):
        return HolderKind.PERSON
    return HolderKind.UNKNOWN


def _begins_with(name: str, words: tuple[str, ...]) -> bool:
    return any(name == word or name.startswith(word + " ") for word in words)


def _values(name: x509.Name) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for rdn in name.chosen:
        for pair in rdn:
            text = pair["value"].native
            if isinstance(text, str):
                values.setdefault(pair["type"].native, []).append(nfc(text).strip())
    return values


def _names_agency(text: str, agency: str) -> bool:
    """Whether a name in a certificate is the agency's, also where X.520's limit cut it off."""
    cut = len(text) >= COMMON_NAME_LIMIT - 1
    return same(text) == same(agency) or (cut and same(agency).startswith(same(text)))


def same(name: str) -> str:
    """A name as it is compared: composed, without case, single blanks; accents count."""
    return re.sub(r"\s+", " ", nfc(name)).strip().casefold()
