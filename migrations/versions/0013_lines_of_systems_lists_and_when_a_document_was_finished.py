"""Lines of systems' lists, and when a document was finished."""

import sqlalchemy as sa
from alembic import op


revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

OPEN = sa.text("status <> 'done'")
ABROAD = sa.text("progress IN ('submitted', 'available')")
# The systems that are not revoked, with the agencies that each serves.
SERVED = """
WITH RECURSIVE served (client_id, since, below, agency_id) AS (
    SELECT s.client_id, s.created_at, s.covers_below, c.agency_id
    FROM docex_vxp_system s JOIN api_client c ON c.id = s.client_id WHERE c.revoked_at IS NULL
    UNION
    SELECT served.client_id, served.since, served.below, a.id
    FROM served JOIN agency a ON a.parent_id = served.agency_id WHERE served.below
)
"""
# What each of them was told since there is such a system and has not acknowledged.
STATUSES = f"""
INSERT INTO docex_vxp_ack (client_id, kind, ref_id, status, at)
{SERVED}
SELECT served.client_id, 'status', l.id, 'sent', l.at
FROM docex_status_log l
JOIN docex_delivery d ON d.id = l.delivery_id
JOIN docex_dispatch p ON p.id = d.dispatch_id
JOIN served ON served.agency_id = CASE WHEN l.code = '13' THEN d.agency_id ELSE p.sender_id END
WHERE l.code IN ('01', '02', '03', '04', '05', '06', '13', '15', '16') AND l.at >= served.since
AND NOT EXISTS (
    SELECT 1 FROM docex_vxp_ack k WHERE k.client_id = served.client_id AND k.kind = 'status' AND k.ref_id = l.id
)
"""
# What nobody has fetched is found without a line.
DELIVERIES = f"""
INSERT INTO docex_vxp_ack (client_id, kind, ref_id, status, at)
{SERVED}
SELECT served.client_id, 'edoc', d.id, 'sent', d.changed_at
FROM docex_delivery d
JOIN docex_dispatch p ON p.id = d.dispatch_id
JOIN served ON served.agency_id = d.agency_id
WHERE d.progress NOT IN ('submitted', 'available', 'expired', 'undeliverable') AND d.recall <> '15'
AND p.submitted_at >= served.since
AND NOT EXISTS (
    SELECT 1 FROM docex_vxp_ack k WHERE k.client_id = served.client_id AND k.kind = 'edoc' AND k.ref_id = d.id
)
"""
# A recall that was asked for or answered later has changed the copy since; its sender was told when it was finished.
FINISHED = """
UPDATE docex_incoming SET finished_at = COALESCE(
    (SELECT MIN(l.at) FROM docex_status_log l
     WHERE l.delivery_id = docex_incoming.delivery_id AND l.code = '06' AND l.counted),
    changed_at
) WHERE state = 'done'
"""


def upgrade() -> None:
    connection = op.get_bind()
    connection.execute(sa.text(STATUSES))
    connection.execute(sa.text(DELIVERIES))
    op.create_index(
        'ix_docex_vxp_ack_open',
        'docex_vxp_ack',
        ['client_id', 'kind', 'ref_id'],
        postgresql_where=OPEN,
        sqlite_where=OPEN,
    )
    op.create_index(
        'ix_docex_delivery_abroad',
        'docex_delivery',
        ['agency_id', 'progress'],
        postgresql_where=ABROAD,
        sqlite_where=ABROAD,
    )
    op.add_column('docex_incoming', sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True))
    connection.execute(sa.text(FINISHED))


def downgrade() -> None:
    op.drop_column('docex_incoming', 'finished_at')
    op.drop_index('ix_docex_delivery_abroad', 'docex_delivery')
    op.drop_index('ix_docex_vxp_ack_open', 'docex_vxp_ack')
    op.execute(sa.text("DELETE FROM docex_vxp_ack WHERE status = 'sent'"))
