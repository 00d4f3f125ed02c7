"""Endpoints of the directory: coming in, one's own account, and the administrators' pages."""

from directory.routes import entering, instance, lists, own, register, staff
from directory.routes.desk import routes

__all__ = ["entering", "instance", "lists", "own", "register", "routes", "staff"]
