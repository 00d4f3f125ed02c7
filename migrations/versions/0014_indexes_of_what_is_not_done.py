"""A worker's look at the outbox costs the same however much is done, or waits for later."""

import sqlalchemy as sa
from alembic import op


revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None

INDEXES = {
    'ix_outbox_waiting': (['topic', 'due_at', 'id'], "state IN ('waiting')"),
    'ix_outbox_leased': (['leased_until'], "state IN ('leased')"),
    'ix_outbox_given_up': (['id'], "state IN ('failed', 'expired', 'unknown')"),
}


def upgrade() -> None:
    for name, (columns, states) in INDEXES.items():
        rows = sa.text(states)
        op.create_index(name, 'outbox', columns, postgresql_where=rows, sqlite_where=rows)
    op.drop_index('ix_outbox_ready', 'outbox')


def downgrade() -> None:
    op.create_index('ix_outbox_ready', 'outbox', ['state', 'due_at'])
    for name in INDEXES:
        op.drop_index(name, 'outbox')
