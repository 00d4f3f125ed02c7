"""Which key lies where, as the settings say; what a production installation refuses; what the doctor says."""

from dataclasses import replace
from pathlib import Path

import pytest

from directory.queries import AgencyCard, PersonCard
from docex.documents.key_custody import Custody
from kernel.config import Config
from kernel.doctor import Health
from kernel.errors import Unavailable
from signing import doctor
from signing.keys import key_settings
from signing.keys.pkcs11 import TokenKeyStore
from signing.testca.authority import TestPerson, TestSeal
from tests.signing.keys.conftest import CITY, MODULE, PIN, Hsm

AGENCY = AgencyCard(1, "H29.01", "", CITY, "VP", "", True, "", "", "", None, None, True)
PERSON = PersonCard(1, "Trần Quốc Bình", "binh@example.vn", "", "", CITY, 1, "vi")


def settings(hsm: Hsm, folder: Path, keys: str, **changes: object) -> Config:
    plain = Config(data_dir=folder, keys=keys, pkcs11_module=MODULE, pkcs11_pin=PIN)
    return replace(plain, **changes)  # type: ignore[arg-type]


def production(config: Config) -> Config:
    return replace(config, mode="production", secret_key="x" * 40)


def test_a_seal_lies_on_the_token_also_in_production(hsm: Hsm, tmp_path: Path) -> None:
    config = production(settings(hsm, tmp_path, f"seal:h29.01={hsm.uri('rsa')}\nseal:H29.02={hsm.uri('ec')}"))
    custody = Custody(config)
    first, second = custody.seal_key(AGENCY), custody.seal_key(replace(AGENCY, code="H29.02"))
    assert isinstance(first, TokenKeyStore)
    assert first.describe().algorithm != second.describe().algorithm
    assert custody.seal_key(AGENCY) is first
    assert doctor.keys(config).health is Health.GOOD


def test_production_holds_no_keys_of_people_and_no_key_files(hsm: Hsm, tmp_path: Path) -> None:
    trial = settings(hsm, tmp_path, "person:binh@example.vn=file:people/binh.p12 seal:H29.01=file:seals/city.p12")
    hsm.authority.issue_person(TestPerson("binh", "Trần Quốc Bình", CITY))
    hsm.authority.issue_seal(TestSeal("city", CITY))
    trial = replace(trial, data_dir=hsm.folder, key_passphrase=hsm.authority.passphrase.decode())
    assert Custody(trial).person_key(PERSON).sign(b"x")
    assert Custody(trial).seal_key(AGENCY).sign(b"x")
    real = Custody(production(trial))
    with pytest.raises(Unavailable, match="thiết bị của người ký"):
        real.person_key(PERSON)
    with pytest.raises(Unavailable, match="thiết bị của người ký"):
        real.seal_key(AGENCY)
    assert doctor.keys(production(trial)).health is Health.BAD


def test_the_key_of_an_agencys_system_may_be_a_file_in_production(hsm: Hsm, tmp_path: Path) -> None:
    hsm.authority.issue_system(TestSeal("system", CITY))
    passphrase = hsm.authority.passphrase.decode()
    config = settings(hsm, hsm.folder, "envelope:h29.01=file:systems/system.p12", key_passphrase=passphrase)
    custody = Custody(production(config))
    key = custody.system_key(AGENCY)
    assert key is not None
    assert key.sign(b"x")
    assert custody.system_key(replace(AGENCY, code="H29.02")) is None
    assert doctor.keys(production(config)).health is Health.GOOD


def test_not_even_a_token_makes_the_server_sign_for_a_person_in_production(hsm: Hsm, tmp_path: Path) -> None:
    config = production(settings(hsm, tmp_path, f"person:binh@example.vn={hsm.uri('rsa')}"))
    with pytest.raises(Unavailable, match="không giữ khoá của cá nhân"):
        key_settings.person_store(config, "binh@example.vn")


def test_the_pin_comes_from_a_file_and_never_from_the_address(hsm: Hsm, tmp_path: Path) -> None:
    secret = tmp_path / "pin"
    secret.write_text(PIN + "\n")
    by_setting = Config.from_env(
        {
            "LIENTHONG_KEYS": f"seal:H29.01={hsm.uri('rsa', f'?module-path={MODULE}')}",
            "LIENTHONG_PKCS11_PIN_FILE": str(secret),
        }
    )
    by_entry = settings(hsm, tmp_path, f"seal:H29.01={hsm.uri('rsa', f'?pin-source=file:{secret}')}", pkcs11_pin="")
    for config in (by_setting, by_entry):
        found = key_settings.seal_store(config, "H29.01")
        assert found is not None
        assert found.sign(b"x")
    in_address = settings(hsm, tmp_path, f"seal:H29.01={hsm.uri('rsa', f'?pin-value={PIN}')}")
    with pytest.raises(Unavailable, match="chứa mã PIN") as told:
        key_settings.seal_store(in_address, "H29.01")
    assert PIN not in str(told.value.message)
    assert PIN not in repr(in_address)


@pytest.mark.parametrize(
    "entry", ["seal", "seal:H29.01", "seal:H29.01=https://x", "unit:1=file:x", "seal:H29.01=pkcs11:"]
)
def test_an_entry_that_cannot_be_read_is_named(tmp_path: Path, entry: str) -> None:
    config = Config(data_dir=tmp_path, keys=entry)
    found = doctor.keys(config)
    assert found.health is Health.BAD
    assert entry.partition("=")[0] in found.what.vi
    assert found.what.en != found.what.vi


def test_the_doctor_finds_a_missing_token_and_a_wrong_pin(hsm: Hsm, tmp_path: Path) -> None:
    away = settings(hsm, tmp_path, "seal:H29.01=pkcs11:token=Khac;object=rsa")
    assert "chưa được cắm" in doctor.keys(away).what.vi
    TokenKeyStore(hsm.key("rsa"))._device.forget()
    wrong = settings(hsm, tmp_path, f"seal:H29.01={hsm.uri('rsa')}", pkcs11_pin="sai-pin-2222")
    assert "không đúng" in doctor.keys(wrong).what.vi
    trial = doctor.keys(Config(data_dir=tmp_path))
    assert trial.health is Health.GOOD
    assert "khoá thử nghiệm" in trial.what.vi
