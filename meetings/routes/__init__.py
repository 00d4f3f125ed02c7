"""Endpoints of meetings, by the stage of a meeting's life: planning, inviting, the room, its conclusions,
its votes and secret ballots, its walls."""

from meetings.routes import audiences, ballots, inviting, minutes, planning, room, voting, walls
from meetings.routes.base import routes

__all__ = ["audiences", "ballots", "inviting", "minutes", "planning", "room", "routes", "voting", "walls"]
