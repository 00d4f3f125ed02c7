"""The commands a person types."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from kernel import clock
from kernel.config import Config
from kernel.doctor import Health
from tests.postgres import TestServer
from web import doctor, schema
from web.cli import main
from web.tour.instance import free_port


def test_the_doctor_names_what_is_broken_and_what_to_do(config: Config) -> None:
    report, _ = doctor.examine(config)
    assert "lienthong migrate" in report
    assert "Chạy: lienthong migrate" in report


def test_the_doctor_is_content_with_a_fresh_instance(tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path)
    schema.upgrade(config)
    report, healthy = doctor.examine(config)
    for name in ("database", "blobs", "disk", "clock", "fonts", "smtp", "sms", "tsa", "trust"):
        assert f" {name}: " in report
    assert healthy, report


def test_the_doctor_holds_the_clock_against_others(config: Config) -> None:
    with clock.frozen(clock.now() + timedelta(minutes=3)):
        found = doctor.clock_check(config)
    expected = Health.GOOD, Health.POOR  # whether a time server sets the clock of the machine that runs this
    assert found.health in ((Health.BAD,) if config.database_url.startswith("postgresql") else expected)
    assert (found.hint is None) == (found.health is Health.GOOD)


def test_the_doctor_finds_a_dead_database_and_a_dead_mail_server(tmp_path: Path, postgres: TestServer) -> None:
    url = f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/nothing"
    config = Config(data_dir=tmp_path, database_url=url, smtp_url=f"smtp://127.0.0.1:{free_port()}")
    report, healthy = doctor.examine(config)
    assert not healthy
    assert "✘ database: " in report
    assert "✘ smtp: " in report


@pytest.mark.parametrize(("name", "value"), [("LIENTHONG_PORT", "many"), ("LIENTHONG_MODE", "toy")])
def test_a_wrong_setting_is_said_in_one_line(name: str, value: str) -> None:
    done = CliRunner().invoke(main, ["doctor"], env={name: value})
    assert done.exit_code == 1
    assert name in done.output
    assert "Traceback" not in done.output


@pytest.mark.long_proof
def test_up_brings_back_a_part_that_died_and_stops_both(tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, "LIENTHONG_DATA_DIR": str(tmp_path), "LIENTHONG_PORT": str(port)}
    lienthong = [sys.executable, "-m", "web"]
    subprocess.run([*lienthong, "migrate"], env=environment, check=True)
    up = subprocess.Popen([*lienthong, "up"], env=environment, stderr=subprocess.DEVNULL)
    try:
        first = _pid_of_web(up.pid, port)
        os.kill(first, signal.SIGKILL)
        assert _pid_of_web(up.pid, port, other_than=first) != first
    finally:
        up.terminate()
        assert up.wait(90) == 0
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{port}/health", timeout=30)


def _pid_of_web(up: int, port: int, other_than: int = 0) -> int:
    """The child of `up` that serves pages, once it answers."""
    end = time.monotonic() + 90
    while time.monotonic() < end:
        for child in Path(f"/proc/{up}/task/{up}/children").read_text().split():
            if int(child) != other_than and _is_web(child) and _answers(port):
                return int(child)
        time.sleep(0.1)
    raise AssertionError("web does not answer")


def _is_web(child: str) -> bool:
    try:
        return Path(f"/proc/{child}/cmdline").read_bytes().endswith(b"web\0web\0")
    except (FileNotFoundError, ProcessLookupError):  # it has just been killed
        return False


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/health", timeout=30).ok
    except requests.RequestException:
        return False
