"""The types of live events as JSDoc, made from the dataclasses that publish them; printed, or for the test that
compares them with static/js/room/types.js."""

import dataclasses
import sys
import types
import typing
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kernel.wire import Wire
from meetings import live
from meetings.voting import live as voting

HEAD = """\
// Types of live events and of the snapshot. Made from meetings/live.py by scripts/livetypes; do not edit.

"""
PLAIN = {int: "number", float: "number", str: "string", bool: "boolean", datetime: "string", type(None): "null"}


def jsdoc() -> str:
    """The whole file: one typedef for each value of the modules `live` of meetings/, moments as ISO 8601 strings."""
    told = [*vars(voting).values(), *vars(live).values()]
    classes = list(dict.fromkeys(t for t in told if isinstance(t, type) and issubclass(t, Wire) and t is not Wire))
    return HEAD + "\n".join(_typedef(one) for one in classes) + "\nexport {};\n"


def _typedef(one: type[Wire]) -> str:
    hints = typing.get_type_hints(one)
    words = " ".join((one.__doc__ or "").split())
    lines = ["/**", f" * {words}", f" * @typedef {{Object}} {one.__name__}"]
    lines += [f" * @property {{{_name(hints[field.name])}}} {field.name}" for field in dataclasses.fields(one)]
    return "\n".join([*lines, " */", ""])


def _name(hint: typing.Any) -> str:
    if hint in PLAIN:
        return PLAIN[hint]
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        return "|".join(_name(part) for part in inner)
    if origin is tuple:
        return f"{_name(inner[0])}[]"
    if origin is dict:
        return f"Object<{_name(inner[0])}, {_name(inner[1])}>"
    if isinstance(hint, type) and issubclass(hint, Wire):
        return hint.__name__
    raise TypeError(f"no JSDoc for {hint}")


if __name__ == "__main__":
    sys.stdout.write(jsdoc())
