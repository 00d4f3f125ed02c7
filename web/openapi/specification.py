"""The OpenAPI 3.1 document, made by spectree of what the endpoints say about themselves.

spectree describes paths, models and JSON answers; what it has no words for is added here: bytes as bodies and answers,
header parameters, 64-bit ids, and the problem details that every operation may answer with. Each language has its own
document: what docstrings and models say in English stands in translations/vi/api.po in Vietnamese.
"""

from collections.abc import Callable
from typing import Any, Literal

from flask import Flask, Response, current_app
from pydantic import BaseModel, Field
from spectree import Response as Answers
from spectree import SpecTree

from directory import clients
from kernel import catalogue
from kernel.endpoints import Endpoint, Guard
from kernel.text import Phrase, phrase
from web.locale import current_locale

PREFIX = "/api/v1/"
VERSION = "1.0.0"
BIGGEST_ID = 2**63 - 1
TITLE = phrase("API trao đổi văn bản của Liên Thông")
TAGS = {
    "directory_api": phrase("Mã truy cập"),
    "docex": phrase("Phong bì edXML"),
    "hub": phrase("Trục trao đổi"),
    "desk_api": phrase("Văn bản bị yêu cầu thu hồi"),
    "log": phrase("Nhật ký bằng chứng"),
    "evidence_api": phrase("Hồ sơ bằng chứng"),
    "registers": phrase("Sổ văn bản"),
    "web": phrase("Mô tả API"),
}


class Both(BaseModel):
    """A sentence in both languages."""

    vi: str
    en: str


class Problem(BaseModel):
    """Why a call was refused (RFC 9457)."""

    type: str = Field(description="URI of the kind of problem")
    title: str
    status: int
    detail: str = Field(description="`message` in the reader's language")
    code: str = Field(description="stable and machine-readable")
    message: Both
    fields: dict[str, Both] = Field(description="each wrong field")
    info: dict[str, Any] = Field(description="what the code is about; its members belong to the code")
    request_id: str


class Description(BaseModel):
    """An OpenAPI document."""

    openapi: str = Field(description="version of OpenAPI, 3.1")
    info: dict[str, Any]
    servers: list[dict[str, Any]]
    tags: list[dict[str, Any]]
    security: list[dict[str, Any]]
    paths: dict[str, Any]
    components: dict[str, Any]


class DescriptionAsked(BaseModel):
    """In which language the description is wanted."""

    lang: Literal["vi", "en"] | None = Field(None, description="the reader's language without it")


