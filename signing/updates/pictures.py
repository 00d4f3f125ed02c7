"""How a signature or a filled field shows: a drawing that comes with it and can do nothing but be drawn."""

from typing import Any

from signing.updates.document import ForbiddenChange, is_name
from signing.updates.syntax import Name, Reader, Ref, Stream, is_number
from signing.updates.tables import decoded
from signing.updates.writing import Written

MAX_OBJECTS = 400
MAX_CONTENT = 1 << 16

_FORM = {
    "Type", "Subtype", "FormType", "BBox", "Matrix", "Resources", "Length", "Filter", "DecodeParms", "Group", "Name",
    "LastModified", "ProcSet",
}  # fmt: skip
# What acts, leads elsewhere, shows or hides at will, or is no part of a drawing.
_FORBIDDEN = {
    "A", "AA", "JS", "OC", "OCGs", "OCProperties", "OPI", "Ref", "F", "FFilter", "FDecodeParms", "EF", "URI", "Next",
    "Dest", "Kids", "Annots", "Parent", "P", "Popup", "AcroForm", "Names", "Measure", "PtData", "PieceInfo",
    "Alternates", "StructParent", "StructParents", "Properties", "Metadata", "AF",
}  # fmt: skip
_TYPES = {"XObject", "Font", "FontDescriptor", "Encoding", "ExtGState", "Pattern", "Mask", "Group", "CMap", "Halftone"}
_NAMED_BY_AUTHORS = {"Resources", "CharProcs"}
_CATEGORIES = {"Font", "XObject", "ExtGState", "ColorSpace", "Pattern", "Shading"}
_NUMBER_FONTS = {"Helvetica", "Times-Roman", "Courier"}
_OPERANDS = {"Tf": 2, "Td": 2, "Tm": 6, "Tj": 1, "g": 1, "rg": 3, "re": 4, "BMC": 1}
_BARE = {"BT", "ET", "q", "Q", "W", "n", "EMC"}


def allow_picture(written: Written, value: Any) -> None:
    """The appearance of a signature: one normal state, a form of its own, with resources that only draw."""
    if isinstance(value, Ref):
        value = written.new_object(value, "picture")
    if not isinstance(value, dict) or set(value) - {"N"}:
        raise ForbiddenChange("a picture with more than one state")
    if "N" in value:
        _Drawing(written).form(value["N"])


def allow_resources(written: Written, value: Any) -> None:
    """Resources beside a signature's field: what its drawing is made of, and nothing else."""
    _Drawing(written).resources(value)


class _Drawing:
    def __init__(self, written: Written) -> None:
        self._written = written
        self._seen: set[int] = set()

    def form(self, value: Any) -> None:
        found = self._written.new_object(value, "picture")
        self._seen.add(value.number)
        self._form(found)

    def resources(self, value: Any) -> None:
        self._named(value, 0)

    def _form(self, found: Any) -> None:
        if not isinstance(found, Stream) or not is_name(found.values.get("Subtype"), "Form"):
            raise ForbiddenChange("a picture that is no drawing")
        if set(found.values) - _FORM:
            raise ForbiddenChange("a drawing that does more than draw")
        self._walk(found.values, 0)

    def _walk(self, value: Any, depth: int) -> None:
        if depth > 24 or len(self._seen) > MAX_OBJECTS:
            raise ForbiddenChange("a picture of too many parts")
        if isinstance(value, Ref):
            self._follow(value, depth)
        elif isinstance(value, list):
            for one in value:
                self._walk(one, depth + 1)
        elif isinstance(value, dict):
            kind = value.get("Type")
            if set(value) & _FORBIDDEN or (kind is not None and not is_name(kind, *_TYPES)):
                raise ForbiddenChange("a picture with something in it that does more than draw")
            for key, one in value.items():
                if key in _NAMED_BY_AUTHORS:
                    self._named(one, depth)
                else:
                    self._walk(one, depth + 1)

    def _named(self, value: Any, depth: int) -> None:
        """Parts under names that the author of the drawing chose, which mean nothing."""
        found = self._written.new.get(value)
        if self._written.writes(value):
            self._written.use(value.number, "picture")
        if not isinstance(found, dict):
            raise ForbiddenChange("a picture without its parts")
        for key, one in found.items():
            if isinstance(one, dict) and key in _CATEGORIES:
                self._named(one, depth + 1)
            else:
                self._walk(one, depth + 1)

    def _follow(self, value: Ref, depth: int) -> None:
        written = self._written
        if not written.writes(value) or value.number in self._seen:
            return  # a font of before, say, which stays as it was
        self._seen.add(value.number)
        if written.used.get(value.number) == "picture":
            return  # walked by way of another part
        found = written.new_object(value, "picture")
        if isinstance(found, Stream):
            kind = found.values.get("Subtype")
            if is_name(kind, "Form"):
                self._form(found)
                return
            if is_name(kind, "PS"):
                raise ForbiddenChange("a picture with a program in it")
            found = found.values
        self._walk(found, depth + 1)


