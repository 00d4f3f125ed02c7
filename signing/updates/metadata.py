"""What programs keep of a file beside its pages: dates and their own names may change, and nothing else."""

import re
from typing import Any

from lxml import etree

from signing.updates.document import ForbiddenChange, is_name
from signing.updates.syntax import Name, Ref, Stream, StructureError, equal
from signing.updates.tables import decoded
from signing.updates.writing import Written

MAX_XMP = 1 << 20
MAX_TEXT = 300

_VERSIONS = (*(f"1.{n}" for n in range(3, 8)), "2.0")
_EXTENSION = {"Type", "BaseVersion", "ExtensionLevel", "ExtensionRevision", "URL"}
_XMP = "http://ns.adobe.com/xap/1.0/"
_DATES = {f"{{{_XMP}}}ModifyDate", f"{{{_XMP}}}MetadataDate"}
_NAMES = {"{http://ns.adobe.com/pdf/1.3/}Producer", "{http://ns.adobe.com/xap/1.0/mm/}InstanceID"}
_DATE = re.compile(r"[0-9T:.+Z-]{4,35}")
_STREAM = {"Type", "Subtype", "Filter", "DecodeParms", "Length"}


def allow_information(written: Written) -> None:
    """The dictionary of information: the date of the last change and the program that wrote it."""
    before, now = written.old.trailer.get("Info"), written.section.trailer.get("Info")
    if now is None and before is None:
        return
    if before is not None and now is not None and not equal(before, now):
        raise ForbiddenChange("other information about the file")
    if not isinstance(now, Ref) or not written.writes(now):
        return
    written.use(now.number, "information")
    old, new = _dictionary_or_none(written.old.get(before)), written.new.get(now)
    if not isinstance(new, dict):
        raise ForbiddenChange("information about the file that is none")
    may_change = {"ModDate", "Producer"} | (set() if old else {"CreationDate", "Creator"})
    for key in old.keys() | new.keys():
        value = new.get(key)
        if equal(old.get(key), value):
            continue
        if key not in may_change:
            raise ForbiddenChange(f"information about the file says something else under {key}")
        if not isinstance(value, bytes) or len(value) > MAX_TEXT:
            raise ForbiddenChange("information about the file that is no short text")


def _dictionary_or_none(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ForbiddenChange("something that is no dictionary")
    return value


def allow_version(before: Any, now: Any) -> None:
    """A newer version of PDF than before."""
    if not is_name(now, *_VERSIONS) or (before is not None and (not is_name(before, *_VERSIONS) or now < before)):
        raise ForbiddenChange("another version of PDF")


def allow_extensions(written: Written, before: Any, now: Any) -> None:
    """Word for word what a file has to declare that has time-stamps or validation data (ETSI EN 319 142-1 §5.5)."""
    old = _dictionary_or_none(written.old.get(before))
    if not isinstance(now, dict):
        raise ForbiddenChange("extensions that are none")
    for key in old.keys() | now.keys():
        value = now.get(key)
        if equal(old.get(key), value):
            continue
        for one in value if isinstance(value, list) else [value]:
            if key not in {"ESIC", "ADBE", "ISO_"} or not _is_declaration(one):
                raise ForbiddenChange(f"an extension {key} that says more than one does")


def _is_declaration(value: Any) -> bool:
    """Whether this names an extension of the standard and says nothing else (ISO 32000-2 §7.12)."""
    if not isinstance(value, dict) or set(value) - _EXTENSION:
        return False
    texts = [value.get(key, b"") for key in ("ExtensionRevision", "URL")]
    return (
        type(value.get("ExtensionLevel")) is int
        and is_name(value.get("BaseVersion"), *_VERSIONS)
        and is_name(value.get("Type", Name("DeveloperExtensions")), "DeveloperExtensions")
        and all(isinstance(text, bytes) and len(text) <= MAX_TEXT for text in texts)
    )


def allow_xmp(written: Written, before: Any, now: Any) -> None:
    """The XMP packet: dates, and the program that wrote it."""
    if not equal(before, now):
        raise ForbiddenChange("other metadata")
    if not written.writes(now):
        return
    assert isinstance(now, Ref)
    old, new = written.old.get(before), written.new.get(now)
    written.use(now.number, "metadata")
    if not isinstance(old, Stream) or not isinstance(new, Stream):
        raise ForbiddenChange("metadata that are none")
    if equal(old, new):
        return
    if set(new.values) - _STREAM or not is_name(new.values.get("Subtype"), "XML"):
        raise ForbiddenChange("metadata with more than text")
    one, other = _packet(old), _packet(new)
    if _facts(one) != _facts(other):
        raise ForbiddenChange("the metadata say something else")


def _packet(stream: Stream) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        tree = etree.fromstring(decoded(stream, MAX_XMP).strip(b"\0 \r\n\t"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise StructureError("metadata that are no XML") from error
    if tree.getroottree().docinfo.internalDTD is not None:
        raise ForbiddenChange("metadata with a document type")
    return tree


def _facts(packet: Any) -> list[tuple[Any, ...]]:
    """Everything that a packet says, but for what may change; short texts without markup only may stand there."""
    found = []
    for element in packet.iter():
        if not isinstance(element.tag, str):
            raise ForbiddenChange("metadata with something beside their text")
        text = (element.text or "").strip()
        if element.tag in _DATES | _NAMES and not len(element):
            _allow_changing(element.tag, text)
            text = ""
        attributes = []
        for name, value in sorted(element.attrib.items()):
            if name in _DATES | _NAMES:
                _allow_changing(name, value)
            else:
                attributes.append((name, value))
        depth = sum(1 for _ in element.iterancestors())
        if element.tag in _DATES | _NAMES and not attributes:
            if (element.tail or "").strip():
                raise ForbiddenChange("metadata with text between their elements")
            continue
        found.append((depth, element.tag, text, (element.tail or "").strip(), attributes))
    return found


def _allow_changing(name: str, text: str) -> None:
    if len(text) > MAX_TEXT or (name in _DATES and not _DATE.fullmatch(text)):
        raise ForbiddenChange("a date in the metadata that is none")
