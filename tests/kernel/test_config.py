"""Settings come from the environment, secrets also from files."""

from pathlib import Path

import pytest

from kernel.config import BadSetting, Config


def test_defaults_need_nothing() -> None:
    config = Config.from_env({})
    assert config.sql_url == "sqlite:///var/lienthong.db"
    assert config.mode == "demo"


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file\n")
    config = Config.from_env({"LIENTHONG_SECRET_KEY_FILE": str(tmp_path / "key"), "LIENTHONG_PORT": "9"})
    assert (config.secret_key, config.port) == ("from a file", 9)


def test_the_address_that_people_are_told_follows_the_port() -> None:
    assert Config.from_env({"LIENTHONG_PORT": "9000"}).base_url == "http://127.0.0.1:9000"
    told = {"LIENTHONG_PORT": "9000", "LIENTHONG_BASE_URL": "https://lienthong.example.vn"}
    assert Config.from_env(told).base_url == "https://lienthong.example.vn"


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"LIENTHONG_PORT": "many"}, "LIENTHONG_PORT"),
        ({"LIENTHONG_SMTP_URL_FILE": "/nowhere"}, "LIENTHONG_SMTP_URL_FILE"),
        ({"LIENTHONG_MODE": "prod"}, "LIENTHONG_MODE"),
        ({"LIENTHONG_MODE": "production"}, "LIENTHONG_SECRET_KEY"),
    ],
)
def test_a_wrong_setting_is_named(environ: dict[str, str], named: str) -> None:
    with pytest.raises(BadSetting, match=named):
        Config.from_env(environ)


def test_the_demo_secret_is_made_once(tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path)
    assert len(config.signing_secret()) > 40
    assert config.signing_secret() == Config(data_dir=tmp_path).signing_secret()
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
