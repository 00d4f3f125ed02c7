"""Endpoints of meetings, by the stage of a meeting's life: planning, inviting, the room, its conclusions,
its votes and secret ballots, its walls."""

from meetings.routes import (
    audiences,
    ballots,
    entrance,
    inviting,
    minutes,
    planning,
    room,
    speaking,
    voting,
    walls,
)
from meetings.routes.base import routes

__all__ = [
    "audiences",
    "ballots",
    "entrance",
    "inviting",
    "minutes",
    "planning",
    "room",
    "routes",
    "speaking",
    "voting",
    "walls",
]
