"""Endpoints of meetings, by the stage of a meeting's life: planning, inviting, the room, its conclusions, its walls."""

from meetings.routes import audiences, inviting, minutes, planning, room, walls
from meetings.routes.base import routes

__all__ = ["audiences", "inviting", "minutes", "planning", "room", "routes", "walls"]
