"""What a request or a job may need, made once per process."""

from dataclasses import dataclass

from flask import current_app

from kernel.config import Config
from kernel.db import Database
from kernel.storage.blobs import BlobStore, store_for
from signing.log import receipts
from signing.sandbox import runner


@dataclass(frozen=True)
class Services:
    """The parts of one process."""

    config: Config
    db: Database
    blobs: BlobStore

    def __post_init__(self) -> None:
        self.db.blobs = self.blobs

    @classmethod
    def from_config(cls, config: Config) -> "Services":
        """Make the parts that the settings name; opens no connection. The data folder is its owner's from then on."""
        if config.data_dir.exists():
            config.own_data_dir()
        receipts.use(config)
        runner.configure(config)
        return cls(config, Database(config.sql_url), store_for(config))


def services() -> Services:
    """The parts of the application that serves this request."""
    found: Services = current_app.extensions["lienthong"]
    return found
