"""Alembic's entry: runs on the connection that web/schema.py hands over, so that settings are read in one place."""

from typing import Any

from alembic import context

from kernel.schema import Base
from web import rooms

rooms.load_models()


def ours(thing: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Leave the search index's shadow tables to kernel/search.py."""
    return not (name or "").startswith(("search_fts", "ix_search_text_folded"))


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    include_object=ours,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
