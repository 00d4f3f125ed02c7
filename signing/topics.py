"""The kinds of work that follow a transaction in this package: `tx.outbox` names one, its handler does it."""

from kernel.outbox import Topic

ARCHIVE_DUE = Topic("signing.archive_due")
ARCHIVE_LOOK = Topic("signing.archive_look")
ARCHIVE_STAMP = Topic("signing.archive_stamp")
MARK_AUDIT = Topic("signing.mark_audit")
REVOCATION = Topic("signing.revocation")
SEQUENCE = Topic("signing.sequence")
STAMP_HEAD = Topic("signing.stamp_head")
TRUST_EXPIRE = Topic("signing.trust_expire")
