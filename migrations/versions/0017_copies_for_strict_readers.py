"""Copies of envelopes for systems that cannot read them as they came."""

import sqlalchemy as sa
from alembic import op


revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'docex_repaired',
        sa.Column('dispatch_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('sha256', sa.Text(), nullable=False),
        sa.Column('size', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.ForeignKeyConstraint(['dispatch_id'], ['docex_dispatch.id'], name=op.f('fk_docex_repaired_dispatch_id_docex_dispatch')),
        sa.PrimaryKeyConstraint('dispatch_id', name=op.f('pk_docex_repaired')),
    )


def downgrade() -> None:
    op.drop_table('docex_repaired')
