"""Operations of the hub for agencies' systems: receipts, mailbox, webhooks, files in pieces, the signed directory."""

from docex.hub.api import connection, evidence, inbox, pieces, published
from docex.hub.api.desk import RECEIVE, SUBMIT, routes

__all__ = ["RECEIVE", "SUBMIT", "connection", "evidence", "inbox", "pieces", "published", "routes"]
