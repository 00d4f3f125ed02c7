"""The application, put together from its parts. Making it opens no connection and starts no thread."""

from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from flask_babel import Babel
from flask_bootstrap import Bootstrap5
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map

from docex.api.vxp import answer_astray
from kernel.config import Config
from kernel.text import Phrase
from web import entry, errors, files, pages, rooms
from web.locale import current_locale
from web.services import Services

ROOT = Path(__file__).resolve().parent.parent

_FILES = frozenset({"static", "bootstrap.static"})
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; script-src 'self' "
    "'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src 'self' ws: wss:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'"
)


def create_app(config: Config, parts: Services | None = None) -> Flask:
    """The WSGI application for `config`."""
    app = Flask("lienthong", root_path=str(ROOT), template_folder="templates", static_folder="static")
    app.extensions["lienthong"] = parts or Services.from_config(config)
    app.config.update(
        SECRET_KEY=config.signing_secret(),
        BOOTSTRAP_SERVE_LOCAL=True,
        BABEL_DEFAULT_LOCALE="vi",
        BABEL_TRANSLATION_DIRECTORIES=str(ROOT / "translations"),
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_ENABLED=True,
        SESSION_COOKIE_NAME="lt_form",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.base_url.startswith("https:"),
        MAX_CONTENT_LENGTH=config.upload_max_bytes + config.request_max_bytes,
    )
    if config.trusted_proxies:
        count = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, count, count, count, count)  # type: ignore[method-assign]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    Babel(app, locale_selector=current_locale)
    Bootstrap5(app)
    entry.csrf.init_app(app)
    errors.install(app)
    pages.install(app)
    app.url_map.converters["int"] = _Id
    entry.mount(app, rooms.load_pages())
    rooms.offer_transports(config)
    app.jinja_env.finalize = _in_reader_language
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    files.install(app)
    app.before_request(answer_astray)
    app.after_request(_headers)
    return app


class _Id(IntegerConverter):
    """A number that a column can hold; a longer one in an address is simply not found."""

    def __init__(self, url_map: Map, *args: Any, **options: Any) -> None:
        super().__init__(url_map, *args, **{"max": 2**63 - 1, **options})


def _in_reader_language(value: Any) -> Any:
    """A Phrase put into a template comes out in the reader's language."""
    return value.in_locale(current_locale()) if isinstance(value, Phrase) else value


def _headers(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if request.endpoint in _FILES:  # without the name of a release: kept, but asked for again, lest pages mix releases
        response.headers["Cache-Control"] = "no-cache"
    elif "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "private, no-cache"
    return response
