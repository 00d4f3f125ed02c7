"""One application a process, pointed at the test's own database: making one costs a tenth of a second, mostly for the
URL map, and hundreds of tests want one."""

from functools import cache

from flask import Flask

from kernel.config import Config
from web import app as web_app
from web.services import Services


def create_app(config: Config, parts: Services) -> Flask:
    """The real application on these parts, with nothing left of the test before."""
    app = _made_once(config.base_url, config.mode, config.upload_max_bytes, config.request_max_bytes)
    app.extensions["lienthong"] = parts
    app.config["SECRET_KEY"] = config.signing_secret()
    app.config["WTF_CSRF_ENABLED"] = True
    return app


@cache
def _made_once(base_url: str, mode: str, upload_max_bytes: int, request_max_bytes: int) -> Flask:
    settings = Config(
        base_url=base_url,
        mode=mode,
        secret_key="of each test",
        upload_max_bytes=upload_max_bytes,
        request_max_bytes=request_max_bytes,
    )
    return web_app.create_app(settings)
