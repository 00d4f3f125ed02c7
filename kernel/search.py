"""Full-text search in Vietnamese, with and without accents, on both databases.

Text is indexed folded (no accents, đ as d). A query typed with accents is checked again on the stored text, since
folding cannot tell `dao` from `đào`. Newest first: ranking by relevance would touch every hit (measured in
docs/decisions/0005).
"""

import re
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from kernel.refs import Ref
from kernel.schema import Base
from kernel.text import fold, nfc

if TYPE_CHECKING:
    from kernel.db import Tx

BODY_LIMIT = 200_000


class SearchText(Base):
    """What can be found of one thing, and by whom: `scope` is the audience, `agency:3`."""

    __tablename__ = "search_text"
    __table_args__ = (
        sa.UniqueConstraint("scope", "kind", "thing_id"),
        sa.Index("ix_search_text_thing", "kind", "thing_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    scope: Mapped[str]
    kind: Mapped[str]
    thing_id: Mapped[int]
    at: Mapped[datetime]
    original: Mapped[str]
    folded: Mapped[str]


_PUT = "INSERT INTO search_fts(rowid, folded) VALUES (new.id, new.folded);"
_TAKE = "INSERT INTO search_fts(search_fts, rowid, folded) VALUES ('delete', old.id, old.folded);"
_SQLITE = [
    "CREATE VIRTUAL TABLE IF NOT EXISTS search_fts USING fts5("
    "folded, content='search_text', content_rowid='id', tokenize='unicode61 remove_diacritics 2')",
    f"CREATE TRIGGER IF NOT EXISTS search_text_ai AFTER INSERT ON search_text BEGIN {_PUT} END",
    f"CREATE TRIGGER IF NOT EXISTS search_text_ad AFTER DELETE ON search_text BEGIN {_TAKE} END",
    f"CREATE TRIGGER IF NOT EXISTS search_text_au AFTER UPDATE ON search_text BEGIN {_TAKE} {_PUT} END",
]
_POSTGRES = [
    "CREATE INDEX IF NOT EXISTS ix_search_text_folded ON search_text USING gin (to_tsvector('simple', folded))"
]
_SQLITE_DROP = ["DROP TABLE IF EXISTS search_fts"]
_POSTGRES_DROP = ["DROP INDEX IF EXISTS ix_search_text_folded"]


def index_statements(dialect: str) -> list[str]:
    """The DDL of the index beside the table, for migrations and for `create_all` (see below)."""
    return _POSTGRES if dialect == "postgresql" else _SQLITE


def drop_statements(dialect: str) -> list[str]:
    """The inverse of `index_statements`, before the table itself is dropped."""
    return _POSTGRES_DROP if dialect == "postgresql" else _SQLITE_DROP


@sa.event.listens_for(SearchText.__table__, "after_create")
def _create_index(_table: object, connection: sa.Connection, **_kwargs: object) -> None:
    for statement in index_statements(connection.dialect.name):
        connection.exec_driver_sql(statement)


@dataclass(frozen=True)
class Hit:
    """A thing that was found, and the text that was indexed of it."""

    ref: Ref
    at: datetime
    text: str


def put(tx: "Tx", scope: str, ref: Ref, at: datetime, *texts: str) -> None:
    """Make `ref` findable in `scope` by all of `texts`, in place of what was there. `at` orders the hits."""
    original = nfc("\n".join(t for t in texts if t))[:BODY_LIMIT]
    row = tx.session.scalar(_rows(ref).where(SearchText.scope == scope))
    if row is None:
        row = SearchText(scope=scope, kind=ref.kind, thing_id=ref.id)
        tx.session.add(row)
    row.at, row.original, row.folded = at, original, _words(original)


def remove(tx: "Tx", ref: Ref) -> None:
    """Make `ref` findable nowhere."""
    for row in tx.session.scalars(_rows(ref)):
        tx.session.delete(row)


def find(
    tx: "Tx",
    query: str,
    *,
    scopes: list[str],
    kinds: list[str],
    limit: int = 50,
    before: datetime | None = None,
    within: sa.ColumnElement[bool] | None = None,
) -> list[Hit]:
    """Things of `kinds` in `scopes` that hold every word of `query`, newest first.

    Words typed with accents must stand so in the text; words without accents find both. The last word may be
    a beginning. `within` narrows by columns of SearchText, such as `thing_id`.
    """
    words = re.findall(r"[^\W_]+", nfc(query))
    if not words:
        return []
    rows = sa.select(SearchText).where(SearchText.scope.in_(scopes), SearchText.kind.in_(kinds))
    rows = rows.where(_matches(tx, [fold(w) for w in words])).order_by(SearchText.at.desc(), SearchText.id.desc())
    if before is not None:
        rows = rows.where(SearchText.at < before)
    if within is not None:
        rows = rows.where(within)
    accented = [w.casefold() for w in words if fold(w) != w.casefold()]
    # Accented words are re-checked, so a few more candidates are read than are wanted.
    # They come in small portions: a text may be long, and the first portion is often enough.
    rows = rows.limit(limit * 20 if accented else limit).execution_options(yield_per=min(limit, 50))
    with tx.session.scalars(rows) as candidates:
        hits = (r for r in candidates if all(_has_word(r.original, w) for w in accented))
        return [Hit(Ref(r.kind, r.thing_id), r.at, r.original) for r in islice(hits, limit)]


def _words(text: str) -> str:
    """Folded words alone: PostgreSQL's parser would take `15/QD-BNV` for a path in a file system."""
    return re.sub(r"[\W_]+", " ", fold(text))


def _rows(ref: Ref) -> sa.Select[SearchText]:
    return sa.select(SearchText).where(SearchText.kind == ref.kind, SearchText.thing_id == ref.id)


def _matches(tx: "Tx", words: list[str]) -> sa.ColumnElement[bool]:
    if tx.session.get_bind().dialect.name == "postgresql":
        terms = " & ".join([f"'{w}'" for w in words[:-1]] + [f"'{words[-1]}':*"])
        vector = sa.func.to_tsvector(sa.literal_column("'simple'"), SearchText.folded)
        return vector.bool_op("@@")(sa.func.to_tsquery(sa.literal_column("'simple'"), terms))
    terms = " ".join([f'"{w}"' for w in words[:-1]] + [f'"{words[-1]}"*'])
    inner = sa.text("SELECT rowid FROM search_fts WHERE search_fts MATCH :terms").bindparams(terms=terms)
    return SearchText.id.in_(inner.columns(sa.column("rowid")))


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}", text.casefold()) is not None
