"""What a room offers over HTTP, as data. `web/entry.py` opens each door: transaction, actor, credential, errors.

A room cannot mount itself, so no view can be reached without passing the entry.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

View = Callable[..., Any]


class Guard(StrEnum):
    """Who may pass a door."""

    PERSON = "person"  # signed in, in the browser; writes carry a CSRF token
    CLIENT = "client"  # an agency's system with an access token that holds the scope
    OPEN = "open"  # anybody; the reason is written beside it


@dataclass(frozen=True)
class Door:
    """One endpoint: `view(tx, actor, **path)`; `writes` decides the kind of transaction.

    What takes long and needs no write - files stored, an envelope read - belongs into `before(tx, actor, **path)`,
    which runs first, in a transaction that only reads. The view then gets `brought`, a function that answers with
    what `before` answered with, or raises the Invalid that it met.
    """

    endpoint: str
    method: str
    path: str
    view: View
    guard: Guard
    writes: bool
    scope: str = ""
    reason: str = ""
    csrf: bool = True
    max_bytes: str = ""
    before: View | None = None


@dataclass
class Routes:
    """The doors of one room; the endpoint of a view is `<room>.<function name>`."""

    room: str
    doors: list[Door] = field(default_factory=list)

    def get(self, path: str) -> Callable[[View], View]:
        """A page for a signed-in person; read only."""
        return self._door("GET", path, Guard.PERSON, writes=False)

    def post(self, path: str, *, max_bytes: str = "", before: View | None = None) -> Callable[[View], View]:
        """An act of a signed-in person; one transaction, CSRF checked.

        `max_bytes` names the setting that caps the body when it is not the common one.
        """
        return self._door("POST", path, Guard.PERSON, writes=True, max_bytes=max_bytes, before=before)

    def open_get(self, path: str, *, reason: str) -> Callable[[View], View]:
        """A page that anybody may read; `actor` is None for strangers. Changes nothing."""
        return self._door("GET", path, Guard.OPEN, writes=False, reason=reason)

    def open_post(self, path: str, *, reason: str, csrf: bool = True) -> Callable[[View], View]:
        """An act that carries its own proof (a token, a password, a provider's signature)."""
        return self._door("POST", path, Guard.OPEN, writes=True, reason=reason, csrf=csrf)

    def api(
        self, method: str, path: str, *, scope: str, max_bytes: str = "", before: View | None = None
    ) -> Callable[[View], View]:
        """An operation for an agency's system; errors are always JSON."""
        return self._door(
            method,
            path,
            Guard.CLIENT,
            writes=method != "GET",
            scope=scope,
            csrf=False,
            max_bytes=max_bytes,
            before=before,
        )

    def _door(self, method: str, path: str, guard: Guard, *, writes: bool, **rest: Any) -> Callable[[View], View]:
        def keep(view: View) -> View:
            endpoint = f"{self.room}.{view.__name__}"
            self.doors.append(Door(endpoint, method, path, view, guard, writes, **rest))
            return view

        return keep
