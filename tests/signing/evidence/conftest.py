"""One pack for all tests of this folder: signing, verification and the log cost a second."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kernel.db import Database
from kernel.schema import Base
from signing.pdf.pades import sign_person, sign_seal
from signing.testca.specimens import handwriting, seal
from tests.signing.conftest import ANCHOR, CITY, Office
from tests.signing.evidence.packs import Made, make_pack
from web import rooms


@pytest.fixture(scope="session")
def own_db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    rooms.load_models()
    path: Path = tmp_path_factory.mktemp("evidence")
    found = Database(f"sqlite:///{path / 'log.db'}")
    Base.metadata.create_all(found.engine)
    yield found
    found.close()


@pytest.fixture(scope="session")
def made(own_db: Database, office: Office, letter: bytes) -> Made:
    """A pack of the sealed letter with an attachment that nobody signed."""

    def make() -> Made:
        signed = sign_person(letter, office.binh, anchor=ANCHOR, image=handwriting("Nguyễn Thanh Bình"))
        sealed = sign_seal(signed, office.seal, image=seal(CITY))
        return make_pack(own_db, office, [sealed, letter])

    with ThreadPoolExecutor(1) as aside:  # where Playwright has its loop, pyHanko refuses to work
        return aside.submit(make).result()
