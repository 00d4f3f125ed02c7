"""who came when and left; screens at the door"""

import sqlalchemy as sa
from alembic import op

revision = '0027'
down_revision = '0026'
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('stay',
    sa.Column('id', _NUMBER, nullable=False),
    sa.Column('meeting_id', _NUMBER, nullable=False),
    sa.Column('participant_id', _NUMBER, nullable=False),
    sa.Column('came_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('came_by', sa.Text(), nullable=False),
    sa.Column('left_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('left_by', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['meeting_id'], ['meeting.id'], name=op.f('fk_stay_meeting_id_meeting'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['participant_id'], ['participant.id'], name=op.f('fk_stay_participant_id_participant'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stay'))
    )
    with op.batch_alter_table('stay', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_stay_meeting_id'), ['meeting_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_stay_participant_id'), ['participant_id'], unique=False)

    op.execute(
        "INSERT INTO stay (meeting_id, participant_id, came_at, came_by, left_by) "
        "SELECT meeting_id, id, checked_in_at, checked_in_by, '' FROM participant WHERE checked_in_at IS NOT NULL"
    )
    with op.batch_alter_table('participant', schema=None) as batch_op:
        batch_op.add_column(sa.Column('left_at', sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table('meeting', schema=None) as batch_op:
        batch_op.add_column(sa.Column('at_entrance_only', sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table('wall_pairing', schema=None) as batch_op:
        batch_op.add_column(sa.Column('kind', sa.Text(), server_default='wall', nullable=False))


def downgrade() -> None:
    with op.batch_alter_table('wall_pairing', schema=None) as batch_op:
        batch_op.drop_column('kind')
    with op.batch_alter_table('meeting', schema=None) as batch_op:
        batch_op.drop_column('at_entrance_only')
    with op.batch_alter_table('participant', schema=None) as batch_op:
        batch_op.drop_column('left_at')
    op.drop_table('stay')
