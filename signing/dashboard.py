"""What of the trust store waits for the administrators of the instance."""

import sqlalchemy as sa

from directory.access import is_instance_admin
from directory.actor import Actor
from kernel import clock
from kernel.dashboard import Chip, Item, section
from kernel.db import Tx
from kernel.text import phrase
from signing.trust.anchors import CHANGE_PATH
from signing.trust.models import ChangeState, RevocationSource, TrustChange

PAGE = "/admin/trust"


@section(96, phrase("Kho tin cậy"), phrase("Không có thay đổi nào chờ xác nhận."))
def trust_store(tx: Tx, actor: Actor) -> list[Item] | None:
    """Proposals that another administrator has made, and revocation lists that have ended. Not shown while none are."""
    if not is_instance_admin(tx, actor):
        return None
    now = clock.now()
    open_ones = sa.select(TrustChange).where(
        TrustChange.state == ChangeState.PROPOSED,
        TrustChange.expires_at > now,
        TrustChange.proposed_by != actor.person_id,
    )
    waits = Chip(phrase("Chờ bạn xác nhận"), "waiting")
    items = [
        Item(row.label, CHANGE_PATH.format(id=row.id), due_at=row.expires_at, chip=waits)
        for row in tx.session.scalars(open_ones.order_by(TrustChange.id))
    ]
    ended = sa.select(RevocationSource).where(RevocationSource.next_update < now).order_by(RevocationSource.id)
    over = Chip(phrase("Quá hạn"), "bad")
    title = phrase("Danh sách thu hồi")
    items += [
        Item(row.issuer_name, PAGE + "#sources", meta=(title,), chip=over)
        for row in tx.session.scalars(ended.where(RevocationSource.kind == "crl").limit(20))
    ]
    return items or None
