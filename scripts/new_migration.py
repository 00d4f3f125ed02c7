"""Writes the next numbered migration: what the models have and the migrated schema lacks. Read it before committing."""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig

from kernel.config import Config
from kernel.db import Database
from web import schema


def main(message: str) -> None:
    """Compare on a fresh SQLite that has all migrations so far."""
    with tempfile.TemporaryDirectory() as folder:
        config = Config(data_dir=Path(folder))
        versions = schema.MIGRATIONS / "versions"
        number = len(list(versions.glob("*.py"))) + 1
        if number > 1:
            schema.upgrade(config)
        db = Database(config.sql_url)
        with db.engine.connect() as connection:
            settings = AlembicConfig()
            settings.set_main_option("script_location", str(schema.MIGRATIONS))
            settings.attributes["connection"] = connection
            command.revision(settings, message, autogenerate=True, rev_id=f"{number:04}")
        db.close()


main(" ".join(sys.argv[1:]))
