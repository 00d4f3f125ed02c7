"""Time-stamps that come over HTTP, good ones and bad ones."""

import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

import signing.doctor  # registers the self-checks
from kernel.config import Config
from kernel.doctor import Health, checks
from kernel.errors import Unavailable
from signing.pdf.pades import add_timestamp, prepare_timestamp
from signing.pdf.timestamps import UNKNOWN_ROOM, HttpTimeStamps, LocalTimeStamps, token_over
from signing.testca.services import TSA, Fault, TestServices
from signing.trust.holders import TEST_MARK
from signing.trust.trust_store import Purpose, TrustStore
from signing.verdicts.reasons import Code
from signing.verdicts.verdict import Level, Value
from tests.signing.conftest import Office


def test_an_address_must_be_of_the_web() -> None:
    with pytest.raises(ValueError, match="http"):
        HttpTimeStamps("ftp://example.vn/")


def test_a_time_stamp_comes_over_http(office: Office, sealed: bytes, services: TestServices) -> None:
    verdict = office.verify(add_timestamp(sealed, HttpTimeStamps(services.tsa_url)))
    assert verdict.value is Value.VALID
    assert verdict.signers[0].level is Level.B_T


@pytest.mark.usefixtures("db")
def test_the_doctor_says_whether_a_time_stamp_would_count(
    office: Office, services: TestServices, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing.doctor, "_TSA_TIMEOUT_S", 120)  # it answers at once, if the machine lets it
    config = replace(config, tsa_url=services.tsa_url, trust_dir=str(office.store.folder))
    assert checks["tsa"](config).health is Health.GOOD
    nobody = checks["tsa"](replace(config, trust_dir=str(tmp_path / "nobody")))
    assert nobody.health is Health.BAD
    assert "không được tin cậy" in nobody.what.vi
    silent = TrustStore(tmp_path / "silent", allow_test=True)
    silent.add_anchor(office.authority.root_certificate, list(Purpose), by="x", label=TEST_MARK, test=True)
    silent.add_intermediate(office.authority.issuing_certificate)
    unknown = checks["tsa"](replace(config, trust_dir=str(silent.folder)))
    assert unknown.health is Health.POOR
    assert "thu hồi" in unknown.what.vi


@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.BUSY, Fault.GARBAGE, Fault.REFUSES, Fault.OTHER])
def test_an_answer_that_is_no_time_stamp_of_this_is_refused(
    sealed: bytes, services: TestServices, fault: Fault, tmp_path: Path
) -> None:
    services.moods[TSA].fault = fault
    with pytest.raises(Unavailable):
        add_timestamp(sealed, HttpTimeStamps(services.tsa_url))
    assert checks["tsa"](Config(data_dir=tmp_path, tsa_url=services.tsa_url)).health is Health.POOR


@pytest.mark.parametrize(("fault", "delay_s"), [(Fault.ENDLESS, 0.0), (Fault.NO_HEAD, 0.0), (Fault.NONE, 240.0)])
def test_an_answer_that_does_not_come_to_its_end_is_not_waited_for(
    sealed: bytes, services: TestServices, fault: Fault, delay_s: float
) -> None:
    services.moods[TSA].fault, services.moods[TSA].delay_s = fault, delay_s
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        add_timestamp(sealed, HttpTimeStamps(services.tsa_url, timeout_s=0.5))
    assert time.monotonic() - begun < 120


def test_the_configured_authority_is_not_left(sealed: bytes, services: TestServices) -> None:
    services.moods[TSA].fault = Fault.ELSEWHERE
    with pytest.raises(Unavailable):
        add_timestamp(sealed, HttpTimeStamps(services.tsa_url))
    assert services.counts[TSA] == 1
    assert services.counts["other"] == 0


def test_the_time_stamp_of_another_file_proves_nothing(office: Office, sealed: bytes, letter: bytes) -> None:
    source = LocalTimeStamps(office.authority.time_stamp_key())
    foreign = token_over(sha256(letter).digest(), source)
    verdict = office.verify(prepare_timestamp(sealed, source.room).stamped(foreign))
    assert verdict.value is Value.INVALID
    assert verdict.has(Code.TIMESTAMP_BROKEN)


def test_room_for_tokens_is_learned_and_a_token_that_does_not_fit_does_at_the_next_try(
    sealed: bytes, services: TestServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpTimeStamps, "_rooms", {})
    first = HttpTimeStamps(services.tsa_url)
    assert first.room == UNKNOWN_ROOM
    large = add_timestamp(sealed, first)
    again = HttpTimeStamps(services.tsa_url)
    assert len(add_timestamp(sealed, again)) < len(large) - 10_000
    monkeypatch.setitem(HttpTimeStamps._rooms, services.tsa_url, 512)
    with pytest.raises(Unavailable):
        add_timestamp(sealed, again)
    assert len(add_timestamp(sealed, again)) < len(large)
