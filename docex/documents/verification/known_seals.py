"""The seals of agencies that verification has found valid: the hub publishes them in the signed directory."""

from collections.abc import Iterable

from docex.documents.verification.models import SealCertificate
from kernel import clock
from kernel.db import Tx
from kernel.schema import insert_into
from signing.verdicts.verdict import HolderKind, Value, Verdict


def note_seals(tx: Tx, agency_id: int, verdicts: Iterable[Verdict]) -> None:
    """Remember the seals of an agency that were found valid on its documents: they become part of the directory."""
    for signer in (signer for verdict in verdicts for signer in verdict.signers):
        if signer.value is not Value.VALID or signer.kind is not HolderKind.SEAL or not signer.certificate:
            continue
        row = insert_into(tx.session, SealCertificate).values(
            agency_id=agency_id,
            sha256=signer.certificate,
            serial=signer.serial,
            issuer=signer.issuer,
            name=signer.name,
            not_after=signer.not_after,
            test=signer.test,
            seen_at=clock.now(),
        )
        tx.session.execute(row.on_conflict_do_nothing())
