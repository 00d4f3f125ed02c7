# ruff: noqa: F811 - a fixture that takes another is named as its import
"""An instance that keeps papers: authorities on loopback, jobs of the archive, a letter that is signed and sealed."""

import io
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from kernel import clock
from kernel.outbox import OutboxRow, State
from kernel.storage.blobs import BlobStore, read_all
from signing.archive import jobs as archive_jobs
from signing.archive import preservation
from signing.archive.preservation import Kept
from signing.keys.keystore import FileKeyStore
from signing.pdf.pades import sign_person, sign_seal
from signing.testca.trial import trust_of
from signing.trust import jobs as trust_jobs
from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.verdict import Level, Verdict
from signing.verification.file_verification import verify
from tests.signing.papers import minimal_pdf
from tests.signing.trust.conftest import Instance, Public, _public, instance, public  # noqa: F401 - fixtures


@dataclass
class Keeping:
    """An instance, the world outside, and where files lie."""

    instance: Instance
    public: Public
    blobs: BlobStore

    def keep(self, pdf: bytes, level: Level = Level.B_B) -> str:
        """A paper was sealed, or came. Answers its name."""
        blob = self.blobs.put(io.BytesIO(pdf))
        with self.instance.db.write() as tx:
            preservation.keep(tx, blob.sha256, blob.size, level)
        return blob.sha256

    def row(self, sha256: str) -> Kept:
        with self.instance.db.read() as tx:
            return preservation.kept(tx, [sha256])[sha256]

    def file(self, sha256: str) -> bytes:
        """The newest file of a paper."""
        return read_all(self.blobs, self.row(sha256).newest)

    def step(self, sha256: str) -> Kept:
        """Wait until the next try of this paper, and let the worker do everything that is due then."""
        at = self.row(sha256).next_at
        assert at is not None
        with clock.frozen(max(at, clock.now())):
            self.instance.work()
        return self.row(sha256)

    def verify(self, pdf: bytes) -> Verdict:
        """The verdict an hour later: the clock was moved on for some of the steps."""
        with self.instance.db.write() as tx:
            trust = trust_of(tx, self.instance.config)
        return verify(pdf, trust, policy_for(DocumentKind.OFFICIAL), at=clock.now() + timedelta(hours=1))

    def jobs(self, *topics: str, state: State = State.WAITING) -> list[OutboxRow]:
        with self.instance.db.read() as tx:
            query = sa.select(OutboxRow).where(OutboxRow.topic.in_(topics), OutboxRow.state == state)
            return list(tx.session.scalars(query.order_by(OutboxRow.due_at)))

    def letter(self, person: FileKeyStore | None = None) -> bytes:
        """A letter with both signatures, level B-B."""
        return sign_seal(sign_person(minimal_pdf("So: 15/UBND-VP"), person or self.public.person), self.public.seal)


@pytest.fixture(scope="session")
def trial_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The instance's own test authority, made once: it signs nothing here."""
    return tmp_path_factory.mktemp("archive-keys")


@pytest.fixture
def keeping(instance: Instance, public: Public, blobs: BlobStore, trial_keys: Path) -> Keeping:
    """The authority out there is trusted, its time-stamps are asked for, and nothing is known of revocation yet."""
    instance.config = replace(instance.config, data_dir=trial_keys, tsa_url=public.services.tsa_url)
    instance.trusts(public.authority.root_certificate)
    trust_jobs.register(instance.config)
    archive_jobs.register(instance.config, blobs)
    return Keeping(instance, public, blobs)
