"""The keys with which agencies sign their e-mail: a key of the system, never the agency's seal (signing.md).

`pki/mail/<code>.p12`; in demo mode the marked test authority makes them when they are first needed.
"""

from functools import lru_cache
from pathlib import Path

from cryptography.x509.oid import NameOID

from directory.queries import AgencyCard
from docex.exchange.mail.addresses import exchange_address
from kernel.config import Config
from signing.keys.keystore import KeyStore, file_key
from signing.testca.authority import EMAIL_PROTECTION, TestAuthority
from signing.testca.certificates import subject_named


class MailKeys:
    """The keys of one installation. Opening a key is not using it: only jobs sign."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def key(self, agency: AgencyCard) -> KeyStore:
        """The key of an agency's mail; Unavailable when this installation holds none."""
        path = self._config.pki_dir / "mail" / f"{agency.code.lower()}.p12"
        if self._config.mode != "demo":
            return file_key(path, self._config.mail_key_passphrase.encode())
        authority = _authority(self._config.pki_dir)
        if not path.exists():
            names = [
                (NameOID.ORGANIZATION_NAME, agency.name),
                (NameOID.EMAIL_ADDRESS, exchange_address(self._config, agency.code)),
            ]
            pair = authority.certify(subject_named(agency.name, names), usages=[EMAIL_PROTECTION])
            authority.write_pair(path, pair)
        return file_key(path, authority.passphrase)


@lru_cache(maxsize=8)
def _authority(folder: Path) -> TestAuthority:
    return TestAuthority(folder)
