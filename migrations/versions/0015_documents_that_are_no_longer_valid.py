"""Documents that were valid by earlier rules and are not by those of today, and who was told so."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('docex_fallen_verdict',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('dispatch_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('agency_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('policy', sa.Text(), nullable=False),
    sa.Column('said', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('told_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('fk_docex_fallen_verdict_agency_id_agency')),
    sa.ForeignKeyConstraint(['dispatch_id'], ['docex_dispatch.id'], name=op.f('fk_docex_fallen_verdict_dispatch_id_docex_dispatch')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_docex_fallen_verdict')),
    sa.UniqueConstraint('dispatch_id', 'agency_id', name=op.f('uq_docex_fallen_verdict_dispatch_id_agency_id'))
    )
    with op.batch_alter_table('docex_fallen_verdict', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_docex_fallen_verdict_agency_id'), ['agency_id'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('docex_fallen_verdict', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_docex_fallen_verdict_agency_id'))

    op.drop_table('docex_fallen_verdict')
