"""Leftovers of uploads: pieces whose row is gone, and the names of whole files that nobody names any more."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from docex.exchange.hub.models import Upload
from docex.exchange.hub.uploads.resumable import Folder
from kernel import clock
from kernel.db import Tx

NAMED_FOR = timedelta(days=30)
"""So long a whole file can be named by its upload; an envelope that was made of it has long taken it over."""


def pieces(tx: Tx, folder: Folder, before: datetime) -> list[str]:
    """The uploads of which bytes lie on this machine, untouched since then, and no row tells."""
    if not folder.path.is_dir():
        return []
    ids = {path.name.removesuffix(".moved") for path in folder.path.iterdir()}
    old = {name for name in ids if _is_upload(name) and _touched(folder, name) < before}
    known = tx.session.scalars(sa.select(Upload.id).where(Upload.id.in_(old)))
    return sorted(old - set(known))


def forget_named(tx: Tx) -> None:
    """Rows of files that were whole long ago; the sweep of the store decides about the files themselves."""
    gone = sa.delete(Upload).where(Upload.whole_at < clock.now() - NAMED_FOR)
    tx.session.execute(gone.execution_options(synchronize_session=False))


def _is_upload(name: str) -> bool:
    return len(name) == 32 and all(c in "0123456789abcdef" for c in name)


def _touched(folder: Folder, name: str) -> datetime:
    return folder.touched_at(name) or datetime.min.replace(tzinfo=clock.VN)
