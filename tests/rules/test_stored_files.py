"""Which columns name stored files is known to the sweep: one that is not would lose its files after a week."""

from kernel.schema import Base
from kernel.storage.sweep import HOLDS, holders
from web import rooms

# Digests of what is no stored file.
NO_FILES = {
    "api_client.certificate_sha256",
    "api_token.certificate_sha256",
    "docex_hub_certificate.sha256",
    "signing_anchor.sha256",
    "signing_held_certificate.sha256",
    "signing_intermediate.sha256",
    "signing_log_leaf.sha256",
    "signing_revocation.sha256",
    "signing_trust_change.sha256",
}


def test_every_column_of_a_sha256_is_known_to_the_sweep_or_holds_no_file() -> None:
    rooms.load_models()
    columns = [column for table in Base.metadata.sorted_tables for column in table.columns]
    named = {str(column) for column in columns if "sha256" in column.name}
    known = {str(column) for column in holders()}
    assert named - known == NO_FILES
    reports = {str(column) for column in columns if column.name == "report"}  # verdicts name answers of authorities
    assert reports <= known
    assert {"docex_judgement.report", "message.attachments", "signing_archive.newest"} <= known  # named otherwise
    assert all(column.info in ({}, HOLDS) for column in columns)
