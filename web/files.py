"""The files that browsers load: kept for a year under a name of their release, and sent small.

`url_for("static", filename="js/house.js")` is `/static/v-<digest>/js/house.js`. What a module or a style sheet names
relatively lies under the same digest, so a page of which the files were seen once asks for nothing but itself: on a
slow network every question that is left out is time won (docs/decisions/0021).
"""

import gzip
import hashlib
import mimetypes
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.security import safe_join

FOREVER = "public, max-age=31536000, immutable"
_STATIC = Path(__file__).resolve().parent.parent / "static"
_LIBRARIES = ("vendor/", "css/fonts.css")
"""Named by a digest of their own: a release of the house does not fetch fonts and pdf.js again."""
_SHRINKING = frozenset({".css", ".js", ".json", ".mjs", ".svg", ".wasm"})


def install(app: Flask) -> None:
    """Name the static files of `app` by their content, and serve those names."""
    app.url_defaults(_put_version)
    app.add_url_rule("/static/v-<version>/<path:filename>", "static_of_release", _serve)


def _put_version(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint == "static" and "filename" in values:
        values["filename"] = f"v-{_version(values['filename'])}/{values['filename']}"


def _serve(version: str, filename: str) -> Response:
    """A file of this release for a year; under the name of another one as it is now, to be asked for again."""
    shrinks = Path(filename).suffix in _SHRINKING
    response = (_sent_small(filename) if shrinks else None) or current_app.send_static_file(filename)
    response.headers["Cache-Control"] = FOREVER if version == _version(filename) else "no-cache"
    if shrinks:
        response.vary.add("Accept-Encoding")
    return response


def _sent_small(filename: str) -> Response | None:
    place = safe_join(str(_STATIC), filename)
    if not request.accept_encodings.quality("gzip") or place is None or not Path(place).is_file():
        return None
    path = Path(place)
    response = Response(_gzipped(path, path.stat().st_mtime_ns), mimetype=mimetypes.guess_type(filename)[0])
    response.content_encoding = "gzip"
    return response


@lru_cache(maxsize=256)
def _gzipped(path: Path, _changed: int) -> bytes:
    return gzip.compress(path.read_bytes(), mtime=0)


def _version(filename: str) -> str:
    return _digest(filename.startswith(_LIBRARIES))


@cache
def _digest(of_libraries: bool) -> str:
    """Of all files of one of the two kinds, looked at once in a process."""
    digest = hashlib.sha256()
    for path in sorted(p for p in _STATIC.rglob("*") if p.is_file()):
        name = path.relative_to(_STATIC).as_posix()
        if name.startswith(_LIBRARIES) == of_libraries:
            digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:12]
