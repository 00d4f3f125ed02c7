"""Public authorities whose fingerprints are known. Their certificates are not shipped: administrators load them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownAuthority:
    """A Vietnamese authority: where its certificate can be had, and the SHA-256 of its DER."""

    name: str
    url: str
    sha256: str
    root: bool


KNOWN_AUTHORITIES: tuple[KnownAuthority, ...] = (
    KnownAuthority(
        "Root CA chuyên dùng Chính phủ G2 (2018–2048)",
        "http://ca.gov.vn/pki/pub/crt/rootcag2.crt",
        "f04ba4b459a7c9a1b971ad9b1cb833e695a80c79aea63b174b66a70edfe2fdb8",
        root=True,
    ),
    KnownAuthority(
        "Sub-CA cơ quan nhà nước G2",
        "http://ca.gov.vn/pki/pub/crt/cpcag2.crt",
        "d8cab7a4aef92e6bb2509d7c61cee7b44f3731b2d21074963530277b366fae4b",
        root=False,
    ),
    KnownAuthority(
        "Sub-CA cơ quan Đảng G2",
        "http://ca.gov.vn/pki/pub/crt/dcscag2.crt",
        "e4b402e3cb4cacc0a20d21fa49bce76beb4eb47ba7ffb7a8f71c554dbe561a81",
        root=False,
    ),
    KnownAuthority(
        "Root CA chuyên dùng Chính phủ G1 (2010–2030)",
        "http://ca.gov.vn/pki/pub/cert/rootca.crt",
        "f7bc89054cec7f12730d7b8cd3eb7955b163835087e5eb873edfb584763b3f90",
        root=True,
    ),
    KnownAuthority(
        "Sub-CA G1 (cấp chứng thư cho thiết bị đang dùng)",
        "http://ca.gov.vn/pki/pub/cert/cp.crt",
        "75e969c07ba35c29c72bbc1bfb880f20f3891a619b00b77eb02ca6160736a1fe",
        root=False,
    ),
    KnownAuthority(
        "Vietnam National Root CA (các CA công cộng)",
        "https://rootca.gov.vn/crt/vnrca256.p7b",
        "bac8bf609ab420a8ee1780d74f4de5c7f7184959d2a7375b0a75e4c29f0908e7",
        root=True,
    ),
)


def known(sha256: str) -> KnownAuthority | None:
    """The authority with this fingerprint."""
    return next((one for one in KNOWN_AUTHORITIES if one.sha256 == sha256), None)
