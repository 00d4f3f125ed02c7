"""`lienthong pki serve`: the test authority answers on loopback until it is told to end."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import requests

from kernel.config import process_environment
from signing.pdf.timestamps import HttpTimeStamps, token_over
from signing.testca.authority import TestAuthority, TestPerson

TIMEOUT_S = 240
"""Programs that always come to an end: how soon says how busy the machine is."""


def test_time_stamps_and_lists_are_answered_and_certificates_name_the_address(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "web", "pki", "serve", str(tmp_path / "pki"), "--port", "0"]
    environment = process_environment(LIENTHONG_DATA_DIR=str(tmp_path), LIENTHONG_MODE="demo", PYTHONUNBUFFERED="1")
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=environment) as serving:
        assert serving.stdout is not None
        said = [serving.stdout.readline() for _ in range(3)]
        assert "CHỨNG THƯ THỬ NGHIỆM" in said[0]
        address = said[1].strip().removeprefix("LIENTHONG_TSA_URL=").removesuffix("/tsa")
        assert token_over(sha256(b"x").digest(), HttpTimeStamps(f"{address}/tsa", TIMEOUT_S))
        assert requests.get(f"{address}/crl/issuing.crl", timeout=TIMEOUT_S).status_code == 200
        serving.terminate()
        serving.wait(TIMEOUT_S)
    key = TestAuthority(tmp_path / "pki").issue_person(TestPerson("a", "A", "B"))
    assert address.startswith("http://127.0.0.1:")
    assert not address.endswith(":0")
    assert f"{address}/ocsp".encode() in key.describe().certificate


def test_it_is_not_for_production(tmp_path: Path) -> None:
    environment = process_environment(
        LIENTHONG_DATA_DIR=str(tmp_path), LIENTHONG_MODE="production", LIENTHONG_SECRET_KEY="x" * 40
    )
    line = [sys.executable, "-m", "web", "pki", "serve"]
    done = subprocess.run(line, capture_output=True, text=True, env=environment, timeout=TIMEOUT_S)
    assert done.returncode != 0
    assert "not for production" in done.stderr
