"""Real receivers on this machine and settings that point at them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kernel.config import Config
from kernel.storage.blobs import BlobStore
from notify import jobs
from notify.sinks.smtp import SmtpSink
from notify.sinks.twilio import TwilioSink
from tests.cast import cast, city  # noqa: F401 - fixtures


@pytest.fixture
def mail_sink(tmp_path: Path) -> Iterator[SmtpSink]:
    """An SMTP server that logs what it accepts."""
    with SmtpSink(tmp_path / "mail.jsonl") as sink:
        yield sink


@pytest.fixture
def sms_sink(tmp_path: Path) -> Iterator[TwilioSink]:
    """A server of Twilio's shape that logs what it accepts."""
    with TwilioSink(tmp_path / "sms.jsonl", callbacks=False) as sink:
        yield sink


@pytest.fixture
def sending(config: Config, blobs: BlobStore, mail_sink: SmtpSink, sms_sink: TwilioSink) -> Config:
    """Settings whose providers are the two sinks, with the handlers registered for them."""
    ready = replace(
        config,
        smtp_url=mail_sink.url,
        mail_from="Liên Thông <no-reply@mau.example>",
        twilio_account_sid=sms_sink.sid,
        twilio_auth_token=sms_sink.token,
        twilio_base_url=sms_sink.url,
    )
    jobs.register_jobs(ready, blobs)
    return ready


@pytest.fixture
def showing(config: Config, blobs: BlobStore) -> Config:
    """Settings without providers: messages are only shown."""
    jobs.register_jobs(config, blobs)
    return config
