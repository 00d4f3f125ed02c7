"""Recalls that came as envelopes in the lists of systems, and the form of codes that a system wants."""

import sqlalchemy as sa
from alembic import op


revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'docex_vxp_recall',
        sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('dispatch_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('delivery_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.ForeignKeyConstraint(['dispatch_id'], ['docex_dispatch.id']),
        sa.ForeignKeyConstraint(['delivery_id'], ['docex_delivery.id']),
        sa.PrimaryKeyConstraint('id', name='pk_docex_vxp_recall'),
        sa.UniqueConstraint('dispatch_id', 'delivery_id', name='uq_docex_vxp_recall_delivery'),
    )
    op.create_index('ix_docex_vxp_recall_delivery_id', 'docex_vxp_recall', ['delivery_id'])
    op.add_column('api_client', sa.Column('code_form', sa.Text(), server_default='new', nullable=False))


def downgrade() -> None:
    op.drop_column('api_client', 'code_form')
    op.execute("DELETE FROM docex_vxp_ack WHERE kind = 'recall'")
    op.drop_table('docex_vxp_recall')
