"""The instant by the clock of the database server, which all machines share: leases and what is due are told by it, so
that a machine whose clock is wrong neither keeps a job for hours nor lets go of what it is working on."""

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from kernel import clock

if TYPE_CHECKING:
    from kernel.db import Tx

_NOW = sa.select(sa.func.clock_timestamp())


def now(tx: "Tx") -> datetime:
    """This instant. The embedded database has no clock but that of the machine that it runs on."""
    connection = tx.session.connection()
    if connection.dialect.name != "postgresql":
        return clock.now()
    return clock.of_shared(connection.execute(_NOW).scalar_one())
