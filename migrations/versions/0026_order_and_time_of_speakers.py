"""order and time of speakers"""

import sqlalchemy as sa
from alembic import op

revision = '0026'
down_revision = '0025'
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    with op.batch_alter_table('meeting', schema=None) as batch_op:
        batch_op.add_column(sa.Column('speech_seconds', _NUMBER, server_default='0', nullable=False))
        batch_op.add_column(sa.Column('quiet_first', sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table('speak_turn', schema=None) as batch_op:
        batch_op.add_column(sa.Column('place', _NUMBER, server_default='0', nullable=False))
        batch_op.add_column(sa.Column('seconds', _NUMBER, server_default='0', nullable=False))


def downgrade() -> None:
    with op.batch_alter_table('speak_turn', schema=None) as batch_op:
        batch_op.drop_column('seconds')
        batch_op.drop_column('place')
    with op.batch_alter_table('meeting', schema=None) as batch_op:
        batch_op.drop_column('quiet_first')
        batch_op.drop_column('speech_seconds')
