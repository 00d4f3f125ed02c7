"""Full-text search in Vietnamese, with and without accents, on both databases.

Text is indexed folded (no accents, đ as d), and each word with accents once more as it was typed, spelt in plain
letters: folding cannot tell `dao` from `đào`, and what stands nowhere must be known by a look into the index. Newest
first: ranking by relevance would touch every hit (measured in docs/decisions/0005).

Who may find a row, and in which month it belongs, stand as words of their own (marks) in its indexed text. So the
index itself narrows a common word to one audience and a few months, and the search goes back in time only as far as a
full page of hits needs: among millions of rows it touches some thousands.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from kernel import clock
from kernel.refs import Ref
from kernel.schema import Base
from kernel.text import fold, nfc
from kernel.words import beginning_with

if TYPE_CHECKING:
    from kernel.db import Tx

BODY_LIMIT = 200_000
FEW = 500
"""So many things are looked at one by one rather than through the index."""


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


def put(tx: "Tx", scope: str, ref: Ref, at: datetime, *texts: str, audience: Iterable[str] = ()) -> None:
    """Make `ref` findable in `scope`, and in the scopes of `audience`, by all of `texts`, in place of what was there.
    `at` orders the hits."""
    original = nfc("\n".join(t for t in texts if t))[:BODY_LIMIT]
    row = tx.session.scalar(_rows(ref).where(SearchText.scope == scope))
    if row is None:
        row = SearchText(scope=scope, kind=ref.kind, thing_id=ref.id)
        tx.session.add(row)
    marks = [mark for one in dict.fromkeys((scope, *audience)) for mark in _marks(one, ref.kind, at)]
    words = indexed(original)
    row.at, row.original, row.folded = at, original, " ".join([words, *marks])
    tx.index_words(words.split())


def indexed(text: str) -> str:
    """A text as the index holds it: its folded words, and those that have accents once more as they are spelt. The text
    is NFC."""
    # Folded words alone: PostgreSQL's parser would take `15/QD-BNV` for a path in a file system.
    spelt = {found for word in set(_WORD.findall(text.casefold())) if (found := _term(word)) != fold(word)}
    return " ".join([re.sub(r"[\W_]+", " ", fold(text)), *sorted(spelt)])


def remove(tx: "Tx", ref: Ref) -> None:
    """Make `ref` findable nowhere."""
    for row in tx.session.scalars(_rows(ref)):
        tx.session.delete(row)


@dataclass(frozen=True)
class Place:
    """Where to look: things of one kind, for one audience. `within` selects the ids of those that count."""

    scope: str
    kind: str
    within: sa.Select[int] | None = None


def find(
    tx: "Tx",
    query: str,
    places: Sequence[Place],
    *,
    limit: int = 50,
    before: datetime | None = None,
    beginning: bool = False,
) -> list[Hit]:
    """Things in `places` that hold every word of `query`, newest first, each place at most once.

    Words typed with accents must stand so in the text; words without accents find both. With `beginning` the last word
    may be the beginning of one: that costs more, so ask for it when whole words found nothing.
    """
    terms = [_term(word) for word in _WORD.findall(nfc(query).casefold())]
    if not terms or not places:
        return []
    endings = beginning_with(tx.session, terms[-1]) if beginning else terms[-1:]
    if endings == []:
        return []
    if (few := _few(tx, places)) is not None:
        ids = _looked_through(terms, few, beginning)
        return _newest(tx, ids, [ids.c.at < before] if before is not None else [], limit)
    found: list[Hit] = []
    for months, older_than in _stages(before or clock.now()):
        marks = [_mark(place.scope, place.kind, month) for place in places for month in months]
        ids = _candidates(tx, terms, marks, endings)
        conditions = [ids.c.at < edge for edge in (before, older_than) if edge is not None]
        if any(place.within is not None for place in places):
            conditions.append(sa.or_(*(_counts(ids, place) for place in places)))
        found += _newest(tx, ids, conditions, limit - len(found))
        if len(found) >= limit:
            break
    return found


def _few(tx: "Tx", places: Sequence[Place]) -> dict[str, list[int]] | None:
    """The ids of the things that count, by their kind, when they are few: then a look at each is cheaper than finding a
    common word everywhere first. None when they are many."""
    few: dict[str, list[int]] = {}
    left = FEW
    for place in places:
        if place.within is None:
            return None
        chosen = list(tx.session.scalars(place.within.limit(left + 1)))
        left -= len(chosen)
        if left < 0:
            return None
        few.setdefault(place.kind, []).extend(chosen)
    return few


def _looked_through(words: list[str], few: dict[str, list[int]], beginning: bool) -> sa.CTE:
    """The rows of these things that hold all of the words, each by a look at its text."""
    text = sa.literal(" ").concat(SearchText.folded).concat(" ")
    ends = [" "] * (len(words) - 1) + ["" if beginning else " "]
    holds = [text.contains(f" {word}{end}", autoescape=True) for word, end in zip(words, ends, strict=True)]
    mine = [sa.and_(SearchText.kind == kind, SearchText.thing_id.in_(ids)) for kind, ids in few.items()]
    rows = sa.select(SearchText.id, SearchText.kind, SearchText.thing_id, SearchText.at)
    return rows.where(sa.or_(*mine), *holds).cte("candidates").prefix_with("MATERIALIZED")


def _counts(ids: sa.CTE, place: Place) -> sa.ColumnElement[bool]:
    """What stands in this place and counts. Its scope was asked for by the marks."""
    here = ids.c.kind == place.kind
    return here if place.within is None else sa.and_(here, ids.c.thing_id.in_(place.within))


def _newest(tx: "Tx", ids: sa.CTE, conditions: list[sa.ColumnElement[bool]], limit: int) -> list[Hit]:
    """The newest candidates with their texts."""
    newest = sa.select(ids.c.id).where(*conditions).order_by(ids.c.at.desc(), ids.c.id.desc())
    wanted = newest.limit(limit).subquery()
    rows = sa.select(SearchText.kind, SearchText.thing_id, SearchText.at, SearchText.original)
    rows = rows.join(wanted, wanted.c.id == SearchText.id).order_by(SearchText.at.desc(), SearchText.id.desc())
    return [Hit(Ref(r.kind, r.thing_id), r.at, r.original) for r in tx.session.execute(rows)]


_SPANS = (1, 2, 6, 24)
"""Months that are looked at together, backwards from now; after these everything older."""


def _stages(at: datetime) -> Iterator[tuple[list[str], datetime | None]]:
    """The stretches of time in which a search looks, newest first: their months, and for the last one, which has none,
    where it begins."""
    at = at.astimezone(UTC)
    last = at.year * 12 + at.month - 1
    newest = last + 1  # clocks differ, and what is dated tomorrow must be found today
    for span in _SPANS:
        first = last - span + 1
        yield [f"{month // 12:04d}{month % 12 + 1:02d}" for month in range(first, newest + 1)], None
        last = newest = first - 1
    yield [""], datetime((last + 1) // 12, (last + 1) % 12 + 1, 1, tzinfo=UTC)


def _marks(scope: str, kind: str, at: datetime) -> tuple[str, str]:
    return _mark(scope, kind, ""), _mark(scope, kind, f"{at.astimezone(UTC):%Y%m}")


def _mark(scope: str, kind: str, month: str) -> str:
    """One word that no text holds: `xxagency3xxincomingxx202611`."""
    return "xx".join(["", re.sub(r"[\W_]+", "", scope), kind, month]).removesuffix("xx")


_WORD = re.compile(r"[^\W_]+")


@lru_cache(maxsize=20_000)
def _term(word: str) -> str:
    """How the index knows a word (NFC, lower case): as it stands, or with accents as `zz` and its letters, each
    followed by its marks as numbers. What begins alike is spelt alike: `ngập` is `zznga3502p`, its beginning `ngậ` is
    `zznga3502`."""
    plain = fold(word)
    if plain == word:
        return word
    letters = unicodedata.normalize("NFD", word.replace("đ", "d99"))
    return "zz" + "".join(f"{ord(c) % 256:02d}" if unicodedata.combining(c) else c for c in letters)


def _rows(ref: Ref) -> sa.Select[SearchText]:
    return sa.select(SearchText).where(SearchText.kind == ref.kind, SearchText.thing_id == ref.id)


def _candidates(tx: "Tx", words: list[str], marks: list[str], endings: list[str] | None) -> sa.CTE:
    """The rows that hold all of the words and one of the marks, by the index alone: whatever narrows them further is
    looked at afterwards, not instead. Any of `endings` will do for the last word; None is whatever begins with it."""
    rows = sa.select(SearchText.id, SearchText.kind, SearchText.thing_id, SearchText.at)
    groups = [marks, *([word] for word in words[:-1]), endings or words[-1:]]
    if tx.session.get_bind().dialect.name == "postgresql":
        if endings is None:
            # A beginning is gathered as a bitmap; one that does not fit is kept by page, and every text of such pages
            # would be cut into words again.
            tx.session.execute(sa.text("SET LOCAL work_mem = '64MB'"))
        terms = " & ".join("(" + " | ".join(f"'{one}'" for one in group) + ")" for group in groups)
        vector = sa.func.to_tsvector(sa.literal_column("'simple'"), SearchText.folded)
        asked = sa.func.to_tsquery(sa.literal_column("'simple'"), terms[:-1] + ":*)" if endings is None else terms)
        rows = rows.where(vector.bool_op("@@")(asked))
    else:
        terms = " AND ".join("(" + " OR ".join(f'"{one}"' for one in group) + ")" for group in groups)
        inner = sa.text("SELECT rowid FROM search_fts WHERE search_fts MATCH :terms")
        inner = inner.bindparams(terms=terms[:-1] + "*)" if endings is None else terms)
        rows = rows.where(SearchText.id.in_(inner.columns(sa.column("rowid"))))
    return rows.cte("candidates").prefix_with("MATERIALIZED")
