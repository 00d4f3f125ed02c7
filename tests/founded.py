"""A demo city that was founded once in a run: migrating and seeding take four seconds of the processor each time."""

import fcntl
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from kernel.config import Config
from web import demo, schema

FOLDER = "LIENTHONG_FOUNDED"
"""Where the workers of a run find the same city (tests/conftest.py)."""


def found(config: Config) -> None:
    """Let the demo city stand in the database and the folder of these settings, as `lienthong migrate` and `lienthong
    demo` found it. Cities in a database of their own folder are copies of one, with its keys."""
    if config.database_url or config.blobs_url:
        schema.upgrade(config)
        demo.seed(config)
    else:
        shutil.copytree(_kept(), config.data_dir, dirs_exist_ok=True)


@cache
def _kept() -> Path:
    folder = Path(os.environ.get(FOLDER) or tempfile.mkdtemp(prefix="lienthong-founded-"))
    city = folder / "city"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not city.exists():
            draft = Config(data_dir=folder / "draft")
            schema.upgrade(draft)
            demo.seed(draft)
            draft.data_dir.rename(city)
    return city
