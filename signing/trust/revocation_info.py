"""What a revocation list (CRL) or an OCSP answer can tell about a certificate, and which of those at hand to believe.

Two things that libraries overlook: a list made after a certificate had ended need not name it any more, so its
silence is no good news; and an old "good" of an OCSP responder says nothing against a later list.

Both are asked for each certificate of one way to a root. What else bears an authority's name has no say: anybody may
put a certificate of any name and any dates into a file.
"""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise

from asn1crypto import core, crl, ocsp, x509
from pyhanko_certvalidator.revinfo.validate_crl import find_cert_in_list

EXPIRED_CERTS_ON_CRL = "2.5.29.60"
"""X.509 §9.5.2.8: since when the list keeps what has ended meanwhile."""

# What damaged or hostile bytes make the parser raise.
_BROKEN = (ValueError, KeyError, TypeError, IndexError, AttributeError)


@dataclass(frozen=True)
class RevocationList:
    """A CRL: who made it, with which key (b"" when it does not say), and when. `keeps_since`: certificates that ended
    after this are still named."""

    data: bytes
    issuer: str
    key: bytes
    made_at: datetime
    ends_at: datetime | None
    keeps_since: datetime | None

    def is_by(self, issuer: x509.Certificate) -> bool:
        """Whether it is of this authority: of two with the same name, such as old and new keys, only one made it."""
        known = issuer.key_identifier
        return self.issuer == issuer.subject.hashable and (not self.key or known is None or self.key == known)

    def is_for(self, certificate: x509.Certificate) -> bool:
        """Whether it may speak of this certificate: made by the issuer, or by whom the certificate names for that.

        pyHanko believes everybody whom the issuer has certified, such as another authority of the same root.
        """
        places = certificate.crl_distribution_points_value or ()
        named = [name for place in places for name in place["crl_issuer"] or () if name.name == "directory_name"]
        return self.issuer in (certificate.issuer.hashable, *(name.chosen.hashable for name in named))

    def can_tell(self, certificate: x509.Certificate) -> bool:
        """Whether silence of this list about a certificate of its issuer means that it was not revoked."""
        ended = certificate.not_valid_after
        return self.made_at <= ended or (self.keeps_since is not None and self.keeps_since <= ended)

    def names(self, certificate: x509.Certificate) -> bool:
        """Whether the certificate stands on the list. One that has ended may, and then the list tells enough of it."""
        if certificate["tbs_certificate"]["serial_number"].dump() not in self.data:
            return False  # most lists are long, and few certificates stand on them
        made = crl.CertificateList.load(self.data)
        try:
            _, why = find_cert_in_list(certificate, certificate.issuer, made, made.issuer)
        except NotImplementedError:
            return True  # with a remark that nobody here understands
        except _BROKEN:
            return False
        return why is not None


@dataclass(frozen=True)
class StatusAnswer:
    """One OCSP answer about a certificate: `revoked` or not. `keeps_since` is the archive cutoff (RFC 6960 §4.4.4)."""

    data: bytes
    algorithm: str
    issuer: bytes
    serial: int
    revoked: bool
    made_at: datetime
    ends_at: datetime | None
    keeps_since: datetime | None

    def is_about(self, certificate: x509.Certificate) -> bool:
        """Whether the answer is about this certificate."""
        if certificate.serial_number != self.serial or self.algorithm not in hashlib.algorithms_available:
            return False
        return hashlib.new(self.algorithm, certificate.issuer.dump(), usedforsecurity=False).digest() == self.issuer

    def can_tell(self, certificate: x509.Certificate) -> bool:
        """Whether the answer means something: a "good" only says that it was not revoked before it ended."""
        ended = certificate.not_valid_after
        return self.revoked or self.made_at <= ended or (self.keeps_since is not None and self.keeps_since <= ended)


# The same bytes are asked about with every signature; a snapshot of the trust store keeps them in memory anyway.


