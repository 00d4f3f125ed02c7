"""Whose key signs what. In demo mode keys of the marked test authority lie in a folder, one a person and one an
agency, made when they are first needed; a production installation refuses to hold people's keys."""

from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from directory.queries import AgencyCard, PersonCard
from kernel.config import Config
from kernel.db import Tx
from kernel.errors import Unavailable
from kernel.text import phrase
from signing.keys import KeyStore
from signing.snapshot import trust_now
from signing.testpki import TestAuthority, TestPerson, TestSeal
from signing.trust import Trust, TrustStore


class Custody:
    """The keys and the trust of one installation. Opening a key is not using it: only jobs sign."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def person_key(self, person: PersonCard) -> KeyStore:
        """The key of a person; Unavailable when this installation holds none."""
        self._demo_only()
        return _person(
            self._config.pki_dir,
            person_key_name(person.id),
            person.name,
            person.agency_name,
            person.title,
            person.email,
        )

    def seal_key(self, agency: AgencyCard) -> KeyStore:
        """The key of an agency's seal; Unavailable when this installation holds none."""
        self._demo_only()
        return _seal(self._config.pki_dir, seal_key_name(agency.id), agency.name)

    def trust(self, tx: Tx) -> Trust:
        """The certificates that verdicts rest on; in a trial the test authority's lists are renewed first."""
        if self._config.mode == "demo":
            _authority(self._config.pki_dir).enter_into(_store(self._config.trust_folder))
        return trust_of(tx, self._config)

    def _demo_only(self) -> None:
        if self._config.mode != "demo":
            raise Unavailable(phrase("Hệ thống này không giữ khoá ký số. Việc ký phải làm bằng thiết bị của người ký."))


def trust_of(tx: Tx, config: Config) -> Trust:
    """What two people agreed to trust; in a trial also what lies in the folder, the test authority above all."""
    demo = config.mode == "demo"
    trust = trust_now(tx, soft=timedelta(hours=config.revocation_soft_hours), allow_test=demo)
    return trust.joined(_store(config.trust_folder).trust()) if demo else trust


def person_key_name(person_id: int) -> str:
    """The name of a person's key in the test authority."""
    return f"person-{person_id}"


def seal_key_name(agency_id: int) -> str:
    """The name of an agency's seal key in the test authority."""
    return f"agency-{agency_id}"


# Opening the authority and a key file costs a key derivation each (about 100 ms), so both are kept.


@lru_cache(maxsize=8)
def _authority(folder: Path) -> TestAuthority:
    return TestAuthority(folder)


@lru_cache(maxsize=8)
def _store(folder: Path) -> TrustStore:
    return TrustStore(folder, allow_test=True)


@lru_cache(maxsize=256)
def _person(folder: Path, key: str, name: str, agency: str, title: str, email: str) -> KeyStore:
    return _authority(folder).issue_person(TestPerson(key, name, agency, title, email))


@lru_cache(maxsize=256)
def _seal(folder: Path, key: str, agency: str) -> KeyStore:
    return _authority(folder).issue_seal(TestSeal(key, agency))
