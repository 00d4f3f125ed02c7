"""One application a process, pointed at the test's own database: making one costs a tenth of a second, mostly for the
URL map, and hundreds of tests want one. Every answer of an operation of the API is held against its description."""

from functools import cache

from flask import Flask, Response, before_render_template, current_app, request
from pydantic import BaseModel

from kernel.config import Config
from tests.web.page_contexts import look_through
from web import app as web_app
from web.openapi import specification
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
    app = web_app.create_app(settings)
    app.after_request(_as_described)
    before_render_template.connect(look_through, app)
    return app


def _as_described(response: Response) -> Response:
    """What an operation answers stands in its description, to the last member."""
    endpoint = specification.document_of(current_app).endpoints.get(request.endpoint or "")
    answers = endpoint.says.get("answers") if endpoint else None
    if answers is None or (response.status_code >= 300 and response.status_code not in answers):
        return response
    assert response.status_code in answers, f"{request.endpoint} answers with {response.status_code}"
    model = answers[response.status_code]
    if isinstance(model, type) and issubclass(model, BaseModel):
        model.model_validate_json(response.get_data(), extra="forbid")
    return response
