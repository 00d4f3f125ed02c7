"""Everything of this room that must be a leaf of the evidence log, for `lienthong log check`."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from docex.documents.models import Dispatch, Paper, PaperVerdict, StatusIn
from docex.documents.verification.models import EnvelopeVerdict
from docex.exchange.hub.models import Receipt
from kernel.db import Tx
from signing.log.evidence_log import Kind, canonical
from signing.log.log_audit import Fact, facts

_AT_A_TIME = 1_000


@facts
def accepted(tx: Tx) -> Iterator[Fact]:
    """Envelopes, their papers, status messages, receipts and verdicts."""
    papers = sa.select(Paper.sha256).where(Paper.dispatch_id.is_not(None))
    for query in (sa.select(Dispatch.sha256), papers, sa.select(StatusIn.sha256)):
        yield from ((Kind.DOCUMENT, digest) for digest in _each(tx, query))
    yield from ((Kind.RECEIPT, sha256(jws.encode()).hexdigest()) for jws in _each(tx, sa.select(Receipt.jws)))
    for reports in (sa.select(PaperVerdict.report), sa.select(EnvelopeVerdict.report)):
        yield from ((Kind.VERDICT, sha256(canonical(one)).hexdigest()) for one in _each(tx, reports))


def _each(tx: Tx, query: sa.Select[*tuple[Any, ...]]) -> Iterator[Any]:
    yield from tx.session.scalars(query.execution_options(yield_per=_AT_A_TIME))
