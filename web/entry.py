"""The one way in. Opens every endpoint of the house: transaction, actor, credential, CSRF, errors.

A view runs inside one transaction. It is committed when the answer is a success and rolled back when the answer is a
refusal, so that a form that is shown again with its errors has changed nothing.
"""

import io
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import IO, Any, NoReturn

from flask import Flask, Response, current_app, g, make_response, redirect, request, url_for
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import TooManyRequests, Unauthorized

from directory import clients as systems
from directory import proofs, signin
from directory.actor import Actor
from kernel.config import Config
from kernel.db import Database, Tx
from kernel.endpoints import Endpoint, Guard
from kernel.errors import Forbidden, Invalid
from kernel.netaddresses import network_of
from kernel.text import phrase
from meetings import walls
from web import given, rates
from web.locale import reading
from web.openapi import specification
from web.services import Services, services

csrf = CSRFProtect()
_IN_MEMORY = 1 << 20
_OF_ANYBODY = 2 << 20
"""Bytes that are read before anybody asks who sends them; the pieces of an upload are smaller."""
_FRESH_S = 1.0
"""A system that was let in this short a time ago is not asked for its token once more before it writes."""


class _Refused(Exception):
    """Carries a finished answer out of a transaction that must not be committed."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def mount(app: Flask, endpoints: list[Endpoint]) -> None:
    """Open `endpoints` on `app`; the rule in tests/rules counts them against the URL map."""
    described = specification.document_of(app)
    for endpoint in endpoints:
        view = _in_its_own_words(endpoint, _opened(endpoint)) if endpoint.refuse else _opened(endpoint)
        if specification.belongs(endpoint):
            described.describe(endpoint, view)
        app.add_url_rule(endpoint.path, endpoint.name, view, methods=[endpoint.method])


def _in_its_own_words(endpoint: Endpoint, view: Callable[..., Response]) -> Callable[..., Response]:
    """The same endpoint, whose failures are told as its own protocol tells them."""

    def guarded(**path: Any) -> Response:
        try:
            return view(**path)
        except Exception as error:
            assert endpoint.refuse is not None
            return make_response(endpoint.refuse(error))

    return guarded


def _opened(endpoint: Endpoint) -> Callable[..., Response]:
    def view(**path: Any) -> Response:
        g.request_id = secrets.token_hex(8)
        _count_address(endpoint)
        try:
            _read_body(endpoint, services(), path)
            _refuse_nul(endpoint)
            if (
                endpoint.csrf
                and endpoint.writes
                and endpoint.guard is not Guard.CLIENT
                and current_app.config["WTF_CSRF_ENABLED"]
            ):
                csrf.protect()
            response = _answered(services().db, endpoint, path)
        except _Refused as refused:
            return refused.response
        finally:
            g.pop("tx", None)
        if client := g.pop("client_touch", None):
            with services().db.write() as tx:
                systems.note_use(tx, client)
        if touch := g.pop("touch", None):
            with services().db.write() as tx:
                signin.touch(tx, touch)
        return response

    return view


def _answered(db: Database, endpoint: Endpoint, path: dict[str, Any]) -> Response:
    if endpoint.before:
        with db.read() as tx:
            actor = _admitted(tx, endpoint)
            instant = tx.session.get_transaction()
            path = path | {"brought": _bring(tx, endpoint, actor, path)}
            if not endpoint.writes:
                return _answer_after(tx, endpoint, actor, path, instant)
        if actor is not None and endpoint.guard is Guard.CLIENT and time.monotonic() - tx.begun < _FRESH_S:
            with db.write(actor.by) as tx:
                return _answer(tx, endpoint, actor, path)
    with db.write() if endpoint.writes else db.read() as tx:
        return _answer(tx, endpoint, _admitted(tx, endpoint), path)


def _answer_after(tx: Tx, endpoint: Endpoint, actor: Actor | None, path: dict[str, Any], instant: Any) -> Response:
    """Who waited may have been shut out meanwhile: what was read since that first instant is told only to whom is let
    in once more. Hundreds of systems a second hear that there is nothing for them; for that nothing was read."""
    last = tx.session.get_transaction()
    nothing_read = last is None and endpoint.guard is Guard.CLIENT
    if last is not instant and not nothing_read:
        actor = _admitted(tx, endpoint)
    answer = _answer(tx, endpoint, actor, path)
    if nothing_read and tx.session.get_transaction() is not None:  # the view itself has read
        _admitted(tx, endpoint)
    return answer


def _bring(tx: Tx, endpoint: Endpoint, actor: Actor | None, path: dict[str, Any]) -> Callable[[], Any]:
    """What the endpoint's `before` answers with, made while nobody waits for the database."""
    assert endpoint.before is not None
    try:
        found = endpoint.before(tx, actor, **path, **given.told(endpoint))
    except Invalid as error:
        return partial(_raise, error)
    return lambda: found


def _raise(error: Invalid) -> NoReturn:
    raise error


def _answer(tx: Tx, endpoint: Endpoint, actor: Actor | None, path: dict[str, Any]) -> Response:
    g.tx = tx
    response = make_response(endpoint.view(tx, actor, **path, **given.told(endpoint)))
    if tx.writable and response.status_code >= 400 and not tx.keep_on_refusal:
        raise _Refused(response)
    return response


