"""What makes a PDF show something else than what its signer saw, or do something by itself.

A signature protects bytes, not what a reader makes of them: a script, a form of another format or a layer that can be
switched changes the page without changing a byte. Whoever signs is told before (`signing.verification.admission`); on a
paper that is signed already it is a finding. All objects that can be reached are looked at, each once, without
recursion.

Source: ISO 32000-2 §7.3.8 (streams), §8.8.2 and §8.10.4 (XObjects), §8.11 (layers), §12.5.6, §12.6 and §12.7.8.
"""

# mypy: allow-untyped-calls
# (pyHanko is typed in parts)

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from kernel.text import Phrase, phrase
from signing.pdf.signed_file import BROKEN
from signing.verdicts.reasons import Code, reason
from signing.verdicts.verdict import Reason

MAX_VALUES = 2_000_000
"""Dictionaries and arrays of a paper that are looked at; a book of 300 tagged pages has a tenth of that."""


class Hazard(StrEnum):
    """What was found. Children of the sandbox answer these names; the sentences stay with the parent."""

    SCRIPT = "script"
    ACTION = "action"
    MEDIA = "media"
    POSTSCRIPT = "postscript"
    XFA = "xfa"
    LAYERS = "layers"
    ALTERNATES = "alternates"
    EXTERNAL = "external"
    REFERENCE = "reference"
    ENCRYPTED = "encrypted"
    EMBEDDED = "embedded"
    PROMISED = "promised"
    BEFORE = "before"
    AFTER = "after"
    OTHER_FORMAT = "other_format"
    ORPHANS = "orphans"
    LARGE_FIELD = "large_field"
    FIELD_OVER_TEXT = "field_over_text"
    BROKEN = "broken"
    TOO_MUCH = "too_much"


WORDS: dict[Hazard, Phrase] = {
    Hazard.SCRIPT: phrase("mã JavaScript"),
    Hazard.ACTION: phrase("lệnh tự chạy hoặc mở chương trình, gửi dữ liệu, mở tệp khác"),
    Hazard.MEDIA: phrase("phim, âm thanh hoặc mô hình 3D"),
    Hazard.POSTSCRIPT: phrase("đoạn chương trình PostScript"),
    Hazard.XFA: phrase("biểu mẫu động XFA"),
    Hazard.LAYERS: phrase("lớp nội dung bật, tắt được"),
    Hazard.ALTERNATES: phrase("ảnh khác nhau khi xem và khi in"),
    Hazard.EXTERNAL: phrase("nội dung nằm ở tệp bên ngoài"),
    Hazard.REFERENCE: phrase("trang lấy từ tệp khác"),
    Hazard.ENCRYPTED: phrase("phần đã mã hóa"),
    Hazard.EMBEDDED: phrase("tệp khác nhúng bên trong"),
    Hazard.PROMISED: phrase("mục lục chỉ tới phần chưa có trong tệp, sau này ai cũng thêm vào được"),
    Hazard.BEFORE: phrase("dữ liệu lạ trước phần đầu của PDF"),
    Hazard.AFTER: phrase("dữ liệu lạ sau phần cuối của PDF"),
    Hazard.OTHER_FORMAT: phrase("một tệp nén ghép chung với PDF"),
    Hazard.ORPHANS: phrase("dữ liệu ẩn không thuộc trang nào, ví dụ trang đã xóa nhưng còn trong tệp"),
    Hazard.LARGE_FIELD: phrase("ô điền hoặc ô chữ ký còn trống, rộng đến mức che được nội dung"),
    Hazard.FIELD_OVER_TEXT: phrase("ô chữ ký hoặc ô điền còn trống nằm đè lên chữ"),
    Hazard.BROKEN: phrase("lỗi cấu trúc"),
    Hazard.TOO_MUCH: phrase("quá nhiều thành phần, không xét hết được"),
}

SHOWN_OTHERWISE = (
    Hazard.SCRIPT, Hazard.ACTION, Hazard.MEDIA, Hazard.POSTSCRIPT, Hazard.XFA, Hazard.LAYERS, Hazard.ALTERNATES,
    Hazard.EXTERNAL, Hazard.REFERENCE,
)  # fmt: skip
"""Hazards that let a signed paper show something else tomorrow. A file inside a file changes nothing on its pages."""

