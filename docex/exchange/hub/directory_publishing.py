"""The directory as one signed document, so that systems can keep a copy and prove where they have it from."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from directory.models import Agency, AgencyAlias, ApiClient, Unit
from docex.documents.delivery import transport
from docex.documents.delivery.transport import DirectoryEntries
from docex.documents.verification.models import SealCertificate
from docex.edxml.codes import BusinessKind, StatusCode
from docex.exchange.hub.mailbox import with_reader
from docex.exchange.hub.models import DirectoryEdition
from kernel import clock
from kernel.db import Tx
from signing.log import receipts

TYPE = "lienthong-directory+jwt"


@dataclass(frozen=True)
class Edition:
    """One state of the directory: its fingerprint, and the facts that are signed."""

    digest: str
    facts: dict[str, Any]


def edition(tx: Tx, *, most_bytes: int) -> Edition:
    """The directory as it stands now: agencies with all their codes, units, successors, certificates, the ways in
    which they are reached and what they take there. `most_bytes` is the largest file that the hub takes itself. The
    fingerprint changes when any of it does."""
    agencies = tx.session.scalars(sa.select(Agency).order_by(Agency.code)).all()
    codes = {row.id: row.code for row in agencies}
    others = tx.session.scalars(sa.select(AgencyAlias).order_by(AgencyAlias.code))
    aliases = _by_agency((row.agency_id, row.code) for row in others)
    added = transport.directory_entries(tx)
    units, certificates = _units(tx), _certificates(tx, added)
    fetching = with_reader(tx)
    facts = {
        "agencies": [
            {
                "code": row.code,
                "old_codes": [code for code in (row.old_code, *aliases.get(row.id, [])) if code],
                "name": row.name,
                "short_name": row.short_name,
                "parent": codes.get(row.parent_id or 0),
                "units": units.get(row.id, []),
                "valid_from": row.valid_from_on.isoformat() if row.valid_from_on else None,
                "valid_until": row.valid_until_on.isoformat() if row.valid_until_on else None,
                "successor": codes.get(row.merged_into_id or 0),
                "ways": _ways(row, row.id in fetching, added, most_bytes),
                "certificates": certificates.get(row.id, []),
            }
            for row in agencies
        ],
        "capabilities": {
            "business": [kind.value for kind in BusinessKind],
            "statuses": [code.value for code in StatusCode],
            "most_bytes": most_bytes,
        },
    }
    text = json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return Edition(hashlib.sha256(text.encode()).hexdigest(), facts)


def latest(tx: Tx, digest: str) -> DirectoryEdition | None:
    """The newest signed document, when that is the one of this state."""
    newest = tx.session.scalar(sa.select(DirectoryEdition).order_by(DirectoryEdition.version.desc()).limit(1))
    return newest if newest is not None and newest.digest == digest else None


def publish(tx: Tx, found: Edition) -> DirectoryEdition:
    """Sign this state as the next version, unless somebody just did. A state that comes back is a new version: versions
    only grow."""
    tx.take_turns(TYPE)
    known = latest(tx, found.digest)
    if known is not None:
        return known
    version = (tx.session.scalar(sa.select(sa.func.max(DirectoryEdition.version))) or 0) + 1
    now = clock.now()
    claims = {"iss": receipts.issuer(), "iat": int(now.timestamp()), "version": version, **found.facts}
    row = DirectoryEdition(version=version, digest=found.digest, jws=receipts.state(tx, TYPE, claims), made_at=now)
    tx.session.add(row)
    tx.session.flush()
    tx.audit("system", "hub.directory_published", f"directory:{version}", {"digest": found.digest})
    return row


def _ways(row: Agency, fetches: bool, added: DirectoryEntries, most_bytes: int) -> list[dict[str, Any]]:
    """How an agency is reached, the way that is taken first; what is served here needs no other."""
    if row.is_local:
        return [{"way": "pages", "most_bytes": most_bytes}]
    found: list[dict[str, Any]] = [{"way": "mailbox", "most_bytes": most_bytes}] if fetches else []
    return found + added.ways.get(row.id, [])


def _units(tx: Tx) -> dict[int, list[dict[str, str | None]]]:
    rows = list(tx.session.scalars(sa.select(Unit).order_by(Unit.name, Unit.id)))
    names = {row.id: row.name for row in rows}
    return _by_agency(
        (row.agency_id, {"name": row.name, "short_name": row.short_name, "parent": names.get(row.parent_id or 0)})
        for row in rows
    )


def _certificates(tx: Tx, added: DirectoryEntries) -> dict[int, list[dict[str, Any]]]:
    """Seals that were seen, certificates of systems, and those of transports."""
    seals = tx.session.scalars(sa.select(SealCertificate).order_by(SealCertificate.seen_at, SealCertificate.sha256))
    known = sa.and_(ApiClient.certificate_sha256 != "", ApiClient.revoked_at.is_(None))
    systems = tx.session.scalars(sa.select(ApiClient).where(known).order_by(ApiClient.id))
    return _by_agency(
        [
            *((row.agency_id, _seal(row)) for row in seals),
            *((row.agency_id, _told("system", row.certificate_sha256, row.certificate_until)) for row in systems),
            *added.certificates,
        ]
    )


def _seal(row: SealCertificate) -> dict[str, Any]:
    names = {"name": row.name, "serial": row.serial, "issuer": row.issuer, "test": row.test}
    return {**_told("seal", row.sha256, row.not_after), **names}


def _told(use: str, sha256: str, until: datetime | None) -> dict[str, Any]:
    return {"use": use, "sha256": sha256, "valid_until": until.isoformat() if until else None}


def _by_agency(pairs: Iterable[tuple[int, Any]]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for agency_id, told in pairs:
        found.setdefault(agency_id, []).append(told)
    return found
