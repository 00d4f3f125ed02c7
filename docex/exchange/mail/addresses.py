"""An agency's exchange address is its code at the domain of the SMTP listener: `h29.01@vanban.example`."""

import re

from directory import queries as directory
from directory.models import Agency
from directory.queries import AgencyCard
from kernel.config import Config
from kernel.db import Tx
from notify.mail.mime import domain_of

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


def exchange_domain(config: Config) -> str:
    """The domain whose mail comes to the SMTP listener."""
    return (config.mail_door_domain or domain_of(config.mail_from)).lower()


def exchange_address(config: Config, code: str) -> str:
    """Where partners write to an agency, and from where it writes."""
    return f"{code.lower()}@{exchange_domain(config)}"


def agency_at(tx: Tx, config: Config, address: str) -> AgencyCard | None:
    """The agency of this instance that has this exchange address; after a merger its successor."""
    local, _, domain = address.rpartition("@")
    if domain.lower() != exchange_domain(config):
        return None
    found: Agency | None = directory.agency_by_code(tx, local)
    return directory.card_of(found) if found is not None and found.is_local else None


def plain_address(text: str) -> str:
    """An address as it is compared, or "" when it is none."""
    clean = text.strip().lower()
    return clean if _ADDRESS.fullmatch(clean) and len(clean) <= 254 else ""
