"""Paths of this service that came back from a browser: where somebody goes on to after signing in or choosing a
language."""

import re
from urllib.parse import unquote

_DEPTH = 5
"""How often an address is decoded before it is judged; proxies and old browsers decode more than once."""
_LONGEST = 2000
_SAFE = re.compile(r"/(?![/\\])")


def own_path(target: str, otherwise: str = "/") -> str:
    """`target` when it is a path of this service that a `Location` header can carry as it stands, else `otherwise`.

    Browsers drop tabs and line ends from an address before they read it, and take a backslash for a slash: `/<tab>/x`
    leads to the host `x`. So control characters and backslashes make a target foreign, also where they are encoded
    (`%09`, `%5c`, `%2509`) before the query, and so does a second slash at the start in any of these forms.
    """
    if len(target) > _LONGEST or not target.isprintable() or "\\" in target:
        return otherwise
    path, seen = re.split(r"[?#]", target, maxsplit=1)[0], ""
    for _ in range(_DEPTH):
        if not _SAFE.match(path) or "\\" in path or not path.isprintable():
            return otherwise
        path, seen = unquote(path), path
        if path == seen:
            return target
    return otherwise
