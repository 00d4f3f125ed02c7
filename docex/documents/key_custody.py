"""Whose key signs what: the settings say where seals lie (`signing.keys.key_settings`). In demo mode keys of the
marked test authority lie in a folder, one a person and one an agency, made when they are first needed; a production
installation refuses to hold people's keys."""

from functools import lru_cache
from pathlib import Path

from directory.queries import AgencyCard, PersonCard
from kernel.config import Config
from kernel.db import Tx
from kernel.errors import Unavailable
from kernel.text import phrase
from signing.keys.key_settings import envelope_store, person_store, seal_store
from signing.keys.keystore import KeyStore
from signing.pdf import seal_images
from signing.testca.authority import TestPerson, TestSeal
from signing.testca.specimens import handwriting
from signing.testca.specimens import seal as specimen
from signing.testca.trial import authority_in, trust_of
from signing.trust.trust_store import Trust


class Custody:
    """The keys and the trust of one installation. Opening a key is not using it: only jobs sign."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def person_key(self, person: PersonCard) -> KeyStore:
        """The key of a person; Unavailable when this installation holds none."""
        self._demo_only()
        if (named := person_store(self._config, person.email)) is not None:
            return named
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
        if (named := seal_store(self._config, agency.code)) is not None:
            return named
        self._demo_only()
        return _seal(self._config.pki_dir, seal_key_name(agency.id), agency.name)

    def signature_picture(self, person: PersonCard) -> bytes | None:
        """A person's signature as the page shows it: an invented flourish in demo mode, elsewhere nothing: people
        sign there with devices of their own, which draw it."""
        return handwriting(person.name) if self._config.mode == "demo" else None

    def seal_picture(self, agency: AgencyCard) -> bytes | None:
        """The agency's seal as the page shows it: a marked specimen in demo mode, elsewhere the picture that the
        operator put there; None when there is none. Invalid when it cannot be used."""
        if self._config.mode == "demo":
            return specimen(agency.name)
        return seal_images.seal_picture(self._config, agency.code)

    def system_key(self, agency: AgencyCard) -> KeyStore | None:
        """The key with which the agency's system signs envelopes; None when this installation holds none: they go out
        unsigned then."""
        if (named := envelope_store(self._config, agency.code)) is not None:
            return named
        if self._config.mode != "demo":
            return None
        return _system(self._config.pki_dir, system_key_name(agency.id), agency.name)

    def trust(self, tx: Tx) -> Trust:
        """The certificates that verdicts rest on."""
        return trust_of(tx, self._config)

    def _demo_only(self) -> None:
        if self._config.mode != "demo":
            raise Unavailable(phrase("Hệ thống này không giữ khoá ký số. Việc ký phải làm bằng thiết bị của người ký."))


def person_key_name(person_id: int) -> str:
    """The name of a person's key in the test authority."""
    return f"person-{person_id}"


def seal_key_name(agency_id: int) -> str:
    """The name of an agency's seal key in the test authority."""
    return f"agency-{agency_id}"


def system_key_name(agency_id: int) -> str:
    """The name of the key of an agency's system in the test authority."""
    return f"system-{agency_id}"


# Opening a key file costs a key derivation (about 100 ms), so it is kept.


@lru_cache(maxsize=256)
def _person(folder: Path, key: str, name: str, agency: str, title: str, email: str) -> KeyStore:
    return authority_in(folder).issue_person(TestPerson(key, name, agency, title, email))


@lru_cache(maxsize=256)
def _seal(folder: Path, key: str, agency: str) -> KeyStore:
    return authority_in(folder).issue_seal(TestSeal(key, agency))


@lru_cache(maxsize=256)
def _system(folder: Path, key: str, agency: str) -> KeyStore:
    return authority_in(folder).issue_system(TestSeal(key, agency))
