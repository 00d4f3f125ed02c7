"""Which language a person reads: what they chose, else Vietnamese.

The browser is not asked: office machines in Vietnam often speak English to their owners, who do not.
"""

from dataclasses import replace

from flask import g, has_request_context, request

from directory.actor import Actor
from kernel.catalogue import LOCALES

COOKIE = "lt_locale"


def current_locale() -> str:
    """`vi` or `en` for this request."""
    if not has_request_context():
        return "vi"
    chosen = request.cookies.get(COOKIE)
    if chosen in LOCALES:
        return str(chosen)
    actor = getattr(g, "actor", None)
    if actor is not None and actor.locale in LOCALES:
        return str(actor.locale)
    return "vi"


def reading(actor: Actor) -> Actor:
    """The same actor with the language of this browser, so that what a room says to them is in that of the page."""
    chosen = request.cookies.get(COOKIE)
    return actor if chosen not in LOCALES or chosen == actor.locale else replace(actor, locale=chosen)
