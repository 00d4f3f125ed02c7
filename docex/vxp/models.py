"""Tables of the VXP shape: the systems that speak it, and what they said about each message they got."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base


class VxpSystem(Base):
    """A document system that signs with a shared secret. Who it is and for which agency stands in `api_client`.

    One that `covers_below` is shared by an agency and all below it, as a city's system is, or is another hub.

    The secret is kept encrypted and not hashed: an HMAC can only be checked by whoever has the secret itself.
    """

    __tablename__ = "docex_vxp_system"
    client_id: Mapped[int] = mapped_column(sa.ForeignKey("api_client.id"), primary_key=True)
    system_id: Mapped[str] = mapped_column(unique=True)
    covers_below: Mapped[bool] = mapped_column(default=False)  # serves the agencies below its own too
    sealed_secret: Mapped[str]
    created_at: Mapped[datetime]


class VxpAck(Base):
    """What a system said with updateStatus about one message in its list: `processing`, `done` or `fail`.

    It is the transport's word and no status of QĐ 28/2018; it keeps a message out of the list, and nothing else.
    """

    __tablename__ = "docex_vxp_ack"
    client_id: Mapped[int] = mapped_column(sa.ForeignKey("api_client.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)  # `edoc`: a delivery; `status`: a line of the status log
    ref_id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str]
    at: Mapped[datetime]
