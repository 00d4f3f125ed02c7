"""No row of the database reaches a template: what a page reads is frozen values, which say what they hold.

Every page that a test renders in its own process is looked through, to the last value of its context.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Flask
from jinja2 import Template
from sqlalchemy import inspect
from sqlalchemy.orm import InstanceState

_LEAVES = (str, bytes, int, float, bool, type(None), type)


def rows_in(context: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The paths in a context at which rows stand, with the names of their classes; items of lists as `[]`."""
    found: set[tuple[str, str]] = set()
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [(name, value) for name, value in context.items() if not name.startswith("_")]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, _LEAVES) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(inspect(value, raiseerr=False), InstanceState):
            found.add((path, type(value).__name__))
        else:
            waiting.extend(_parts(path, value))
    return found


def _parts(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((f"{path}{{}}", part) for pair in value.items() for part in pair)
    elif isinstance(value, list | tuple | set | frozenset):
        yield from ((f"{path}[]", part) for part in value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from ((f"{path}.{field.name}", getattr(value, field.name)) for field in dataclasses.fields(value))


def look_through(app: Flask, template: Template, context: dict[str, Any], **_: Any) -> None:
    """Fail when a row is in the context of a template that is about to be rendered."""
    found = rows_in(context)
    assert not found, f"rows of the database in {template.name}: {sorted(found)}"
