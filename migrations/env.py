"""Alembic's entry: runs on the connection that web/schema.py hands over, so that settings are read in one place."""

from typing import Any

import sqlalchemy as sa
from alembic import context

from kernel.schema import Base, UtcDateTime
from web import rooms

rooms.load_models()


def ours(thing: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Leave the search index's shadow tables to kernel/search.py."""
    return not (name or "").startswith(("search_fts", "ix_search_text_folded"))


def rendered(kind: str, thing: Any, autogen: Any) -> str | bool:
    """Write column types in SQLAlchemy's own words: a migration must not change when our classes do."""
    if kind == "type" and isinstance(thing, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(thing, sa.JSON):
        autogen.imports.add("from sqlalchemy.dialects import postgresql")
        return "sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    include_object=ours,
    compare_type=True,
    render_item=rendered,
)
with context.begin_transaction():
    context.run_migrations()
