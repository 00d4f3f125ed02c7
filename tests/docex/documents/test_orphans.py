"""The sweep of stored files: what a row names stays however old it is, what none names goes when it is old."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from docex.documents.drafting import outgoing
from docex.documents.models import Document, PaperVerdict
from docex.documents.registers.models import Printout
from docex.exchange.hub.uploads.resumable import Folder
from kernel import clock, outbox
from kernel.config import Config
from kernel.outbox import OutboxRow
from kernel.storage.blobs import DiskBlobs, read_all
from tests.docex.office import Office
from web import jobs, sweeping

pytestmark = pytest.mark.long_proof

WEEK = timedelta(days=7)


def age(store: DiskBlobs) -> set[str]:
    """Make everything in the store old. Answers what is there."""
    for one in store.listed():
        os.utime(store.folder / one.sha256[:2] / one.sha256, (0, 0))
    return {one.sha256 for one in store.listed()}


@pytest.fixture
def settings(office: Office, database_url: str) -> Config:
    return replace(office.config, database_url=database_url)


def swept(config: Config, office: Office, *, remove: bool = True) -> sweeping.Swept:
    return sweeping.swept(config, office.blobs, older_than=WEEK, remove=remove)


def test_what_any_row_names_stays_and_only_what_none_names_goes(office: Office, settings: Config) -> None:
    with office.db.write(office.cast.ha.by) as tx:
        annex = office.file(b"an annex", "phu-luc.bin", "application/octet-stream")
        number = outgoing.write(tx, office.cast.ha, office.draft(), (annex,)).id
    office.issue(number, office.cast.ha, office.cast.binh)
    assert isinstance(office.blobs, DiskBlobs)
    named = age(office.blobs)
    assert len(named) >= 5  # drafts of the paper, signed, sealed, the annex, the envelope
    assert swept(settings, office).found.removed == 0
    lost = office.file(b"of a transaction that never committed").sha256
    assert swept(settings, office).found.orphans == 0  # it is young
    assert age(office.blobs) == {*named, lost}
    shown = swept(settings, office, remove=False).found
    assert ([one.sha256 for one in shown.names], shown.removed, shown.files) == ([lost], 0, len(named) + 1)
    assert swept(settings, office).found.removed == 1
    assert age(office.blobs) == named
    for sha256 in named:
        read_all(office.blobs, sha256)


def test_a_file_that_only_a_verdict_names_stays(office: Office, settings: Config) -> None:
    office.sent()
    answer = office.file(b"what an authority said").sha256
    with office.db.write() as tx:
        row = tx.session.scalars(sa.select(PaperVerdict)).first()
        assert row is not None
        row.report = {**row.report, "signatures": [{"revocation": [{"sha256": answer}]}]}
    assert isinstance(office.blobs, DiskBlobs)
    assert answer in age(office.blobs)
    assert swept(settings, office).found.removed == 0


def test_a_file_that_a_column_names_which_forgot_to_say_so_stays(
    office: Office, settings: Config, caplog: pytest.LogCaptureFixture
) -> None:
    number, named = office.on_its_way(), office.file(b"named where nobody expects it").sha256
    with office.db.write() as tx:
        tx.session.get_one(Document, number).change_reason = named
    assert isinstance(office.blobs, DiskBlobs)
    assert named in age(office.blobs)
    assert swept(settings, office).found.orphans == 0
    assert "docex_document.change_reason names stored files" in caplog.text
    assert named in age(office.blobs)


def test_pieces_without_a_row_are_swept_when_they_are_old(office: Office, settings: Config) -> None:
    folder = Folder(settings.data_dir / "uploads")
    for upload_id in ("a" * 32, "b" * 32):
        folder.write(upload_id, 0, b"half a file")
    os.utime(folder.file("a" * 32), (0, 0))
    (folder.path / "not ours").touch()
    assert swept(settings, office, remove=False).pieces == 1
    assert swept(settings, office).pieces == 1
    assert sorted(path.name for path in folder.path.iterdir()) == ["b" * 32, "not ours"]


def test_the_command_knows_every_table(office: Office, settings: Config) -> None:
    kept = office.file(b"named by a printout alone")
    lost = office.file(b"named by nobody")
    with office.db.write() as tx:
        asked = {"person_id": office.cast.ha.person_id, "agency_id": office.cast.ha.agency_id, "asked": {}}
        now = clock.now()
        tx.session.add(Printout(**asked, format="pdf", name="", problem={}, sha256=kept.sha256, made_at=now))
    assert isinstance(office.blobs, DiskBlobs)
    age(office.blobs)
    env = {"LIENTHONG_DATA_DIR": str(office.blobs.folder.parent), "LIENTHONG_DATABASE_URL": settings.database_url}
    # In a process of its own: this one has loaded the tables already.
    command = [sys.executable, "-m", "web", "sweep"]
    told = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, check=True).stdout
    assert lost.sha256 in told
    assert kept.sha256 not in told
    assert "1 of 2 files" in told


@pytest.mark.repeats("web.sweep_files")
def test_the_weekly_sweep_is_promised_and_does_no_harm_twice(office: Office, settings: Config) -> None:
    with office.db.write() as tx:
        sweeping.enqueue(tx)
        sweeping.enqueue(tx)
    with office.db.read() as tx:
        promised = sa.select(sa.func.count()).where(OutboxRow.topic == sweeping.TOPIC)
        assert tx.session.scalar(promised) == 1
    jobs.register_jobs(settings, office.blobs)
    lost = office.file(b"nobody's").sha256
    assert isinstance(office.blobs, DiskBlobs)
    age(office.blobs)
    handler = outbox.handlers[sweeping.TOPIC]
    for removed in (1, 0):
        assert handler.perform(WEEK).found.removed == removed
    assert lost not in age(office.blobs)
