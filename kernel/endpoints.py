"""What a room offers over HTTP, as data. `web/entry.py` opens each endpoint: transaction, actor, credential, errors.

A room cannot mount itself, so no view can be reached without passing the entry.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypedDict, Unpack

from pydantic import BaseModel

from kernel.text import Phrase

View = Callable[..., Any]


class Guard(StrEnum):
    """Who may call an endpoint."""

    PERSON = "person"  # signed in, in the browser; writes carry a CSRF token
    CLIENT = "client"  # an agency's system with an access token that holds the scope
    OPEN = "open"  # anybody; the reason is written beside it


class Says(TypedDict, total=False):
    """What an operation of the API takes and answers: the entry checks what comes, the OpenAPI document is made of it.

    A str in place of a model is a media type: bytes that are no JSON, in `takes` (not read by the entry) or `answers`.
    """

    title: Phrase  # what the operation does, in a few words; the docstring is the description
    takes: type[BaseModel] | str  # the body; the view (and `before`) gets a model as `given`
    query: type[BaseModel]  # the parameters after the question mark; the view (and `before`) gets them as `asked`
    form: type[BaseModel]  # a form body; for the document only, the view reads it
    headers: Mapping[str, str]  # request headers that count, with what they do
    answers: Mapping[int, type[BaseModel] | str | None]  # None: an answer without a body
    refuses: Mapping[int, str]  # when it refuses, for those statuses about which there is more to say than usual


@dataclass(frozen=True)
class Endpoint:
    """One operation over HTTP: `view(tx, actor, **path)`; `writes` decides the kind of transaction.

    What takes long and needs no write - files stored, an envelope read - belongs into `before(tx, actor, **path)`,
    which runs first, in a transaction that only reads. The view then gets `brought`, a function that answers with
    what `before` answered with, or raises the Invalid that it met.

    An endpoint that speaks a foreign protocol says in `refuse(error)` how that protocol tells of a failure, whatever it
    is.

    `rate` and `form_bytes` name the settings that say how often one address may come, and how large a form with its
    files may be: for endpoints through which strangers make us work.

    `proof(tx, **path)` belongs to open endpoints whose address or headers carry the proof: it looks at that before a
    large body is read, raises what strangers are told, and answers how many bytes may come (None: as many as usual).
    """

    name: str
    method: str
    path: str
    view: View
    guard: Guard
    writes: bool
    scope: str = ""
    or_scope: str = ""  # another right that lets pass too
    reason: str = ""
    csrf: bool = True
    max_bytes: str = ""
    rate: str = ""
    form_bytes: str = ""
    proof: View | None = None
    before: View | None = None
    refuse: View | None = None
    says: Says = field(default_factory=Says)

    @property
    def scopes(self) -> tuple[str, ...]:
        """The rights of which a system needs one."""
        return tuple(filter(None, (self.scope, self.or_scope)))


@dataclass
class Routes:
    """The endpoints of one room; the name of a view's endpoint is `<room>.<function name>`."""

    room: str
    endpoints: list[Endpoint] = field(default_factory=list)

    def get(self, path: str) -> Callable[[View], View]:
        """A page for a signed-in person; read only."""
        return self._endpoint("GET", path, Guard.PERSON, writes=False)

    def post(self, path: str, *, max_bytes: str = "", before: View | None = None) -> Callable[[View], View]:
        """An act of a signed-in person; one transaction, CSRF checked.

        `max_bytes` names the setting that caps the body when it is not the common one.
        """
        return self._endpoint("POST", path, Guard.PERSON, writes=True, max_bytes=max_bytes, before=before)

    def open_get(
        self,
        path: str,
        *,
        reason: str,
        rate: str = "",
        before: View | None = None,
        refuse: View | None = None,
        **says: Unpack[Says],
    ) -> Callable[[View], View]:
        """A page that anybody may read; `actor` is None for strangers. Changes nothing."""
        rest = {"reason": reason, "rate": rate, "before": before, "refuse": refuse, "says": says}
        return self._endpoint("GET", path, Guard.OPEN, writes=False, **rest)

    def open_post(
        self,
        path: str,
        *,
        reason: str,
        csrf: bool = True,
        max_bytes: str = "",
        rate: str = "",
        form_bytes: str = "",
        proof: View | None = None,
        before: View | None = None,
        refuse: View | None = None,
        **says: Unpack[Says],
    ) -> Callable[[View], View]:
        """An act that carries its own proof (a token, a password, a provider's signature), or needs none."""
        rest = {"reason": reason, "csrf": csrf, "max_bytes": max_bytes, "before": before, "refuse": refuse}
        rest |= {"rate": rate, "form_bytes": form_bytes, "proof": proof, "says": says}
        return self._endpoint("POST", path, Guard.OPEN, writes=True, **rest)

    def api(
        self,
        method: str,
        path: str,
        *,
        scope: str,
        or_scope: str = "",
        max_bytes: str = "",
        before: View | None = None,
        rows: bool = True,
        **says: Unpack[Says],
    ) -> Callable[[View], View]:
        """An operation for an agency's system; errors are always problem details in JSON. Without `rows` it changes
        files and nothing in the database, so that its one transaction is that of `before`, which only reads."""
        writes = method not in {"GET", "HEAD"} and rows
        rest = {"scope": scope, "or_scope": or_scope, "csrf": False, "max_bytes": max_bytes}
        rest |= {"before": before, "says": says}
        return self._endpoint(method, path, Guard.CLIENT, writes=writes, **rest)

    def _endpoint(self, method: str, path: str, guard: Guard, *, writes: bool, **rest: Any) -> Callable[[View], View]:
        def keep(view: View) -> View:
            name = f"{self.room}.{view.__name__}"
            self.endpoints.append(Endpoint(name, method, path, view, guard, writes, **rest))
            return view

        return keep
