"""A column whose name speaks of a secret is sealed or a hash, or it stands here with the reason why not."""

import re

import sqlalchemy as sa

from kernel import sealing
from kernel.schema import Base
from web import rooms

SPEAKS = re.compile(r"secret|password|passphrase|token|nonce|private|credential|(^|_)pin($|_)")
HARMLESS = {
    "link.nonce": "the token is an HMAC over the row; without LIENTHONG_SECRET_KEY the row makes none",
    "signing_log_head.token": "a time-stamp (RFC 3161), which anybody may have",
}


def test_every_column_that_speaks_of_a_secret_is_sealed_or_a_hash() -> None:
    rooms.load_pages()
    texts = (sa.String, sa.Text, sa.LargeBinary, sa.JSON)
    columns = [column for table in Base.metadata.sorted_tables for column in table.columns]
    speaking = {str(one) for one in columns if SPEAKS.search(one.name) and isinstance(one.type, texts)}
    sealed = {column.name for column in sealing.columns}
    assert sealed == {"docex_hub_webhook.secret", "docex_vxp_system.sealed_secret", "person.totp_secret"}
    assert {name for name in speaking - sealed if not name.endswith("_hash")} == HARMLESS.keys()