def _admitted(tx: Tx, endpoint: Endpoint) -> Actor | None:
    """Whoever may pass this endpoint; others are sent away."""
    actor = _actor(tx, endpoint)
    if actor is not None and endpoint.guard is Guard.PERSON and actor.kind != "person":
        actor = None  # a screen on the wall reads what its room lets it read, and nothing else
    g.actor = actor = actor and reading(actor)
    if actor is None and endpoint.guard is not Guard.OPEN:
        raise _Refused(_ask_to_sign_in(endpoint))
    if endpoint.guard is Guard.CLIENT and actor is not None and actor.scopes.isdisjoint(endpoint.scopes):
        raise Forbidden(phrase("Mã truy cập này không có quyền {scope}.", scope=endpoint.scope))
    if endpoint.guard is Guard.CLIENT and actor is not None:
        _count(actor)
    if actor is not None and actor.is_news:
        g.client_touch = actor.client_id
    if actor is not None:
        tx.by = actor.by
        if not (tx.writable or endpoint.writes) and signin.needs_touch(tx, actor):
            g.touch = actor.session_id
    return actor


def _count(client: Actor) -> None:
    if "counted" in g:  # before the body, or by `before`
        return
    g.counted = True
    wait = rates.seconds_to_wait(services().config.api_rate, client.by)
    if wait is not None:
        raise TooManyRequests(retry_after=wait)


def _count_address(endpoint: Endpoint) -> None:
    """Before anything is read: a stranger who comes too often costs nothing more."""
    if not endpoint.rate:
        return
    wait = rates.seconds_to_wait(
        getattr(services().config, endpoint.rate), f"{endpoint.rate}:{network_of(request.remote_addr or '')}"
    )
    if wait is not None:
        raise TooManyRequests(retry_after=wait)


def _read_body(endpoint: Endpoint, parts: Services, path: dict[str, Any]) -> None:
    """Take in the whole request before the transaction begins: a slow phone must not hold a lock.

    Files of forms and the body of an API call that may be large go to temporary files on the way. What is large is
    taken only from whom the endpoint is for.
    """
    if not endpoint.writes and not endpoint.max_bytes:
        return
    cap = _most_bytes(endpoint, parts.config)
    if _is_large():
        cap = _shown_first(endpoint, parts, path, cap)
    request.max_content_length = cap
    request.max_form_memory_size = parts.config.request_max_bytes
    if endpoint.max_bytes:
        request.stream = _spooled(request.stream)
    elif endpoint.guard is Guard.CLIENT:
        request.get_data()
    else:
        _ = request.form, request.files


def _most_bytes(endpoint: Endpoint, config: Config) -> int:
    """How large the body may be. A form has files only where somebody is signed in, or the endpoint says so."""
    if endpoint.form_bytes:
        return int(getattr(config, endpoint.form_bytes)) + config.request_max_bytes
    if endpoint.max_bytes:
        return config.upload_max_bytes
    if endpoint.guard is Guard.PERSON and (request.mimetype or "").startswith("multipart/"):
        return config.upload_max_bytes + config.request_max_bytes
    return config.request_max_bytes


def _is_large() -> bool:
    """Larger than most requests, or of a length that nobody says before it is over."""
    length = request.content_length
    return length > _OF_ANYBODY if length is not None else "Transfer-Encoding" in request.headers


def _shown_first(endpoint: Endpoint, parts: Services, path: dict[str, Any], cap: int) -> int:
    """Ask who comes while the body is still with them; answers how large it may be."""
    if endpoint.guard is Guard.OPEN and endpoint.proof is None:
        return cap
    with parts.db.read() as tx:
        if endpoint.proof is None:
            _admitted(tx, endpoint)
            return cap
        most: int | None = endpoint.proof(tx, **path)
    return cap if most is None else most + parts.config.request_max_bytes


def _refuse_nul(endpoint: Endpoint) -> None:
    """PostgreSQL has no place for U+0000, and no keyboard types it. A body that is bytes is never read as a form."""
    typed = [*request.args.items(multi=True), *(request.view_args or {}).items()]
    if not endpoint.max_bytes and request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data"):
        typed += request.form.items(multi=True)
    wrong = {name: given.NUL for name, value in typed if "\x00" in f"{name}{value}"}
    if wrong:
        raise Invalid(wrong)


def _spooled(stream: IO[bytes]) -> IO[bytes]:
    whole = request.content_length
    if whole is not None and whole <= _IN_MEMORY:
        return io.BytesIO(io.BufferedReader(stream).read(whole))  # type: ignore[type-var]
    spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - lives as long as the request
    shutil.copyfileobj(stream, spool, _IN_MEMORY)
    spool.seek(0)
    return spool


def _actor(tx: Tx, endpoint: Endpoint) -> Actor | None:
    if endpoint.guard is Guard.CLIENT:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        shown = proofs.presented(request.environ, services().config)
        return signin.actor_for_token(tx, token, shown) if scheme.lower() == "bearer" else None
    return actor_from_cookies(tx, request.cookies)


def actor_from_cookies(tx: Tx, cookies: Any) -> Actor | None:
    """The signed-in person or paired wall that a browser's cookies stand for."""
    if token := cookies.get(signin.COOKIE):
        person = signin.actor_for_session(tx, token)
        if person is not None:
            return person
    if token := cookies.get(walls.COOKIE):
        return walls.actor_for_wall(tx, token)
    return None


def _ask_to_sign_in(endpoint: Endpoint) -> Response:
    if endpoint.guard is Guard.CLIENT or wants_json() or endpoint.method != "GET":
        raise Unauthorized
    return make_response(redirect(url_for("directory.sign_in_page", next=request.full_path.rstrip("?"))))


def wants_json() -> bool:
    """Whether the caller is a program: an API path, a script's fetch, or an Accept header that prefers JSON."""
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return request.path.startswith("/api/") or best == "application/json"
