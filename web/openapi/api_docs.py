"""The OpenAPI document, arranged for people: operations by subject, bodies and answers as tables of fields."""

from dataclasses import dataclass
from typing import Any

from docex.edxml.elements import elements
from kernel.text import Phrase, phrase
from web import errors
from web.openapi import integration, specification
from web.openapi.curl_lines import LINES


@dataclass(frozen=True)
class Member:
    """One field of a body, an answer or a query."""

    name: str
    type: str
    of: str  # the model that the type is made of, or ""
    required: bool
    says: str


@dataclass(frozen=True)
class Body:
    """What is sent or answered, under one media type."""

    media: str
    model: str  # "" for bytes


@dataclass(frozen=True)
class Answer:
    """One status that an operation may answer with."""

    status: str
    says: str
    bodies: list[Body]


@dataclass(frozen=True)
class Operation:
    """One thing that a system can ask for."""

    id: str
    method: str
    path: str
    title: str
    description: str
    scopes: list[str]
    parameters: list[tuple[str, Member]]
    bodies: list[Body]
    answers: list[Answer]


def reading() -> dict[str, Any]:
    """The context of templates/web/api_docs.html."""
    whole = specification.document()
    groups: dict[str, list[Operation]] = {}
    for path, methods in whole["paths"].items():
        for method, told in methods.items():
            groups.setdefault(told["tags"][0], []).append(_operation(method.upper(), path, told))
    schemas = {name: _members(schema) for name, schema in sorted(whole["components"]["schemas"].items())}
    return {
        "version": whole["info"]["version"],
        "openapi_version": whole["openapi"],
        "address": whole["servers"][0]["url"],
        "groups": [(specification.TAGS.get(tag, tag), groups[tag]) for tag in sorted(groups, key=_rank)],
        "models": [
            (name, whole["components"]["schemas"][name].get("description", ""), m) for name, m in schemas.items()
        ],
        "codes": _codes(),
        "sample": integration.sample(),
        "elements": elements(),
        "lines": LINES,
    }


def _rank(tag: str) -> tuple[int, str]:
    order = list(specification.TAGS)
    return (order.index(tag) if tag in order else len(order), tag)


def _operation(method: str, path: str, told: dict[str, Any]) -> Operation:
    return Operation(
        id=told["operationId"],
        method=method,
        path=path,
        title=told["summary"],
        description=told["description"],
        scopes=[scope for need in told["security"] for scopes in need.values() for scope in scopes],
        parameters=[(p["in"], _parameter(p)) for p in told["parameters"]],
        bodies=_bodies(told.get("requestBody", {})),
        answers=[
            Answer(status, answer["description"], _bodies(answer))
            for status, answer in sorted(told["responses"].items())
            if "description" in answer
        ],
    )


def _parameter(told: dict[str, Any]) -> Member:
    type_, of = _type(told["schema"])
    return Member(told["name"], type_, of, told.get("required", False), told.get("description") or "")


def _bodies(told: dict[str, Any]) -> list[Body]:
    return [Body(media, _type(content["schema"])[1]) for media, content in told.get("content", {}).items()]


def _members(schema: dict[str, Any]) -> list[Member]:
    if "enum" in schema:
        return [Member(str(value), "", "", False, "") for value in schema["enum"]]
    needed = schema.get("required", [])
    found = []
    for name, inner in schema.get("properties", {}).items():
        type_, of = _type(inner)
        found.append(Member(name, type_, of, name in needed, inner.get("description", "")))
    return found


def _type(schema: dict[str, Any]) -> tuple[str, str]:
    """How a type is written, and the model in it."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return name, name
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            parts = [_type(inner) for inner in schema[key]]
            return " | ".join(text for text, _ in parts), next((of for _, of in parts if of), "")
    if schema.get("type") == "array":
        text, of = _type(schema.get("items", {}))
        return f"[{text}]", of
    kind = schema.get("type", "any")
    limits = [f"{word} {schema[key]}" for key, word in _LIMITS if key in schema and abs(schema[key]) < 2**31]
    return " ".join([str(kind), *([f"({schema['format']})"] if "format" in schema else []), *limits]), ""


_LIMITS = (("minimum", "≥"), ("maximum", "≤"), ("maxLength", "≤"))


def _codes() -> list[tuple[str, int, Phrase]]:
    """The codes of problems that any operation may answer with."""
    usual = [(code, status, message) for status, (code, message) in errors.usual_codes().items()]
    return [*usual, *_MORE]


_MORE = [
    ("invalid", 422, phrase("Nội dung gửi lên có chỗ sai; xem các trường trong fields.")),
    ("conflict", 409, phrase("Khóa này đã dùng cho một nội dung khác.")),
    ("wrong_state", 409, phrase("Việc này không làm được ở trạng thái hiện tại.")),
    ("stale", 409, phrase("Nội dung đã được sửa từ lần đọc trước; info.current là bản mới.")),
    ("edxml_refused", 422, phrase("Phong bì edXML không đọc được; info.refusal nói lý do.")),
    ("unknown_receiver", 422, phrase("Nơi nhận không có trong danh mục; info.codes là các mã đó.")),
    ("unknown_document", 422, phrase("Chưa từng chuyển văn bản này giữa hai cơ quan.")),
    ("field_missing", 422, phrase("Trạng thái không nói về văn bản nào; info.missing là phần còn thiếu.")),
    ("secret_document", 422, phrase("Phong bì ghi độ mật; trục không nhận văn bản bí mật nhà nước.")),
    ("reason_missing", 422, phrase("Trạng thái 02, 13 hoặc 16 không nêu lý do.")),
    ("malware", 422, phrase("Tệp có mã độc; info.receipt là biên nhận từ chối có ký số.")),
    ("too_large_to_scan", 422, phrase("Tệp lớn hơn mức bộ quét mã độc nhận; gửi lại cũng vậy.")),
    ("damaged_file", 503, phrase("Tệp trong kho không còn đúng như khi nhận nên không được đưa ra; báo quản trị.")),
    ("wrong_offset", 409, phrase("Đoạn tệp không nối tiếp; info.offset là chỗ phải gửi tiếp.")),
    ("wrong_hash", 409, phrase("Nội dung không khớp mã SHA-256 đã báo; gửi lại đoạn hoặc tệp đó.")),
]
