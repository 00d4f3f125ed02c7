"""The kinds of work that follow a transaction in this package: `tx.outbox` names one, its handler does it."""

from kernel.outbox import Topic

CHECK_STORED = Topic("web.check_stored")
SWEEP = Topic("web.sweep")
SWEEP_FILES = Topic("web.sweep_files")
