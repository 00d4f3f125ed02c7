"""The endpoint of who reads a point of the agenda."""

from typing import Any

from flask import request

from directory.actor import Actor
from kernel.db import Tx
from kernel.errors import Invalid, Stale
from meetings import audiences
from meetings.audiences import AudienceFacts
from meetings.forms import number, numbers
from meetings.routes.base import answered, routes
from meetings.routes.planning import back_to_builder, build_page
from meetings.states import Audience


@routes.post("/meetings/<int:meeting_id>/items/<int:item_id>/audience")
def change_audience(tx: Tx, actor: Actor, meeting_id: int, item_id: int) -> Any:
    """Say who reads a point."""
    try:
        item = audiences.change_audience(tx, actor, meeting_id, item_id, _facts(), number(request.form.get("rev")))
    except (Invalid, Stale) as error:
        errors = error.fields if isinstance(error, Invalid) else {"audience": error.message}
        return build_page(tx, actor, meeting_id, errors, f"item-{item_id}"), error.status
    return answered(back_to_builder(meeting_id, f"item-{item_id}"), {"rev": item.rev})


def _facts() -> AudienceFacts:
    kind = request.form.get("audience", "")
    return AudienceFacts(
        Audience(kind) if kind in set(Audience) else None, frozenset(numbers(request.form.getlist("reader")))
    )
