"""Heads of the audit chains become leaves of the evidence log."""

import sqlalchemy as sa
from alembic import op


revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('signing_audit_mark',
    sa.Column('chain', sa.Text(), nullable=False),
    sa.Column('length', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('head', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('chain', 'length', name=op.f('pk_signing_audit_mark'))
    )
    op.create_index('ix_signing_audit_mark_leaf', 'signing_audit_mark', ['at'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_signing_audit_mark_leaf', table_name='signing_audit_mark')
    op.drop_table('signing_audit_mark')
