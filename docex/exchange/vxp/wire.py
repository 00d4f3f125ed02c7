"""The signature and the file hash of the VXP protocol, for both ends. Pure: headers in, verified values out.

Every value travels twice: as a header of its own and inside `sign-header`, a JSON text that is signed with
HMAC-SHA256. The order of its members differs from client to client, so the received text itself is what is verified.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from itertools import permutations
from typing import IO

from kernel.text import header_text, is_storable

PREFIX = "XroadVnpt-"
LINE_END = b"\r\n"
PIECE = 1 << 18
SPELLINGS = 3
"""In so many spellings one name may be signed: `docId`, `docid`, `docID`."""

_SIGN, _KEYS, _MAC = "sign-header", "sign-header-key", "hash-header"
_NOBODY = "a key that nobody holds"


class BadSignature(Exception):
    """The headers do not prove who sent them. The reason is for the log; the caller learns only that it failed."""


def canonical(values: Mapping[str, str]) -> str:
    """The text that is signed: compact JSON, names with prefix, escaped as the SDK's library does."""
    text = json.dumps(
        {PREFIX + name: value for name, value in values.items()}, ensure_ascii=False, separators=(",", ":")
    )
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def signature(secret: str, text: bytes) -> str:
    """HMAC-SHA256 in lower-case hex."""
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def signed_headers(secret: str, values: Mapping[str, str]) -> dict[str, str]:
    """The headers of a request that carries `values`."""
    text = canonical(values)
    return {
        **{PREFIX + name: value for name, value in values.items()},
        PREFIX + _KEYS: ";".join(values),
        PREFIX + _SIGN: text,
        PREFIX + _MAC: signature(secret, text.encode()),
    }


def file_hash(file: IO[bytes]) -> tuple[str, int]:
    """The SHA-256 of a file as the SDK writes it, and its size."""
    digest, size = hashlib.sha256(), 0
    while piece := file.read(PIECE):
        digest.update(piece)
        size += len(piece)
    return unpadded(digest.digest()), size


def unpadded(digest: bytes) -> str:
    """A hash as the SDK writes it: a byte below 0x10 is one digit, so that the text is often shorter than 64."""
    return "".join(f"{byte:x}" for byte in digest)


def sent_size(body: IO[bytes], announced: str) -> int | None:
    """How many bytes of a body are the file whose `hash-file` is `announced`; None when neither the body nor the body
    without the line end that the SDK appends has this hash."""
    digest, size, tail = hashlib.sha256(), 0, b""
    while piece := body.read(PIECE):
        held = tail + piece
        tail = held[-len(LINE_END) :]
        digest.update(held[: -len(LINE_END)])
        size += len(piece)
    if tail == LINE_END and _is(digest, announced):
        return size - len(LINE_END)
    digest.update(tail)
    return size if _is(digest, announced) else None


def _is(digest: "hashlib._Hash", announced: str) -> bool:
    return announced.strip().lower() in (digest.hexdigest(), unpadded(digest.digest()))


def verified(headers: Iterable[tuple[str, str]], secret_of: Callable[[str], str | None]) -> dict[str, str]:
    """The signed values by name without prefix, as it is spelt. `secret_of` answers None for an unknown system id.

    Headers are as WSGI hands them over: bytes read as Latin-1. The time stamp is not checked: the SDK takes it once
    and repeats it for as long as it lives. A name may be there in two spellings (`docId`, `docid`): the SDK's samples
    write both, and its object repeats both for ever.
    """
    own = _own(headers)
    text = own.get(_SIGN, "").encode("latin-1", "replace")
    signed = _members(text)
    system_ids = {value for name, value in signed.items() if _plain(name) == "systemid"}
    secret = secret_of(system_ids.pop()) if len(system_ids) == 1 else None
    announced = own.get(_MAC, "").strip().lower().encode("latin-1", "replace")
    right = hmac.compare_digest(signature(_NOBODY if secret is None else secret, text).encode(), announced)
    if secret is None or not right:
        raise BadSignature("unknown system id" if secret is None else "another secret or another text")
    if {_plain(name) for name in own.get(_KEYS, "").split(";")} != {_plain(name) for name in signed}:
        raise BadSignature("the list of names is not that of the signed text")
    together: dict[str, list[str]] = {}
    for name, value in signed.items():
        together.setdefault(_plain(name), []).append(value.strip())
    for name, values in together.items():
        seen = own.get(name)
        # Servers drop header names with an underscore (they look like other names in CGI); what is signed counts.
        is_missing = seen is None and not any("_" in spelt for spelt in signed if _plain(spelt) == name)
        if is_missing or (seen is not None and not _is_of(header_text(seen), values)):
            raise BadSignature(f"the header {name} is not what was signed")
    return signed


def _is_of(seen: str, values: list[str]) -> bool:
    """Whether a header is what was signed. Of two spellings of one name some servers join the values with a comma, in
    the order in which they came, others keep one of them: what counts is signed all the same."""
    joined = (glue.join(order) for order in permutations(values) for glue in (",", ", "))
    return seen in values or seen in joined


def _own(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers of the protocol by lower-case name; several of one name joined, as most servers hand them over."""
    start = PREFIX.lower()
    found: dict[str, str] = {}
    for name, value in headers:
        if name.lower().startswith(start):
            plain = _plain(name[len(start) :])
            found[plain] = f"{found[plain]},{value}" if plain in found else value
    return found


def _members(text: bytes) -> dict[str, str]:
    """The names as they are spelt, and values, of the signed JSON; BadSignature unless they are plain texts, each
    spelling once, and no name in more spellings than the SDK could have."""
    try:
        pairs = json.loads(text.decode(), object_pairs_hook=list)
    except (ValueError, RecursionError) as error:
        raise BadSignature("sign-header is not JSON") from error
    found: dict[str, str] = {}
    for pair in pairs if isinstance(pairs, list) else [None]:
        if not (isinstance(pair, tuple) and isinstance(pair[1], str) and pair[0].lower().startswith(PREFIX.lower())):
            raise BadSignature("sign-header is not an object of texts")
        if not is_storable(pair[0] + pair[1]):
            raise BadSignature("sign-header holds what is no text")
        name = pair[0][len(PREFIX) :]
        if name in found or sum(_plain(other) == _plain(name) for other in found) >= SPELLINGS:
            raise BadSignature(f"{name} is signed twice")
        found[name] = pair[1]
    return found


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "-")
