"""Operations for agencies' systems: hand in an envelope, receipts, mailbox, webhooks, files in pieces, the signed
directory, evidence packs; and the VXP protocol."""

from docex.api import (
    connection,
    directory,
    envelopes,
    evidence_packs,
    hub,
    mailbox,
    recalls,
    receipts,
    uploads,
    vxp,
)

__all__ = ["connection", "directory", "mailbox", "receipts", "sets", "uploads"]

sets = (envelopes.routes, recalls.routes, hub.routes, evidence_packs.routes, vxp.routes)
"""All of them, in the order in which they are documented."""
