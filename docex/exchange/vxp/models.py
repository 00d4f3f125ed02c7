"""Tables of the VXP shape: the systems that speak it, and what stands in the list of each."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base, BigId


class VxpSystem(Base):
    """A document system that signs with a shared secret. Who it is and for which agency stands in `api_client`.

    One that `covers_below` is shared by an agency and all below it, as a city's system is, or is another hub.

    The secret is sealed (docex.exchange.vxp.systems) and not hashed.
    """

    __tablename__ = "docex_vxp_system"
    client_id: Mapped[int] = mapped_column(sa.ForeignKey("api_client.id"), primary_key=True)
    system_id: Mapped[str] = mapped_column(unique=True)
    covers_below: Mapped[bool] = mapped_column(default=False)  # serves the agencies below its own too
    sealed_secret: Mapped[str]
    created_at: Mapped[datetime]


EDOC, STATUS, RECALL = "edoc", "status", "recall"
"""The kinds of messages: `edoc` is a delivery, `status` a line of the status log, `recall` a `VxpRecall`, which stands
in the same list as the documents."""

SENT = "sent"
_OPEN = sa.text("status <> 'done'")


class VxpRecall(Base):
    """A recall that came as an envelope of type 1, for one receiver whose system fetches here: it gets the file as it
    came (docs/decisions/0023). `delivery_id` is the newest delivery that is asked for."""

    __tablename__ = "docex_vxp_recall"
    __table_args__ = (sa.UniqueConstraint("dispatch_id", "delivery_id", name="uq_docex_vxp_recall_delivery"),)
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    dispatch_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_dispatch.id"))  # the recall itself
    delivery_id: Mapped[int] = mapped_column(sa.ForeignKey("docex_delivery.id"), index=True)


class VxpAck(Base):
    """One message in the list of a system, and what it said about it with updateStatus: `sent` until it says anything,
    then `processing`, `fail` or `done`.

    It is the transport's word and no status of QĐ 28/2018; `done` takes a message off the list, and does nothing else.
    """

    __tablename__ = "docex_vxp_ack"
    __table_args__ = (
        # What waits, among millions that were taken.
        sa.Index("ix_docex_vxp_ack_open", "client_id", "kind", "ref_id", postgresql_where=_OPEN, sqlite_where=_OPEN),
    )
    client_id: Mapped[int] = mapped_column(sa.ForeignKey("api_client.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    ref_id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str]
    at: Mapped[datetime]
