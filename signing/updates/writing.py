"""What one update writes, and which of its objects serves what."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from signing.updates.document import ForbiddenChange, Objects, Section, is_name
from signing.updates.syntax import Ref, Stream, StructureError, equal, references
from signing.updates.tables import packed

MAX_PAGES = 20_000
MAX_DEPTH = 50

LEFT_OVER = {"Type", "Size", "Index", "W", "Root", "Info", "ID", "Prev", "Filter", "Length"}
EMPTY_PICTURE = {"Type", "Subtype", "FormType", "BBox", "Matrix", "Resources", "Length"}

# Under which keys the objects may be referred to whose content an update changes, by what they serve; None is any.
# A changed object that is used in a second way would change there what nobody looked at.
REFERRED: dict[str, Callable[[tuple[str, ...]], bool] | None] = {
    "catalogue": None,
    "page": None,
    "form": lambda path: path == ("AcroForm",),
    "fields": lambda path: path[-1:] == ("Fields",),
    "annotations": lambda path: path == ("Annots",),
    "field": lambda path: (
        path[-1] in {"Parent", "Obj"}
        or path[-2:] in {("Fields", "[]"), ("Annots", "[]"), ("Kids", "[]")}
        or path == ("[]",)
    ),
    "metadata": lambda path: path == ("Metadata",),
    "information": lambda path: False,
    "validation": lambda path: True,  # and only by validation data or the catalogue: see `Written.referred_by`
}


@dataclass(frozen=True)
class Box:
    """Where a signature or a filled field shows: the page (from 0), its rectangle in points, and the field's name.

    `prepared` tells that the field stood there, empty, before the signature that it follows.
    """

    page: int
    left: float
    bottom: float
    right: float
    top: float
    field: str
    prepared: bool = False
    number: bool = False


@dataclass
class Written:
    """An update under review: the objects before and after it, and what has been found of it."""

    old: Objects
    new: Objects
    section: Section
    number_fields: frozenset[str]
    used: dict[int, str] = field(default_factory=dict)
    boxes: list[Box] = field(default_factory=list)
    filled: set[str] = field(default_factory=set)
    purpose: str = ""  # what the update is for; dates and versions alone are no reason to add to a signed file
    _pages: dict[int, int] | None = None

    def use(self, number: int, purpose: str) -> None:
        """The object `number` of this update serves `purpose`, and nothing else."""
        if number not in self.section.stored:
            raise StructureError(f"object {number} is not of this update")
        if self.used.setdefault(number, purpose) != purpose:
            raise ForbiddenChange(f"object {number} is {self.used[number]} and {purpose} at once")

    def writes(self, value: Any) -> bool:
        """Whether the update writes the object that `value` refers to."""
        return isinstance(value, Ref) and value.number in self.section.stored

    def is_new(self, value: Any) -> bool:
        """Whether `value` refers to an object that comes with this update and was nothing before."""
        return self.writes(value) and value.number not in self.old.stored

    def new_object(self, value: Any, purpose: str) -> Any:
        """The object that `value` refers to, which must come with this update."""
        if not self.is_new(value):
            raise ForbiddenChange(f"{purpose} is not an object of its own that comes with the signature")
        self.use(value.number, purpose)
        return self.new.get(value)

    @property
    def pages(self) -> dict[int, int]:
        """The numbers of the page objects before the update, with their places from 0."""
        if self._pages is None:
            root = self.old.dictionary(self.old.trailer.get("Root"), "the catalogue")
            self._pages = {}
            self._collect(root.get("Pages"), 0)
        return self._pages

    def _collect(self, node: Any, depth: int) -> None:
        assert self._pages is not None
        found = self.old.dictionary(node, "a page")
        if depth > MAX_DEPTH or len(self._pages) > MAX_PAGES or not isinstance(node, Ref):
            raise StructureError("a tree of pages that is none")
        if "Kids" in found:
            for kid in self.old.array(found["Kids"], "the pages"):
                self._collect(kid, depth + 1)
        elif self._pages.setdefault(node.number, len(self._pages)) != len(self._pages) - 1:
            raise StructureError("a page that stands twice")

    def is_empty_picture(self, value: Any) -> bool:
        """Whether this is a drawing of nothing, as libraries leave them behind."""
        return (
            isinstance(value, Stream)
            and not value.raw.strip()
            and is_name(value.values.get("Subtype"), "Form")
            and not set(value.values) - EMPTY_PICTURE
            and not references(value) & self.section.stored.keys()
        )

    def is_table_left_over(self, value: Any) -> bool:
        """Whether this is a cross-reference stream of the update that nobody reads, since a table says the same: PDFBox
        leaves one in hybrid files."""
        if not isinstance(value, Stream) or not is_name(value.values.get("Type"), "XRef"):
            return False
        trailer = self.section.trailer
        same = all(equal(value.values.get(key), trailer.get(key)) for key in ("Root", "Info", "ID", "Prev"))
        try:
            table = packed(value)
        except StructureError:
            return False
        listed = table.entries.keys() | table.freed
        return same and not set(value.values) - LEFT_OVER and listed <= self.section.stored.keys() | {0}

    def referred_by(self, number: int) -> Callable[[int, tuple[str, ...]], bool] | None:
        """Whether an object of before may refer to `number` under a path of keys; None: each may."""
        purpose = self.used.get(number)
        if purpose is None:
            return None  # written again as it was
        allowed = REFERRED.get(purpose)
        if purpose == "validation":
            root = self.old.trailer["Root"].number
            return lambda holder, path: (
                self.used.get(holder) == "validation"
                or (holder == root and path[:1] == ("DSS",))
                or self.was_validation(holder)
            )
        if purpose in REFERRED and allowed is None:
            return None
        if allowed is None:
            return lambda holder, path: False
        return lambda holder, path: allowed(path)

    def was_validation(self, holder: int) -> bool:
        """Whether an object belonged to the validation data before the update."""
        return holder in self.validation

    validation: set[int] = field(default_factory=set)