_ACTS_AT = frozenset({"/A", "/OpenAction", "/Next", "/PA"})
_QUIET_ACTIONS = frozenset({"/GoTo", "/URI", "/Named", "/Thread"})
_QUIET_NAMES = frozenset({"/NextPage", "/PrevPage", "/FirstPage", "/LastPage"})
_LOUD_ACTIONS = frozenset(
    {
        "/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/GoToR", "/GoToE", "/GoToDp", "/Rendition", "/Movie",
        "/Sound", "/Hide", "/SetOCGState", "/GoTo3DView", "/ResetForm", "/RichMediaExecute", "/Trans",
    }
)  # fmt: skip
_MEDIA = frozenset({"/RichMedia", "/Movie", "/Sound", "/Screen", "/3D"})
_SCRIPTS_IN_LINKS = ("javascript:", "vbscript:", "data:", "file:")


@dataclass(frozen=True)
class _Node:
    """A dictionary or an array of the file, the key under which it was met, and the key of what that belongs to."""

    value: generic.PdfObject
    key: str
    above: str


def hazards_of(file: PdfFileReader | bytes) -> tuple[Hazard, ...]:
    """Every kind of hazard in the newest revision of a file, each once, in the order of `Hazard`.

    Files that cannot be read at all have none: reading them is another's verdict.
    """
    try:
        reader = PdfFileReader(BytesIO(file), strict=False) if isinstance(file, bytes) else file
        found = set(_found(reader))
    except BROKEN:
        return ()
    return tuple(one for one in Hazard if one in found)


def words_for(hazards: Iterable[Hazard]) -> Phrase:
    """The hazards in one line, for a sentence: three by name, since nobody reads on, and how many more there are."""
    named = [WORDS[one] for one in hazards]
    match named:
        case [first]:
            return first
        case [first, second]:
            return phrase("{first}; {second}", first=first, second=second)
        case [first, second, third]:
            return phrase("{first}; {second}; {third}", first=first, second=second, third=third)
        case [first, second, third, *rest]:
            more = {"first": first, "second": second, "third": third, "count": len(rest)}
            return phrase("{first}; {second}; {third} và {count} điều khác", **more)
    raise ValueError("no hazard")


def finding(file: PdfFileReader | bytes) -> Reason | None:
    """The finding on a signed file that may show something else than what was signed; None when it may not."""
    found = hazards_of(file)
    if Hazard.TOO_MUCH in found:
        return reason(Code.TOO_COMPLICATED)
    shown = [one for one in found if one in SHOWN_OTHERWISE]
    return reason(Code.ACTIVE_CONTENT, what=words_for(shown)) if shown else None


def finding_unsigned(file: PdfFileReader) -> Reason | None:
    """The finding on a file that nobody signed: also files inside it are named, which its reader may not expect."""
    shown = [one for one in hazards_of(file) if one in (*SHOWN_OTHERWISE, Hazard.EMBEDDED)]
    return reason(Code.ACTIVE_CONTENT, what=words_for(shown)) if shown else None


def _found(reader: PdfFileReader) -> Iterator[Hazard]:
    trailer = reader.trailer_view
    if "/Encrypt" in trailer:
        yield Hazard.ENCRYPTED
        return  # what it says is nobody's to read
    for count, node in enumerate(reached(trailer)):
        if count > MAX_VALUES:
            yield Hazard.TOO_MUCH
            return
        if isinstance(node.value, generic.DictionaryObject):
            yield from _in_dictionary(node)


def reached(start: generic.PdfObject, seen: set[tuple[int, int]] | None = None) -> Iterator[_Node]:
    """Every dictionary and array that can be reached, each indirect one once for each way in which it matters.

    `seen` collects the numbers of the objects. What cannot be read counts as null, as a dangling reference does.
    """
    known = seen if seen is not None else set()
    acting: set[tuple[int, int]] = set()
    waiting = [_Node(start, "", "")]
    while waiting:
        node = waiting.pop()
        value = node.value
        if isinstance(value, generic.IndirectObject):
            place, acts = (value.idnum, value.generation), _may_act(node)
            if place in known and (not acts or place in acting):
                continue
            known.add(place)
            if acts:
                acting.add(place)
            value = _resolved(value)
            node = _Node(value, node.key, node.above)
        if isinstance(value, generic.DictionaryObject):
            yield node
            waiting += [_Node(one, str(key), node.key) for key, one in dict.items(value) if _holds(one)]
        elif isinstance(value, generic.ArrayObject):
            yield node
            waiting += [_Node(one, node.key, node.above) for one in list.__iter__(value) if _holds(one)]


