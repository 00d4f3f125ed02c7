"""`lienthong log` as the administrator uses it."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from kernel.config import Config
from kernel.db import Database
from signing.log import evidence_log, receipts
from signing.log.cli import log as command
from signing.log.evidence_log import Kind
from signing.log.models import LogLeaf


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Config:
    return Config(data_dir=tmp_path, database_url=database_url)


def test_a_sound_log_is_said_to_be_sound_and_a_changed_one_is_not(db: Database, settings: Config) -> None:
    with db.write() as tx:
        evidence_log.add(tx, Kind.DOCUMENT, "a" * 64, "b" * 64)
        evidence_log.sequence(tx)
    said = CliRunner().invoke(command, ["check"], obj=settings)
    assert (said.exit_code, said.output) == (0, "2 dòng / leaves, 1 mốc / heads, 0 nội dung / facts\n")
    with db.write() as tx:
        tx.session.execute(sa.update(LogLeaf).where(LogLeaf.number == 0).values(sha256="c" * 64))
    said = CliRunner().invoke(command, ["check"], obj=settings)
    assert said.exit_code == 1
    assert "Dòng số 0" in said.output
    assert "Mốc 2" in said.output


def test_a_new_key_is_named(db: Database, settings: Config) -> None:
    receipts.use(settings)
    said = CliRunner().invoke(command, ["new-key"], obj=settings)
    assert said.exit_code == 0
    with db.write() as tx:
        receipts.state(tx, "test+jwt", {"a": 1})
        assert [key["kid"] for key in receipts.all_keys(tx)["keys"]] == [said.output.strip()]
