"""Endpoints of meetings, by the stage of a meeting's life: planning, inviting, the room, its conclusions,
its votes, its walls."""

from meetings.routes import audiences, entrance, inviting, minutes, planning, room, speaking, voting, walls
from meetings.routes.base import routes

__all__ = ["audiences", "entrance", "inviting", "minutes", "planning", "room", "routes", "speaking", "voting", "walls"]
