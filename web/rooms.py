"""The list of rooms and the one place that imports their endpoints, jobs, guards and self-checks."""

import importlib
from types import ModuleType

from kernel.config import Config
from kernel.db import Database
from kernel.endpoints import Endpoint
from kernel.storage.blobs import BlobStore

ROOMS = ("directory", "signing", "notify", "tasks", "docex", "meetings", "web")
#: Rooms within a room, with models, endpoints and jobs of their own.
PARTS = (
    "docex.documents",
    "docex.documents.verification",
    "docex.exchange",
    "docex.exchange.hub",
    "docex.documents.registers",
    "docex.exchange.evidence",
    "docex.exchange.vxp",
    "docex.exchange.mail",
    "docex.documents.device_signing",
    "meetings.rooms",
    "meetings.voting",
)


def find_modules(name: str) -> list[ModuleType]:
    """`name` of every room and part that has it, in the order of the house."""
    found = []
    for room in sorted((*ROOMS, *PARTS), key=lambda room: ROOMS.index(room.split(".")[0])):
        full = f"{room}.{name}"
        try:
            found.append(importlib.import_module(full))
        except ModuleNotFoundError as error:
            if error.name not in (full, room):
                raise
    return found


def load_models() -> None:
    """Make every table known to the declarative base."""
    for name in ("models", "access"):
        find_modules(name)
    for name in ("audit", "outbox", "search", "streams", "worktime"):
        importlib.import_module(f"kernel.{name}")


def load_pages() -> list[Endpoint]:
    """All endpoints of the house, with the guards, start-page sections and describers that the pages need."""
    load_models()
    for name in ("dashboard", "links", "dead_letters"):
        find_modules(name)
    modules = find_modules("routes") + find_modules("api")
    found = [routes for module in modules for routes in (module.sets if hasattr(module, "sets") else [module.routes])]
    return [endpoint for routes in found for endpoint in routes.endpoints]


def offer_transports(config: Config) -> None:
    """Let this process know the transports of the exchange that depend on settings: what is said on pages and by the
    API goes on by them too."""
    for module in find_modules("transport"):
        if hasattr(module, "offer"):
            module.offer(config)


def load_jobs(config: Config, blobs: BlobStore) -> None:
    """Register the handler of every outbox topic."""
    load_models()
    for module in find_modules("jobs"):
        module.register_jobs(config, blobs)


def begin_jobs(config: Config, db: Database) -> None:
    """What each room sees to when a worker starts: the first of those jobs that enqueue their next one themselves."""
    for module in find_modules("jobs"):
        if hasattr(module, "begin_jobs"):
            module.begin_jobs(config, db)


def load_checks() -> None:
    """Register every room's self-checks."""
    find_modules("doctor")
