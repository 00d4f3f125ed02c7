"""The store of validation data (DSS): what else it can carry than certificates, revocation lists and answers."""

from collections.abc import Callable
from functools import partial

from tests.signing.forgery.annotations import WHITE
from tests.signing.forgery.table import Target, add, behind
from tests.signing.forgery.updating import Update, as_text

HEXED = "/" + "12" * 20


def store(update: Update, keys: str) -> None:
    """The file has these keys in its store, beside those that were there."""
    if "/DSS" not in update.root:
        update.set(update.root, "/DSS", f"<< {keys} >>")
        return
    found = update.root["/DSS"]
    for key, value in update.parse(f"<< {keys} >>").items():
        if key in found and key in ("/Certs", "/CRLs", "/OCSPs"):
            update.append(found[key], *[as_text(value.raw_get(n)) for n in range(len(value))])
        else:
            found[key] = value
    update.change(found)


def stored(data: bytes, keys: Callable[[Update], str]) -> bytes:
    """A revision with these keys in the store."""
    update = Update(data)
    store(update, keys(update))
    return update.written()


def _payload(key: str, content: bytes, more: str = "<< >>") -> Callable[[Update], str]:
    return lambda update: f"{key} [{update.stream(content, more)}]"


def _in_vri(key: str, content: bytes) -> Callable[[Update], str]:
    def keys(update: Update) -> str:
        held = update.stream(content)
        value = f"[{held}]" if key != "/TS" else held
        return f"/VRI << {HEXED} << {key} {value} >> >>"

    return keys


KEYS: dict[str, Callable[[Update], str]] = {
    "a program as a certificate": _payload("/Certs", b"MZ" + b"\0" * 3000),
    "a program as a list": _payload("/CRLs", b"MZ" + b"\0" * 3000),
    "a program as an answer": _payload("/OCSPs", b"MZ" + b"\0" * 3000),
    "nothing as a certificate": _payload("/Certs", b""),
    "a drawing as a certificate": lambda update: f"/Certs [{update.drawing(WHITE, 480, 60)}]",
    "a page's content as a certificate": lambda update: f"/Certs [{_content(update)}]",
    "a program in a VRI entry": _in_vri("/Cert", b"MZ" + b"\0" * 3000),
    "a program as a VRI's time-stamp": _in_vri("/TS", b"MZ" + b"\0" * 3000),
    "a text as a VRI's time-stamp": lambda update: f"/VRI << {HEXED} << /TS {update.add('(95 trieu)')} >> >>",
    "an action as a VRI's time-stamp": lambda update: (
        f"/VRI << {HEXED} << /TS {update.add('<< /S /JavaScript /JS (app.alert) >>')} >> >>"
    ),
    "a text as a VRI's time": lambda update: f"/VRI << {HEXED} << /TU (95 trieu) >> >>",
    "a dictionary as a VRI's time": lambda update: f"/VRI << {HEXED} << /TU << /S /JavaScript /JS (a) >> >> >>",
    "an unknown key": lambda update: "/Them (95 trieu)",
    "an action": lambda update: "/OpenAction << /S /JavaScript /JS (a) >>",
    "another type": lambda update: "/Type /Khac",
    "a VRI entry of another name": lambda update: "/VRI << /Them << >> >>",
    "a VRI entry with an unknown key": lambda update: f"/VRI << {HEXED} << /Them (95) >> >>",
    "a JavaScript filter": _payload("/Certs", b"00>", "<< /Filter /ASCIIHexDecode >>"),
    "a certificate with more keys": _payload("/Certs", b"\x30\x00", "<< /A << /S /JavaScript /JS (a) >> >>"),
    "an outside file": _payload("/Certs", b"", "<< /F (\\\\\\\\gia.example\\\\a) >>"),
}


def _content(update: Update) -> str:
    content = update.page().raw_get("/Contents")
    while not hasattr(content, "idnum"):
        content = content.raw_get(0)
    return as_text(content)


def with_certificate(target: Target, change: Callable[[bytes], bytes], keys: str = "<< >>") -> bytes:
    """A real certificate with something around it."""
    der = target.scribe.office.binh.describe().certificate
    return stored(target.data, _payload("/Certs", change(der), keys))


AROUND: dict[str, Callable[[bytes], bytes]] = {
    "a program behind a certificate": lambda der: der + b"MZ" + b"\0" * 3000,
    "a program before a certificate": lambda der: b"MZ" + b"\0" * 100 + der,
    "a certificate twice": lambda der: der + der,
    "half a certificate": lambda der: der[: len(der) // 2],
    "a certificate in words": lambda der: b"-----BEGIN CERTIFICATE-----\n" + der.hex().encode(),
}
STREAM_KEYS = {
    "a file's name": "<< /F (a.exe) >>",
    "a subtype": "<< /Type /XObject /Subtype /Form /BBox [0 0 480 60] >>",
    "an embedded file's": "<< /Type /EmbeddedFile >>",
    "an action": "<< /A << /S /JavaScript /JS (app.alert) >> >>",
    "a page's": "<< /Type /Page /Contents 1 0 R >>",
}


def emptied(data: bytes) -> bytes:
    """Nothing is left in the store."""
    update = Update(data)
    update.set(update.root, "/DSS", "<< >>")
    return update.written()


def replaced(data: bytes) -> bytes:
    """A certificate's own object is written again, with a program in it."""
    update = Update(data)
    stream = update.root["/DSS"]["/Certs"][0].get_object()
    stream._data, stream._encoded_data = b"MZ" + b"\0" * 3000, None
    for key in ("/Filter", "/DecodeParms", "/Length"):
        stream.pop(key, None)
    update.change(stream)
    return update.written()


def catalogue_too(data: bytes) -> bytes:
    """With the store comes another key of the catalogue."""
    update = Update(data)
    update.set(update.root, "/OpenAction", "<< /S /JavaScript /JS (a) >>")
    store(update, f"/Certs [{update.stream(b'0' * 10)}]")
    return update.written()


def page_is_the_store(data: bytes) -> bytes:
    """The catalogue names the page as its store."""
    update = Update(data)
    update.set(update.root, "/DSS", as_text(update.page().container_ref))
    return update.written()


def shared_with_content(data: bytes) -> bytes:
    """A stream of the store becomes the page's content, too."""
    update = Update(data)
    held = update.stream("BT /F1 14 Tf 72 760 Td (Cap 95 trieu dong) Tj ET")
    store(update, f"/Certs [{held}]")
    update.set(update.page(), "/Contents", held)
    return update.written()


def register() -> None:
    """Into the table."""
    family = "stores"
    for what, keys in KEYS.items():
        behind(family, what, partial(stored, keys=keys))
    for what, change in AROUND.items():
        add(family, what, partial(with_certificate, change=change))
    for what, more in STREAM_KEYS.items():
        add(family, f"a certificate with {what} keys", partial(with_certificate, change=bytes, keys=more))
    behind(family, "emptied", emptied, lambda paper: paper.archived)
    behind(family, "a certificate replaced in place", replaced, lambda paper: paper.archived)
    behind(family, "another key of the catalogue", catalogue_too)
    behind(family, "the page as the store", page_is_the_store)
    behind(family, "the store's stream as content", shared_with_content, visible=True)
