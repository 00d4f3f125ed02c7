"""The directory as one signed document, so that systems can keep a copy and prove where they have it from."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from directory.models import Agency, AgencyAlias, Unit
from docex.hub import keys
from docex.hub.mailbox import readers
from docex.hub.models import DirectoryEdition
from kernel import clock
from kernel.db import Tx

TYPE = "lienthong-directory+jwt"


@dataclass(frozen=True)
class Edition:
    """One state of the directory: its fingerprint, and the facts that are signed."""

    digest: str
    facts: dict[str, Any]


def edition(tx: Tx) -> Edition:
    """The directory as it stands now: agencies with all their codes, units, successors, and the ways they can be
    reached. The fingerprint changes when any of it does."""
    agencies = tx.session.scalars(sa.select(Agency).order_by(Agency.code)).all()
    codes = {row.id: row.code for row in agencies}
    aliases: dict[int, list[str]] = {}
    for alias in tx.session.scalars(sa.select(AgencyAlias).order_by(AgencyAlias.code)):
        aliases.setdefault(alias.agency_id, []).append(alias.code)
    units: dict[int, list[dict[str, str]]] = {}
    for unit in tx.session.scalars(sa.select(Unit).order_by(Unit.name)):
        units.setdefault(unit.agency_id, []).append({"name": unit.name, "short_name": unit.short_name})
    fetching = readers(tx)
    facts = {
        "agencies": [
            _agency(row, codes, aliases.get(row.id, []), units.get(row.id, []), row.id in fetching) for row in agencies
        ]
    }
    text = json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return Edition(hashlib.sha256(text.encode()).hexdigest(), facts)


def published(tx: Tx, digest: str) -> DirectoryEdition | None:
    """The signed document of that state, when it was made already."""
    return tx.session.scalar(sa.select(DirectoryEdition).where(DirectoryEdition.digest == digest))


def publish(tx: Tx, found: Edition) -> DirectoryEdition:
    """Sign this state as the next version, once."""
    known = published(tx, found.digest)
    if known is not None:
        return known
    version = (tx.session.scalar(sa.select(sa.func.max(DirectoryEdition.version))) or 0) + 1
    now = clock.now()
    key = keys.signing_key(tx)
    claims = {"iss": keys.issuer(), "iat": int(now.timestamp()), "version": version, **found.facts}
    row = DirectoryEdition(version=version, digest=found.digest, jws=key.sign(TYPE, claims), made_at=now)
    tx.session.add(row)
    tx.session.flush()
    tx.audit("system", "hub.directory_published", f"directory:{version}", {"digest": found.digest})
    return row


def _agency(
    row: Agency, codes: dict[int, str], aliases: list[str], units: list[dict[str, str]], fetches: bool
) -> dict[str, Any]:
    return {
        "code": row.code,
        "old_codes": [code for code in (row.old_code, *aliases) if code],
        "name": row.name,
        "short_name": row.short_name,
        "parent": codes.get(row.parent_id or 0),
        "units": units,
        "valid_from": row.valid_from_on.isoformat() if row.valid_from_on else None,
        "valid_until": row.valid_until_on.isoformat() if row.valid_until_on else None,
        "successor": codes.get(row.merged_into_id or 0),
        "ways": [*(["pages"] if row.is_local else []), *(["mailbox"] if fetches else [])],
    }
