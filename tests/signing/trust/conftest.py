"""An authority whose services answer on loopback, and an instance with two administrators and an empty trust store."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from directory import queries
from directory.actor import Actor, Role
from directory.models import RoleGrant
from kernel.config import Config
from kernel.db import Database
from kernel.queue.worker import drain
from kernel.storage.blobs import BlobStore
from signing.keys.keystore import FileKeyStore
from signing.testca.authority import TestAuthority, TestPerson, TestSeal
from signing.testca.services import TestServices, open_listener, served
from signing.testca.trial import trust_seen
from signing.trust import anchors
from signing.trust import jobs as trust_jobs
from signing.trust.trust_store import Purpose, Trust
from tests.cast import Cast
from tests.signing.conftest import CITY

T = TypeVar("T")
SIGNING = (Purpose.PERSON, Purpose.SEAL, Purpose.TSA)


@dataclass
class Public:
    """An authority out there: its services, a person and a seal whose certificates name them."""

    authority: TestAuthority
    services: TestServices
    person: FileKeyStore
    seal: FileKeyStore


@pytest.fixture(scope="session")
def _public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Public]:
    listener = open_listener()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    authority = TestAuthority(tmp_path_factory.mktemp("public"), served_at=address)
    person = authority.issue_person(TestPerson("binh", "Nguyễn Thanh Bình", CITY, "Chánh Văn phòng"))
    seal = authority.issue_seal(TestSeal("city", CITY))
    authority.status_pair()  # its key takes longer to make than a caller may want to wait for the first answer
    with served(authority, listener) as services:
        yield Public(authority, services, person, seal)


@pytest.fixture
def public(_public: Public) -> Public:
    _public.services.well()
    shutil.rmtree(
        _public.authority.folder / "crl", ignore_errors=True
    )  # another test may have had lists made in its future
    return _public


@dataclass
class Instance:
    """The trust store of an instance, and those who look after it."""

    db: Database
    config: Config
    cast: Cast
    admin: Actor
    second: Actor

    def act(self, actor: Actor, verb: Callable[..., T], *given: Any, **named: Any) -> T:
        with self.db.write(actor.by) as tx:
            return verb(tx, actor, *given, **named)

    def trusts(self, certificate: bytes) -> None:
        """Both agree on a root."""
        change = self.act(self.admin, anchors.propose, certificate, SIGNING, "để thử", allow_test=True)
        self.act(self.second, anchors.confirm, change.id, change.sha256)

    def work(self) -> None:
        drain(self.db)

    @property
    def trust(self) -> Trust:
        with self.db.read() as tx:
            return trust_seen(tx, self.config)


@pytest.fixture
def instance(db: Database, config: Config, blobs: BlobStore, cast: Cast, tmp_path: Path) -> Instance:
    config = replace(config, revocation_hosts="127.0.0.1", trust_dir=str(tmp_path / "no-trust"))
    trust_jobs.register(config)
    with db.write() as tx:
        tx.session.add(RoleGrant(person_id=cast.son.person_id, agency_id=cast.city.id, role=Role.ADMIN))
        tx.session.flush()
        second = queries.actor_of(tx, cast.son.person_id)
    assert second is not None
    return Instance(db, config, cast, cast.admin, second)
