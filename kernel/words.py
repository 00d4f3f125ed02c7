"""The words that stand in the index of the search, so that the beginning of one leads to whole words.

PostgreSQL answers a beginning by gathering everything that begins so, before it looks at the other words: with
millions of texts that takes a second. Asked for whole words it reads what they have in common. A word stays when the
last text that held it is gone; it only costs a look.
"""

from collections.abc import Iterable
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from kernel.schema import Base, insert_into

LONGEST = 100
"""Letters; nobody types the beginning of a longer one, and an index could not hold some of them."""
MOST = 500
"""So many words are asked for one by one."""
_AT_ONCE = 500
_KEPT = 200_000
_LAST = "\U0010ffff"

_seen: WeakKeyDictionary[sa.Pool, set[str]] = WeakKeyDictionary()
"""The words whose rows were seen committed, for as long as a database stays open; such rows are never removed."""


class SearchWord(Base):
    """One word as the index holds it. On PostgreSQL it is ordered by its code points, as on SQLite."""

    __tablename__ = "search_word"
    word: Mapped[str] = mapped_column(sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), primary_key=True)


def index_words(session: Session, words: Iterable[str]) -> None:
    """Know these words from the commit on.

    Called once, at the end of a transaction, so that all insert in one order and none waits for another in a circle.
    """
    seen = _seen.setdefault(session.get_bind().engine.pool, set())
    if len(seen) > _KEPT:
        seen.clear()
    fresh = sorted({word for word in words if len(word) <= LONGEST} - seen)
    for start in range(0, len(fresh), _AT_ONCE):
        some = fresh[start : start + _AT_ONCE]
        known = set(session.scalars(sa.select(SearchWord.word).where(SearchWord.word.in_(some))))
        seen |= known
        if new := [{"word": word} for word in some if word not in known]:
            session.connection().execute(insert_into(session, SearchWord).on_conflict_do_nothing(), new)


def beginning_with(session: Session, start: str) -> list[str] | None:
    """The words that begin so; None when there are too many to be asked for one by one."""
    here = SearchWord.word >= start, SearchWord.word < start + _LAST
    found = list(session.scalars(sa.select(SearchWord.word).where(*here).order_by(SearchWord.word).limit(MOST + 1)))
    return found if len(found) <= MOST else None
