"""The words of the search, and urgent documents that are found at once."""

import sqlalchemy as sa
from alembic import op


revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

FEW = {
    'ix_docex_incoming_urgent': sa.text('urgency > 0'),
    'ix_docex_incoming_due': sa.text("state = 'arrived' OR due_on IS NOT NULL"),
}
# What stands in the index already. Words like xx…xx… are marks of audiences and months.
POSTGRES = (
    "INSERT INTO search_word SELECT word FROM ts_stat('SELECT to_tsvector(''simple'', folded) FROM search_text') "
    "WHERE length(word) <= 100 AND word NOT LIKE 'xx%xx%'"
)
SQLITE = (
    "CREATE VIRTUAL TABLE temp.search_terms USING fts5vocab('main', 'search_fts', 'row')",
    "INSERT INTO search_word SELECT term FROM temp.search_terms WHERE length(term) <= 100 AND term NOT LIKE 'xx%xx%'",
    "DROP TABLE temp.search_terms",
)


def upgrade() -> None:
    op.create_table(
        'search_word',
        sa.Column('word', sa.Text().with_variant(sa.Text(collation='C'), 'postgresql'), nullable=False),
        sa.PrimaryKeyConstraint('word', name=op.f('pk_search_word')),
    )
    connection = op.get_bind()
    for statement in (POSTGRES,) if connection.dialect.name == 'postgresql' else SQLITE:
        connection.execute(sa.text(statement))
    for name, rows in FEW.items():
        op.create_index(name, 'docex_incoming', ['agency_id', 'arrived_at'], postgresql_where=rows, sqlite_where=rows)


def downgrade() -> None:
    for name in FEW:
        op.drop_index(name, 'docex_incoming')
    op.drop_table('search_word')
