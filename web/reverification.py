"""`lienthong verdicts again`: what was verified by earlier rules is enqueued to be verified again, and how much."""

from docex.documents.verification import reverification
from kernel.config import Config
from kernel.db import Database
from web import rooms


def by_hand(config: Config) -> str:
    """Enqueue it, and say how much there is to do."""
    rooms.load_models()
    db = Database(config.sql_url)
    try:
        found = reverification.by_hand(db)
    finally:
        db.close()
    return (
        f"{found.verified} documents have verdicts, {found.earlier} of them by earlier rules, {found.waiting} wait to "
        f"be verified again; the worker verifies {reverification.BATCH_SIZE} a minute and tells who holds what is no "
        "longer valid"
    )