def _holds(value: object) -> bool:
    return isinstance(value, generic.IndirectObject | generic.DictionaryObject | generic.ArrayObject)


def _resolved(value: generic.IndirectObject) -> generic.PdfObject:
    try:
        found: generic.PdfObject = value.get_object()
    except BROKEN:
        return generic.NullObject()
    return found


def _may_act(node: _Node) -> bool:
    """Whether a reader would carry out what stands here: the same object may be met elsewhere first."""
    return node.key in _ACTS_AT or node.above == "/AA"


def _in_dictionary(node: _Node) -> Iterator[Hazard]:
    value = node.value
    assert isinstance(value, generic.DictionaryObject)
    kind, subtype = _name(value, "/Type"), _name(value, "/Subtype")
    yield from _of_actions(node, value, kind)
    if subtype in _MEDIA and "/Rect" in value:
        yield Hazard.MEDIA
    if "/XFA" in value:
        yield Hazard.XFA
    if _is_filled(value, "/OCProperties") and _groups(value):
        yield Hazard.LAYERS
    if any(_is_filled(value, key) for key in ("/EF", "/EmbeddedFiles", "/Collection")):
        yield Hazard.EMBEDDED
    if isinstance(value, generic.StreamObject):
        yield from _of_stream(value, subtype)


def _of_actions(node: _Node, value: generic.DictionaryObject, kind: str) -> Iterator[Hazard]:
    if "/JS" in value or (node.key == "/Names" and _is_filled(value, "/JavaScript")):
        yield Hazard.SCRIPT
    if _is_filled(value, "/AA"):
        yield Hazard.ACTION
    does = _name(value, "/S")
    if does == "/JavaScript":
        yield Hazard.SCRIPT
    elif (_may_act(node) and does and not _is_quiet(value, does)) or (does in _LOUD_ACTIONS and kind == "/Action"):
        yield Hazard.ACTION


def _is_quiet(action: generic.DictionaryObject, does: str) -> bool:
    """Going to a page, or a plain link that somebody presses."""
    if does == "/Named":
        return _name(action, "/N") in _QUIET_NAMES
    if does == "/URI":
        return not _text(action, "/URI").strip().lower().startswith(_SCRIPTS_IN_LINKS)
    return does in _QUIET_ACTIONS and "/F" not in action


def _groups(catalogue: generic.DictionaryObject) -> bool:
    """Whether a layer is named; a locked one, too, is switched by readers that print, export or know no locks."""
    try:
        return bool(len(catalogue["/OCProperties"]["/OCGs"]))
    except BROKEN:
        return "/OCProperties" in catalogue and _is_filled(catalogue, "/OCProperties")


def _of_stream(stream: generic.StreamObject, subtype: str) -> Iterator[Hazard]:
    if "/F" in stream or "/FFilter" in stream or "/OPI" in stream:
        yield Hazard.EXTERNAL
    if "/Crypt" in _names(stream, "/Filter"):
        yield Hazard.ENCRYPTED
    if subtype == "/PS" or _name(stream, "/Subtype2") == "/PS":
        yield Hazard.POSTSCRIPT
    if subtype == "/Form" and "/Ref" in stream:
        yield Hazard.REFERENCE
    if subtype == "/Image" and _is_filled(stream, "/Alternates"):
        yield Hazard.ALTERNATES


def _is_filled(value: generic.DictionaryObject, key: str) -> bool:
    """Whether something stands there; what cannot be read is no reason to be calm."""
    if key not in value:
        return False
    try:
        found = value[key]
    except KeyError:  # null
        return False
    except BROKEN:
        return True
    return not isinstance(found, dict | list) or bool(found)


def _name(value: generic.DictionaryObject, key: str) -> str:
    if key not in value:
        return ""
    try:
        return str(value[key])
    except BROKEN:
        return ""


def _names(value: generic.DictionaryObject, key: str) -> tuple[str, ...]:
    try:
        found = value[key]
        return tuple(str(one) for one in found) if isinstance(found, list) else (str(found),)
    except BROKEN:
        return ()


def _text(value: generic.DictionaryObject, key: str) -> str:
    try:
        return str(value[key])
    except BROKEN:
        return ""
