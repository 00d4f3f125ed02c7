"""Run as a program of its own: which fonts are there, and does WeasyPrint survive a page with them?

Without a single font WeasyPrint does not raise, it dies with SIGSEGV, and so may a damaged font; only another process
can find that out safely. It asks fontconfig through ctypes because `fc-list` is not installed everywhere, then sets
one small page. One line of JSON on stdout; imports nothing of the house.
"""

import ctypes
import ctypes.util
import json
import sys

FAMILIES = ("Tinos", "Liberation Serif", "Times New Roman")
LETTERS = (
    "aàảãáạăằẳẵắặâầẩẫấậbcdđeèẻẽéẹêềểễếệfghiìỉĩíịjklmnoòỏõóọôồổỗốộơờởỡớợpqrstuùủũúụưừửữứựvwxyỳỷỹýỵz"
    "AÀẢÃÁẠĂẰẲẴẮẶÂẦẨẪẤẬBCDĐEÈẺẼÉẸÊỀỂỄẾỆFGHIÌỈĨÍỊJKLMNOÒỎÕÓỌÔỒỔỖỐỘƠỜỞỠỚỢPQRSTUÙỦŨÚỤƯỪỬỮỨỰVWXYỲỶỸÝỴZ"
    "0123456789.,;:/()-–“”…"
)
# fontconfig: regular and bold weight, roman and italic slant.
_FACES = ((80, 0), (200, 0), (80, 100), (200, 100))


class _FontSet(ctypes.Structure):
    _fields_ = (("count", ctypes.c_int), ("size", ctypes.c_int), ("fonts", ctypes.c_void_p))


def _fontconfig() -> ctypes.CDLL:
    library = ctypes.CDLL(ctypes.util.find_library("fontconfig") or "libfontconfig.so.1")
    for name in ("FcPatternCreate", "FcCharSetCreate", "FcObjectSetCreate"):
        getattr(library, name).restype = ctypes.c_void_p
    library.FcFontList.restype = ctypes.POINTER(_FontSet)
    return library


def _count(library: ctypes.CDLL, family: str = "", face: tuple[int, int] | None = None) -> int:
    """How many installed fonts fit; with a family only those that hold all our letters in that face."""
    pattern = ctypes.c_void_p(library.FcPatternCreate())
    if family:
        charset = ctypes.c_void_p(library.FcCharSetCreate())
        for letter in LETTERS:
            library.FcCharSetAddChar(charset, ctypes.c_uint32(ord(letter)))
        library.FcPatternAddString(pattern, b"family", family.encode())
        library.FcPatternAddCharSet(pattern, b"charset", charset)
    if face:
        library.FcPatternAddInteger(pattern, b"weight", face[0])
        library.FcPatternAddInteger(pattern, b"slant", face[1])
    objects = ctypes.c_void_p(library.FcObjectSetCreate())
    library.FcObjectSetAdd(objects, b"file")
    found = library.FcFontList(None, pattern, objects)
    return int(found.contents.count) if found else 0


def _installed(library: ctypes.CDLL, family: str) -> bool:
    return all(_count(library, family, face) for face in _FACES)


def _letters(library: ctypes.CDLL, family: str) -> str:
    """The characters of the regular face as fontconfig writes them: `20-7e a0-377 …`; "" when it does not say."""
    pattern = ctypes.c_void_p(library.FcPatternCreate())
    library.FcPatternAddString(pattern, b"family", family.encode())
    library.FcPatternAddInteger(pattern, b"weight", _FACES[0][0])
    library.FcPatternAddInteger(pattern, b"slant", _FACES[0][1])
    objects = ctypes.c_void_p(library.FcObjectSetCreate())
    library.FcObjectSetAdd(objects, b"charset")
    found = library.FcFontList(None, pattern, objects)
    if not found or not found.contents.count:
        return ""
    first = ctypes.cast(found.contents.fonts, ctypes.POINTER(ctypes.c_void_p))[0]
    library.FcPatternFormat.restype = ctypes.c_char_p
    return (library.FcPatternFormat(ctypes.c_void_p(first), b"%{charset}") or b"").decode()


def main() -> dict[str, object]:
    """The finding: `missing` names what to install, `family` what to print with."""
    try:
        library = _fontconfig()
    except OSError as error:
        return {"missing": "fontconfig", "detail": str(error)}
    if not _count(library):
        return {"missing": "fonts", "detail": "no font at all"}
    family = next((name for name in FAMILIES if _installed(library, name)), None)
    if family is None:
        return {"missing": "fonts", "detail": "no Times-metric family with all Vietnamese letters"}
    try:
        import weasyprint
    except OSError as error:
        return {"missing": "pango", "detail": str(error)}
    page = f"<p style=\"font-family: '{family}'\">{LETTERS} <b>{LETTERS}</b> <i>{LETTERS}</i></p>"
    pdf = weasyprint.HTML(string=page).write_pdf()
    return {"family": family, "size": len(pdf), "letters": _letters(library, family)}


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(main()) + "\n")
