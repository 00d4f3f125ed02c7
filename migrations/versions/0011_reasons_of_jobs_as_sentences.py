"""Why a job was given up, as a sentence in either language."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')


def upgrade() -> None:
    op.add_column('outbox', sa.Column('said', JSON, nullable=True))


def downgrade() -> None:
    op.drop_column('outbox', 'said')