@lru_cache(maxsize=1024)
def read_list(data: bytes) -> RevocationList | None:
    """What a CRL says of itself; None when it is none."""
    try:
        made = crl.CertificateList.load(data)
        body = made["tbs_cert_list"]
        kept = None
        for extension in body["crl_extensions"]:
            if extension["extn_id"].dotted == EXPIRED_CERTS_ON_CRL:
                kept = core.GeneralizedTime.load(extension["extn_value"].native).native
        named = made.authority_key_identifier_value
        key = (named["key_identifier"].native if named is not None else None) or b""
        ends = body["next_update"].native
        return RevocationList(data, made.issuer.hashable, key, body["this_update"].native, ends, kept)
    except _BROKEN:
        return None


@lru_cache(maxsize=1024)
def read_answer(data: bytes) -> StatusAnswer | None:
    """What an OCSP answer says of itself; None when it is none, or not about exactly one certificate."""
    try:
        responses = ocsp.OCSPResponse.load(data).basic_ocsp_response["tbs_response_data"]["responses"]
        if len(responses) != 1:
            return None
        one = responses[0]
        asked = one["cert_id"]
        cutoff = one.archive_cutoff_value
        return StatusAnswer(
            data,
            asked["hash_algorithm"]["algorithm"].native,
            asked["issuer_name_hash"].native,
            asked["serial_number"].native,
            one["cert_status"].name == "revoked",
            one["this_update"].native,
            one["next_update"].native,
            cutoff.native if cutoff is not None else None,
        )
    except _BROKEN:
        return None


def telling(
    crls: Iterable[bytes], ocsps: Iterable[bytes], path: Sequence[x509.Certificate]
) -> tuple[list[bytes], list[bytes]]:
    """The lists and answers whose silence or "good" means something for the certificates of `path` (root first), and
    every list that names one of them.

    Only the certificates of this one way count: what the root's list cannot tell about an authority that has ended
    meanwhile, it can about the one that was renewed.
    """
    pairs = list(pairwise(path))
    lists = [found for found in map(read_list, crls) if found is not None and _tells(found, pairs)]
    answers = [found for found in map(read_answer, ocsps) if found is not None]
    kept = [
        answer.data
        for answer in answers
        for issuer, member in pairs
        if answer.is_about(member) and answer.can_tell(member) and not _outdated(answer, issuer, lists)
    ]
    return [one.data for one in lists], kept


def proof_of(path: Sequence[x509.Certificate], crls: Iterable[bytes], ocsps: Iterable[bytes]) -> tuple[bytes, ...]:
    """For each certificate below the root of `path` (root first) the newest answer about it, else the newest list of
    its issuer, out of what `telling` has left: a list may be megabytes, and everything goes into the paper."""
    lists = sorted((one for one in map(read_list, crls) if one is not None), key=lambda one: one.made_at)
    answers = sorted((one for one in map(read_answer, ocsps) if one is not None), key=lambda one: one.made_at)
    chosen: dict[bytes, None] = {}
    for issuer, certificate in pairwise(path):
        naming = [one.data for one in lists if one.is_by(issuer)]
        about = [one.data for one in answers if one.is_about(certificate)]
        for best in (about or naming)[-1:]:
            chosen[best] = None
    return tuple(chosen)


def describe_answer(data: bytes) -> dict[str, str]:
    """A list or an OCSP answer as plain data, named by its SHA-256; times in ISO 8601, `ends_at` empty when open."""
    found = read_list(data) or read_answer(data)
    ends = found.ends_at if found is not None else None
    return {
        "kind": "crl" if isinstance(found, RevocationList) else "ocsp",
        "sha256": hashlib.sha256(data).hexdigest(),
        "made_at": found.made_at.isoformat() if found is not None else "",
        "ends_at": ends.isoformat() if ends is not None else "",
    }


def _tells(one: RevocationList, pairs: Sequence[tuple[x509.Certificate, x509.Certificate]]) -> bool:
    about = [(issuer, member) for issuer, member in pairs if one.is_for(member)]
    # By none of these keys it still may be by one that makes lists for the authority: then it must tell all.
    members = [member for issuer, member in about if one.is_by(issuer)] or [member for _, member in about]
    return bool(members) and (all(map(one.can_tell, members)) or any(map(one.names, members)))


def _outdated(answer: StatusAnswer, issuer: x509.Certificate, lists: Sequence[RevocationList]) -> bool:
    return any(one.made_at > answer.made_at for one in lists if one.is_by(issuer))
