"""words with accents in the index

The search finds a word with accents by the index: each stands there once more, spelt in plain letters. The spelling is
that of `kernel.search` on the day of this migration.
"""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

STRETCH = 500
ROWS = sa.table("search_text", sa.column("id"), sa.column("original"), sa.column("folded"))


def upgrade() -> None:
    for number, original, folded in _all_rows():
        _store(number, " ".join([folded, *sorted(_spelt(original) - set(folded.split()))]))


def downgrade() -> None:
    for number, original, folded in _all_rows():
        spelt = _spelt(original)
        _store(number, " ".join(word for word in folded.split(" ") if word not in spelt))


def _all_rows():
    last = 0
    query = sa.select(ROWS).order_by(ROWS.c.id).limit(STRETCH)
    while rows := op.get_bind().execute(query.where(ROWS.c.id > last)).all():
        yield from rows
        last = rows[-1].id


def _store(number, folded):
    op.get_bind().execute(sa.update(ROWS).where(ROWS.c.id == number).values(folded=folded))


def _spelt(text):
    words = set(re.findall(r"[^\W_]+", unicodedata.normalize("NFC", text).casefold()))
    return {spelling for word in words if (spelling := _spelling(word)) != word}


def _spelling(word):
    letters = unicodedata.normalize("NFD", word.replace("đ", "d99"))
    if not any(map(unicodedata.combining, letters)) and "đ" not in word:
        return word
    return "zz" + "".join(f"{ord(c) % 256:02d}" if unicodedata.combining(c) else c for c in letters)
