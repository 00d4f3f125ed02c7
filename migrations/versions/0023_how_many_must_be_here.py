"""how many must be here for a meeting to decide"""

import sqlalchemy as sa
from alembic import op


revision = '0023'
down_revision = '0022'
branch_labels = None
depends_on = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
    op.add_column('meeting', sa.Column('quorum_rule', sa.Text(), server_default='half', nullable=False))
    op.add_column('meeting', sa.Column('quorum_number', number, server_default='0', nullable=False))


def downgrade() -> None:
    with op.batch_alter_table('meeting', schema=None) as batch_op:
        batch_op.drop_column('quorum_number')
        batch_op.drop_column('quorum_rule')
