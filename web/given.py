"""What an operation of the API is told, read into its models; what is wrong is named field by field."""

from typing import Any, get_origin

from flask import g, request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from kernel.endpoints import Endpoint
from kernel.errors import Invalid
from kernel.text import Phrase, phrase

_WORDS = {
    "missing": phrase("Thiếu trường này."),
    "extra_forbidden": phrase("Không có trường này."),
}
NUL = phrase("Có ký tự không đọc được, xin gõ lại.")


def told(endpoint: Endpoint) -> dict[str, BaseModel]:
    """The body as `given` and the query as `asked`, for endpoints that declare a model; Invalid names the wrong
    fields."""
    if "told" not in g:
        g.told = _read(endpoint)
    found: dict[str, BaseModel] = g.told
    return found


def _read(endpoint: Endpoint) -> dict[str, BaseModel]:
    found: dict[str, BaseModel] = {}
    takes, query = endpoint.says.get("takes"), endpoint.says.get("query")
    if query is not None:
        found["asked"] = _model(query, parameters=True)
    if takes is not None and not isinstance(takes, str):
        if request.mimetype != "application/json" and not request.mimetype.endswith("+json"):
            raise UnsupportedMediaType
        found["given"] = _model(takes, parameters=False)
    return found


def _model(model: type[BaseModel], *, parameters: bool) -> BaseModel:
    try:
        read = model.model_validate(_parameters(model)) if parameters else model.model_validate_json(request.get_data())
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        if any(p["type"] == "json_invalid" for p in problems):
            raise BadRequest from error
        raise Invalid({_place(p["loc"]): _sentence(p) for p in problems}) from error
    wrong = {name: NUL for name, value in read.model_dump().items() if _has_nul(value)}
    if wrong:
        raise Invalid(wrong)
    return read


def _parameters(model: type[BaseModel]) -> dict[str, Any]:
    names = {field.alias or name: field for name, field in model.model_fields.items()}
    lists = {name for name, field in names.items() if get_origin(field.annotation) in (list, tuple)}
    return {name: request.args.getlist(name) if name in lists else request.args[name] for name in request.args}


def _place(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc) or "body"


def _sentence(problem: Any) -> Phrase:
    return _WORDS.get(problem["type"]) or phrase("Giá trị không hợp lệ: {reason}.", reason=problem["msg"])


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_has_nul(key) or _has_nul(inner) for key, inner in value.items())
    return isinstance(value, list | tuple) and any(_has_nul(inner) for inner in value)
