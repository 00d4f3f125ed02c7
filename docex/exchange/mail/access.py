"""How the exchange hears of partners by e-mail, in every process: also where no letter can leave."""

import hashlib

import sqlalchemy as sa
from cryptography.hazmat.primitives.serialization import Encoding

from docex.documents.delivery import transport
from docex.documents.delivery.transport import DirectoryEntries
from docex.exchange.mail.models import MailPartner
from docex.exchange.mail.partners import partner_of
from docex.exchange.mail.smime import read_certificate
from kernel.db import Tx


class PartnerTransport(transport.Transport):
    """E-mail as far as it is known from what was agreed with partners."""

    name = "mail"

    def reaches(self, tx: Tx, agency_id: int) -> bool:
        """Whether e-mail was agreed with this agency."""
        return partner_of(tx, agency_id) is not None

    def directory_entries(self, tx: Tx) -> DirectoryEntries:
        """The addresses of partners, and their certificates whole, since others need them to encrypt."""
        query = sa.select(MailPartner).where(MailPartner.is_active).order_by(MailPartner.id)
        partners = list(tx.session.scalars(query))
        return DirectoryEntries(
            {row.agency_id: [_address(row)] for row in partners},
            [(row.agency_id, _certificate(row)) for row in partners if row.certificate],
        )


def _address(row: MailPartner) -> dict[str, object]:
    mail = {"way": "mail", "address": row.address, "most_bytes": row.max_bytes or None}
    return {**mail, "encrypted": row.encrypts}


def _certificate(row: MailPartner) -> dict[str, object]:
    certificate = read_certificate(row.certificate)
    return {
        "use": "mail",
        "sha256": hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest(),
        "valid_until": certificate.not_valid_after_utc.isoformat(),
        "pem": row.certificate.strip(),
    }


transport.register(PartnerTransport())
