"""When a clerk of an agency said that a document which is no longer valid was seen."""

import sqlalchemy as sa
from alembic import op


revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('docex_fallen_verdict', sa.Column('seen_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('docex_fallen_verdict', schema=None) as batch_op:
        batch_op.drop_column('seen_at')
