"""The endpoints of the lists and of the search."""

from directory.actor import Actor
from docex.routes import registers
from docex.routes.pages import routes
from kernel.db import Tx


@routes.get("/documents/in")
def inbox(tx: Tx, actor: Actor) -> str:
    """The received documents of the agency; moves live."""
    return registers.inbox_page(tx, actor)


@routes.get("/documents/out")
def outbox(tx: Tx, actor: Actor) -> str:
    """The documents that the agency issues; moves live."""
    return registers.outbox_page(tx, actor)


@routes.get("/search")
def search(tx: Tx, actor: Actor) -> str:
    """Documents of both directions, with and without accents, also by the text of their papers."""
    return registers.search_page(tx, actor)