class Document:
    """The description of one application's operations."""

    def __init__(self) -> None:
        self.endpoints: dict[str, Endpoint] = {}
        self._in: dict[str, dict[str, Any]] = {}
        self.tree = SpecTree(
            "flask",
            mode="strict",
            annotations=False,
            title=TITLE.vi,
            version=VERSION,
            validation_error_model=Problem,
            naming_strategy=lambda model: model.__name__,
            nested_naming_strategy=lambda _parent, child: child,
        )

    def describe(self, endpoint: Endpoint, view: Callable[..., Response]) -> None:
        """Let the document know `view`.

        spectree's own wrapper never runs: it would read every answer into memory, a file of gigabytes too, and check
        the fields of strangers. It is laid beside the view, where spectree looks for it.
        """
        self.endpoints[endpoint.name] = endpoint
        takes, answers = endpoint.says.get("takes"), endpoint.says.get("answers", {})
        models = {f"HTTP_{status}": answer for status, answer in answers.items() if _is_model(answer)}
        plain = [f"HTTP_{status}" for status, answer in answers.items() if not _is_model(answer)]
        told = self.tree.validate(
            query=endpoint.says.get("query"),
            json=None if isinstance(takes, str) else takes,
            form=endpoint.says.get("form"),
            resp=Answers(*plain, **models),
            tags=[endpoint.name.split(".")[0]],
            security=[{"client": [scope]} for scope in endpoint.scopes],
            operation_id=endpoint.name,
            skip_validation=True,
        )
        view.__name__, view.__doc__ = endpoint.view.__name__, endpoint.view.__doc__
        view.__wrapped__ = told(endpoint.view)  # type: ignore[attr-defined]

    def whole(self, base_url: str, locale: str) -> dict[str, Any]:
        """The document in `locale`, with the address at which this instance is reached."""
        if not self._in:
            made = self._made()
            self._in = {language: _in_language(made, language) for language in catalogue.LOCALES}
        return {**self._in[locale], "servers": [{"url": base_url}]}

    def _made(self) -> dict[str, Any]:
        made: dict[str, Any] = self.tree.spec
        for path, methods in made["paths"].items():
            for operation in methods.values():
                _complete(operation, self.endpoints[operation["operationId"]], path)
        made["tags"] = [{"name": t["name"], "description": TAGS.get(t["name"], t["name"])} for t in made["tags"]]
        made["info"]["title"] = TITLE
        made["info"]["description"] = phrase(
            "Mọi lời gọi cần mã truy cập; mọi lỗi trả về application/problem+json (RFC 9457) với hai thứ tiếng."
        )
        made["components"]["responses"] = {
            "Problem": {
                "description": "Refused or failed; the body says why.",
                "headers": _headers("Retry-After"),
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
        }
        flow = {"tokenUrl": "/api/v1/oauth/token", "scopes": dict(clients.scopes)}
        made["components"]["securitySchemes"] = {
            "client": {
                "type": "oauth2",
                "description": "Client credentials: a secret, a signed assertion (RFC 7523) or a client certificate.",
                "flows": {"clientCredentials": flow},
            }
        }
        return made


def document_of(app: Flask) -> Document:
    """The document of `app`."""
    found: Document = app.extensions.setdefault("lienthong_openapi", Document())
    return found


def belongs(endpoint: Endpoint) -> bool:
    """Whether an endpoint is an operation of the API, and not a page."""
    return endpoint.path.startswith(PREFIX) and (endpoint.guard is Guard.CLIENT or "answers" in endpoint.says)


def document(locale: str | None = None) -> dict[str, Any]:
    """The document of the application that serves this request, in the reader's language when none is named."""
    base_url: str = current_app.extensions["lienthong"].config.base_url
    return document_of(current_app).whole(base_url, locale or current_locale())


def _complete(operation: dict[str, Any], endpoint: Endpoint, path: str) -> None:
    title = endpoint.says.get("title")
    if isinstance(title, Phrase):
        operation["description"] = "\n\n".join(filter(None, (operation["summary"], operation["description"])))
        operation["summary"] = title
    for parameter in operation["parameters"]:
        if parameter["in"] == "path" and parameter["schema"] and parameter["schema"].get("type") == "integer":
            parameter["schema"] = {"type": "integer", "format": "int64", "minimum": 0, "maximum": BIGGEST_ID}
    for name, says in endpoint.says.get("headers", {}).items():
        header = {"name": name, "in": "header", "required": False, "description": says, "schema": {"type": "string"}}
        operation["parameters"].append(header)
    takes = endpoint.says.get("takes")
    if isinstance(takes, str):
        operation["requestBody"] = {"required": True, "content": {takes: _BYTES}}
    elif takes is not None:
        operation["requestBody"]["required"] = True
    elif "form" in endpoint.says:
        (schema,) = operation["requestBody"]["content"].values()
        operation["requestBody"] = {"required": True, "content": {"application/x-www-form-urlencoded": schema}}
    _answers(operation, endpoint, path)


_BYTES = {"schema": {"type": "string", "format": "binary"}}


def _answers(operation: dict[str, Any], endpoint: Endpoint, path: str) -> None:
    answers = operation["responses"]
    if 422 not in endpoint.says.get("answers", {}):
        answers.pop("422", None)
    for status, answer in endpoint.says.get("answers", {}).items():
        if isinstance(answer, str):
            answers[str(status)]["content"] = {answer: _BYTES}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status, when in endpoint.says.get("refuses", {}).items():
        answers[str(status)] = {"description": when, "content": problem}
    for named, names in _told_by(endpoint).items():
        if named in answers:
            answers[named]["headers"] = _headers(*names)
    if not endpoint.says.get("answers"):
        answers["2XX"] = {"description": "Done."}
    for status, when in _usual(operation, endpoint).items():
        answers.setdefault(str(status), {"description": when, "content": problem})
    if "429" in answers:
        answers["429"]["headers"] = _headers("Retry-After")
    answers["4XX"] = answers["5XX"] = {"$ref": "#/components/responses/Problem"}


def _usual(operation: dict[str, Any], endpoint: Endpoint) -> dict[int, str]:
    """The statuses with which an operation like this may refuse or fail, besides those that it names itself."""
    found: dict[int, str] = {}
    if endpoint.guard is Guard.CLIENT:
        found |= {401: "no valid access token", 403: "the token lacks the right that this operation needs"}
        found[429] = "too many calls; see `Retry-After`"
    if endpoint.rate:
        found[429] = "too many calls from this address; see `Retry-After`"
    if any(parameter["in"] == "path" for parameter in operation["parameters"]):
        found[404] = "there is none, or none that this system may know of"
    takes = endpoint.says.get("takes")
    if takes is not None or "form" in endpoint.says:
        found |= {413: "the body is larger than this instance takes", 422: "the content is refused; `code` says why"}
        if not isinstance(takes, str) and "form" not in endpoint.says:
            found |= {400: "the body is no JSON", 415: "the body is not declared as JSON"}
    if endpoint.says.get("query") is not None or operation["parameters"]:
        found.setdefault(422, "a parameter is refused; `fields` names it")
    return found | {500: "a fault, which was noted", 503: "something that this needs is away; try again later"}


_SAY = {
    "ETag": "names these bytes, for `If-Range` and `If-None-Match`",
    "Content-Range": "which bytes these are, and of how many: `bytes 100-199/3280`; with 416 how many there are",
    "Retry-After": "with 429: seconds until the next call is of use",
}
_IN_ANSWER_TO: dict[str, dict[str, tuple[str, ...]]] = {
    "Range": {"200": ("ETag",), "206": ("ETag", "Content-Range"), "416": ("Content-Range",)},
    "If-None-Match": {"200": ("ETag",), "304": ("ETag",)},
}


def _told_by(endpoint: Endpoint) -> dict[str, tuple[str, ...]]:
    """The headers of each answer, which follow from those of the call."""
    found: dict[str, tuple[str, ...]] = {"429": ("Retry-After",)}
    for name in endpoint.says.get("headers", {}):
        found |= _IN_ANSWER_TO.get(name, {})
    return found


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"description": _SAY[name], "schema": {"type": "string"}} for name in names}


def _is_model(answer: Any) -> bool:
    return isinstance(answer, type) and issubclass(answer, BaseModel)


def _in_language(part: Any, locale: str) -> Any:
    """A copy of a part of the document with its descriptions in `locale`."""
    if isinstance(part, Phrase):
        return part.in_locale(locale)
    if isinstance(part, list):
        return [_in_language(one, locale) for one in part]
    if not isinstance(part, dict):
        return part
    found = {key: _in_language(value, locale) for key, value in part.items()}
    described = found.get("description")
    if locale == "vi" and isinstance(described, str) and described:
        found["description"] = catalogue.in_vietnamese(described)
    return found
