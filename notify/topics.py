"""The kinds of work that follow a transaction in this package: `tx.outbox` names one, its handler does it."""

from kernel.outbox import Topic

EMAIL = Topic("notify.email")
SMS = Topic("notify.sms")
