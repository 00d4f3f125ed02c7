"""The self-checks ask the real receivers and say what to do."""

from dataclasses import replace

import pytest

from kernel.config import Config
from kernel.doctor import Health
from notify import doctor


def test_both_are_off_without_settings() -> None:
    assert doctor.smtp(Config()).health is Health.OFF
    assert doctor.sms(Config()).health is Health.OFF


def test_production_needs_them() -> None:
    serious = Config(mode="production", secret_key="x" * 40)
    assert doctor.smtp(serious).health is Health.BAD
    assert doctor.sms(serious).health is Health.POOR


def test_both_are_good_when_the_receivers_answer(sending: Config) -> None:
    assert doctor.smtp(sending).health is Health.GOOD
    assert doctor.sms(sending).health is Health.GOOD


@pytest.mark.parametrize(
    "change",
    [
        {"smtp_url": "smtp://127.0.0.1:9"},
        {"smtp_url": "http://127.0.0.1"},
        {"smtp_url": "smtp://127.0.0.1:x"},
        {"twilio_auth_token": "wrong"},
        {"twilio_base_url": "http://127.0.0.1:9"},
    ],
)
def test_what_is_wrong_comes_with_a_hint_in_both_languages(sending: Config, change: dict[str, str]) -> None:
    broken = replace(sending, **change)  # type: ignore[arg-type]
    finding = (doctor.smtp if "smtp_url" in change else doctor.sms)(broken)
    assert finding.health is Health.BAD
    assert finding.hint is not None
    assert finding.what.vi != ""
