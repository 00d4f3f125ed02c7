"""What load balancers and administrators hear when the database is not there, or of another release."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from kernel.config import Config
from kernel.db import Database
from kernel.storage.blobs import store_for
from tests.postgres import TestServer
from tests.web.application import create_app
from web import schema
from web.cli import main
from web.services import Services
from web.tour.instance import free_port

PATHS = ("/health", "/ready")


def asked(client: FlaskClient) -> list[tuple[int, object]]:
    return [(answer.status_code, answer.json) for answer in map(client.get, PATHS)]


def answers(config: Config, cookie: str = "") -> list[tuple[int, object]]:
    db = Database(config.sql_url)
    try:
        client = create_app(config, Services(config, db, store_for(config))).test_client()
        if cookie:
            client.set_cookie("lt_session", cookie)
        return asked(client)
    finally:
        db.close()


GOOD = (200, {"status": "ok"})
AWAY = (503, {"status": "unavailable", "reason": "database"})
OLD = (503, {"status": "unavailable", "reason": "schema"})


def test_a_database_that_is_stopped_under_the_service_is_told(tmp_path: Path) -> None:
    with TestServer() as server:
        config = Config(data_dir=tmp_path, database_url=server.create("health"))
        schema.upgrade(config)
        db = Database(config.sql_url)
        client = create_app(config, Services(config, db, store_for(config))).test_client()
        assert asked(client) == [GOOD, GOOD]
        server.stop()
        assert asked(client) == [AWAY, AWAY]
        server.start()
        assert asked(client) == [GOOD, GOOD]
        db.close()


@pytest.mark.parametrize("cookie", ["", "somebody"])
def test_a_database_that_never_answered_is_told(tmp_path: Path, cookie: str) -> None:
    url = f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/nothing"
    assert answers(Config(data_dir=tmp_path, database_url=url), cookie) == [AWAY, AWAY]


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "lienthong.db").write_bytes(b"no database at all " * 100)
    assert answers(Config(data_dir=tmp_path)) == [AWAY, AWAY]


def test_who_was_not_migrated_is_not_ready(tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path)
    assert answers(config) == [GOOD, OLD]
    schema.upgrade(config)
    assert answers(config) == [GOOD, GOOD]


@pytest.mark.parametrize(
    "command",
    [
        ["pki", "test"],
        ["seed"],
        ["sweep"],
        ["log", "check"],
        ["audit", "check"],
        ["mail-partner", "H98.07", "vanthu@so.example"],
        ["found", "--agency-code", "H29", "--agency-name", "UBND", "--name", "A", "--email", "a@b.vn"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
@pytest.mark.parametrize("folder", ["there", "not there"])
def test_a_command_on_a_database_without_tables_says_what_to_do(
    tmp_path: Path, command: list[str], folder: str
) -> None:
    data = tmp_path if folder == "there" else tmp_path / "none" / "yet"
    done = CliRunner().invoke(main, command, env={"LIENTHONG_DATA_DIR": str(data)})
    assert done.exit_code == 1
    assert "run: lienthong migrate" in done.output
    assert isinstance(done.exception, SystemExit)
    assert not (data / "pki").exists()


def test_a_command_whose_database_is_away_says_so(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://nobody:geheim@127.0.0.1:{free_port()}/nothing"
    done = CliRunner().invoke(main, ["pki", "test"], env={"LIENTHONG_DATABASE_URL": url})
    assert done.exit_code == 1
    assert "does not answer" in done.output
    assert "geheim" not in done.output
