"""`lienthong agent` as an office starts it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.docex.agent.agents import AgentProcess
from tests.docex.agent.conftest import Served
from tests.docex.agent.test_access import with_a_key
from tests.docex.hub.systems import a_file
from web.cli import main

pytestmark = [pytest.mark.one_database("sqlite"), pytest.mark.long_proof]


def run_agent(agent: AgentProcess, *proof: str, hub: str = "") -> Result:
    """One run with `--once`."""
    options = ["--hub", hub or agent.url, "--dir", str(agent.root), "--client-id", agent.credentials.client_id]
    return CliRunner().invoke(main, ["agent", *options, *proof, "--once"])


@pytest.fixture
def secret(sender: AgentProcess, tmp_path: Path) -> Path:
    """The secret in a file."""
    path = tmp_path / "secret"
    path.write_text(sender.credentials.secret + "\n")
    path.chmod(0o600)
    return path


@pytest.mark.usefixtures("receiver")
def test_the_command_serves_a_folder(served: Served, sender: AgentProcess, secret: Path) -> None:
    sender.put("giay-moi.edxml", a_file(served.office))
    done = run_agent(sender, "--secret-file", str(secret))
    assert done.exit_code == 0, done.output
    assert sender.names("sent") == ["giay-moi.edxml"]
    away = run_agent(sender, "--secret-file", str(secret), hub="http://127.0.0.1:9")
    assert away.exit_code == 1
    assert "Traceback" not in away.output
    assert "Không kết nối được tới trục. Xin kiểm tra mạng. / The hub cannot be reached." in away.output


@pytest.mark.usefixtures("receiver")
def test_the_command_serves_a_folder_with_a_key(served: Served, sender: AgentProcess, tmp_path: Path) -> None:
    with_a_key(served, sender.credentials, tmp_path / "khoa.pem")
    sender.put("giay-moi.edxml", a_file(served.office))
    key = ("--key-file", str(tmp_path / "khoa.pem"))
    other = run_agent(sender, *key)  # made out to the test's port, which is not the address in the hub's settings
    assert other.exit_code == 1
    assert sender.names("outbox") == ["giay-moi.edxml"]
    done = run_agent(sender, *key, "--audience", served.office.config.base_url)
    assert done.exit_code == 0, done.output
    assert sender.names("sent") == ["giay-moi.edxml"]


def test_one_proof_is_needed_and_it_must_be_there(sender: AgentProcess, secret: Path, tmp_path: Path) -> None:
    assert run_agent(sender).exit_code == 2
    assert run_agent(sender, "--secret-file", str(secret), "--key-file", str(secret)).exit_code == 2
    missing = run_agent(sender, "--key-file", str(tmp_path / "khong-co"))
    assert missing.exit_code == 1
    assert "khong-co" in missing.output
    (tmp_path / "trong").touch()
    assert run_agent(sender, "--secret-file", str(tmp_path / "trong")).exit_code == 1


def test_an_open_line_to_another_machine_is_refused(sender: AgentProcess, secret: Path) -> None:
    done = run_agent(sender, "--secret-file", str(secret), hub="http://hub.example")
    assert done.exit_code == 1
    assert "https://" in done.output
    assert not (sender.root / "outbox").exists()


@pytest.mark.usefixtures("receiver")
def test_one_run_that_lays_a_file_aside_says_so_and_ends_with_1(
    served: Served, sender: AgentProcess, secret: Path
) -> None:
    sender.put("giay-moi.edxml", a_file(served.office))
    sender.put("khong-phai.edxml", b"<a>no edXML</a>")
    done = run_agent(sender, "--secret-file", str(secret))
    assert done.exit_code == 1
    assert "khong-phai.edxml" in done.output
    assert "error" in done.output
    assert (sender.names("sent"), sender.names("outbox")) == (["giay-moi.edxml"], [])
    assert run_agent(sender, "--secret-file", str(secret)).exit_code == 0
