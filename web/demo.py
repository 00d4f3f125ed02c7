"""The demo city: invented people with one password, test keys, and something to do in every room."""

import importlib
from pathlib import Path

import sqlalchemy as sa

from directory.models import Agency, Membership, Person
from docex.documents.key_custody import person_key_name, seal_key_name
from kernel.config import Config
from kernel.db import Tx
from signing.testca.authority import TestPerson, TestSeal
from signing.testca.authority import make_test_authority as make_authority
from signing.trust.trust_store import TrustStore
from web import rooms, welcome
from web.services import Services


def seed(config: Config) -> str:
    """Fill an empty database and make the test keys; on a city that stands nothing changes. Answers who can sign in."""
    rooms.load_pages()
    parts = Services.from_config(config)
    try:
        with parts.db.write("system") as tx:
            for room in rooms.ROOMS[:-1]:
                _seed_room(room, tx, parts)
        make_authority(config.pki_dir, trust=_trust(config))
    finally:
        parts.db.close()
    return welcome.words(config)


def make_test_authority(config: Config, folder: Path) -> str:
    """Make the marked test authority in `folder`, with a key for every leader and clerk and a seal for every agency
    of the database, and let the demo's trust store trust it. Answers what there is, in one line."""
    parts = Services.from_config(config)
    try:
        with parts.db.read() as tx:
            people, seals = _holders(tx)
    finally:
        parts.db.close()
    make_authority(folder, people, seals, trust=_trust(config))
    return f"{folder}: CHỨNG THƯ THỬ NGHIỆM, {len(people)} people, {len(seals)} seals"


def _trust(config: Config) -> TrustStore:
    return TrustStore(config.trust_folder, allow_test=config.mode == "demo")


def _holders(tx: Tx) -> tuple[list[TestPerson], list[TestSeal]]:
    agencies = {a.id: a for a in tx.session.scalars(sa.select(Agency).where(Agency.is_local))}
    rows = tx.session.execute(sa.select(Person, Membership).join(Membership, Membership.person_id == Person.id))
    people = [
        TestPerson(person_key_name(person.id), person.name, agencies[m.agency_id].name, m.title, person.email)
        for person, m in rows
        if m.agency_id in agencies
    ]
    return people, [TestSeal(seal_key_name(a.id), a.name) for a in agencies.values()]


def _seed_room(room: str, tx: Tx, parts: Services) -> None:
    name = f"{room}.demo"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return
    if room == "directory":
        module.seed(tx)
    else:
        module.seed(tx, parts.blobs)
