"""Evidence packs that agencies' systems ask for: nobody in person."""

import sqlalchemy as sa
from alembic import op


revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    with op.batch_alter_table('docex_evidence_pack', schema=None) as batch_op:
        batch_op.alter_column('person_id', existing_type=NUMBER, nullable=True)


def downgrade() -> None:
    # Packs can be asked for again at any time; the audit keeps who took them.
    op.execute(sa.text('DELETE FROM docex_evidence_pack WHERE person_id IS NULL'))
    with op.batch_alter_table('docex_evidence_pack', schema=None) as batch_op:
        batch_op.alter_column('person_id', existing_type=NUMBER, nullable=False)
