"""The endpoints of documents and their exchange for people: lists, forms, the pages of documents, of the hub's operator
and of the public."""

from docex.routes import (
    checking,
    device_signing,
    evidence,
    hub,
    incoming,
    lists,
    mail_links,
    outgoing,
    pages,
    papers,
    registers,
    vxp_systems,
    workflow,
    writing,
)

__all__ = ["incoming", "lists", "outgoing", "papers", "sets", "writing"]

sets = (
    pages.routes,
    workflow.routes,
    checking.routes,
    hub.routes,
    registers.routes,
    evidence.routes,
    vxp_systems.routes,
    mail_links.routes,
    device_signing.routes,
)
"""All of them, in the order in which they are listed."""
