"""The exchange with a partner by real SMTP both ways, on a real database."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from docex.exchange.hub.jobs import register_jobs as register_hub
from docex.exchange.mail.inbound.smtp_listener import SmtpListener
from docex.exchange.mail.jobs import register_jobs
from docex.jobs.delivery import register_jobs as register_exchange
from kernel.config import Config
from kernel.db import Database
from kernel.storage.blobs import store_for
from notify.jobs import register_jobs as register_notices
from notify.sinks.smtp import SmtpSink
from tests.cast import Cast
from tests.docex.mail.partner import Abroad, a_key, found_agency


@pytest.fixture(scope="session")
def mail_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test authority that all tests of this part share."""
    return tmp_path_factory.mktemp("mail-keys")


@pytest.fixture
def abroad(db: Database, config: Config, cast: Cast, mail_keys: Path, tmp_path: Path) -> Iterator[Abroad]:
    """A partner with a pinned certificate, its mail server, and our listener."""
    with SmtpSink(tmp_path / "partner.jsonl") as sink:
        config = replace(
            config,
            data_dir=mail_keys,
            smtp_url=sink.url,
            mail_from="no-reply@mau.example",
            mail_door_domain="vanban.example",
        )
        blobs = store_for(config)  # where the processes of the tests look, too
        register_notices(config, blobs)
        register_exchange(config, blobs)
        register_hub(config, blobs)
        register_jobs(config, blobs)
        listener = SmtpListener(config, db, blobs)
        listener.start()
        key, other = a_key(mail_keys, "partner"), a_key(mail_keys, "other")
        found = Abroad(config, db, blobs, cast, sink, listener, key, other, found_agency(db))
        found.agree()
        yield found
        listener.stop()
