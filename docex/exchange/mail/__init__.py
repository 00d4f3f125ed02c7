"""Signed e-mail for partners outside the hub: documents out and in as S/MIME, with receipts that machines can read.

Out: a delivery to a partner is a `Letter`, sent by the outbox topic `mail.envelope` under one Message-ID for ever.
In: the SMTP listener stores the raw message and enqueues `mail.arrival`; everything else is done by the worker.
"""