def allow_number_picture(written: Written, value: Any, text: bytes) -> None:
    """The drawing of a filled number field: its text, once, in a plain font, as it stands in the field."""
    if not isinstance(value, dict) or set(value) != {"N"}:
        raise ForbiddenChange("a number with more than one picture")
    found = written.new_object(value["N"], "number")
    if not isinstance(found, Stream) or set(found.values) - (_FORM - {"Group"}):
        raise ForbiddenChange("a number whose drawing does more than draw")
    resources = found.values.get("Resources", {})
    if not isinstance(resources, dict) or set(resources) - {"Font", "ProcSet"}:
        raise ForbiddenChange("a number that is drawn with more than a font")
    fonts = resources.get("Font", {})
    if not isinstance(fonts, dict):
        raise ForbiddenChange("a number without a font")
    for font in fonts.values():
        _allow_font(written, font)
    if _drawn_text(decoded(found, MAX_CONTENT)) != text:
        raise ForbiddenChange("a number that is drawn as another one")


def _allow_font(written: Written, font: Any) -> None:
    if isinstance(font, Ref) and not written.writes(font):
        return  # of before: the signer saw it
    if written.writes(font):
        written.use(font.number, "number")
    found = written.new.get(font)
    known = {"Type", "Subtype", "BaseFont", "Encoding", "Name"}
    if (
        not isinstance(found, dict)
        or set(found) - known
        or not is_name(found.get("BaseFont"), *_NUMBER_FONTS)
        or not is_name(found.get("Encoding", Name("WinAnsiEncoding")), "WinAnsiEncoding")
    ):
        raise ForbiddenChange("a number in a font that may show anything")


def _drawn_text(content: bytes) -> bytes:
    """The one text that a drawing of a number shows; nothing else may be drawn."""
    reader = Reader(content, comments=False)
    operands: list[Any] = []
    drawn: list[bytes] = []
    at = reader.skip(0)
    while at < len(content):
        word = _operator(content, at)
        if word is None:
            value, at = reader.value(at)
            operands.append(value)
        else:
            at += len(word)
            wanted = _OPERANDS.get(word, 0 if word in _BARE else None)
            if wanted is None or len(operands) != wanted:
                raise ForbiddenChange(f"a number that is drawn with {word}")
            _allow_operands(word, operands)
            if word == "Tj":
                drawn.append(operands[0])
            operands = []
        at = reader.skip(at)
    if len(drawn) != 1 or operands:
        raise ForbiddenChange("a number that is drawn as more than one text")
    return drawn[0]


def _operator(content: bytes, at: int) -> str | None:
    end = at
    while end < len(content) and (content[end : end + 1].isalpha() or content[end : end + 1] in b"*'\""):
        end += 1
    return content[at:end].decode("latin-1") if end > at else None


def _allow_operands(word: str, operands: list[Any]) -> None:
    if word == "Tj":
        sound = isinstance(operands[0], bytes)
    elif word == "BMC":
        sound = is_name(operands[0], "Tx")
    elif word == "Tf":
        sound = isinstance(operands[0], Name) and is_number(operands[1]) and 6 <= operands[1] <= 20
    else:
        sound = all(map(is_number, operands))
    if not sound:
        raise ForbiddenChange(f"a number that is drawn with an odd {word}")
