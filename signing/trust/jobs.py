"""The jobs of the trust store: asking about revocation, and ending proposals that nobody confirmed."""

from kernel import outbox
from kernel.config import Config
from kernel.db import Tx
from kernel.outbox import Job
from signing import topics
from signing.trust import anchors
from signing.trust.revocation import RevocationHandler


def register(config: Config) -> None:
    """Make this process able to do them."""
    outbox.register(RevocationHandler(config.hosts_for_revocation))


@outbox.handler(topics.TRUST_EXPIRE)
def trust_expire(tx: Tx, job: Job) -> None:
    """A proposal has waited long enough."""
    anchors.expire(tx, job.payload["change_id"])
