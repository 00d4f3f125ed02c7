"""Why an envelope is refused: a stable code for machines and a sentence for people."""

from enum import StrEnum

from kernel.errors import Invalid
from kernel.text import Phrase


class Refusal(StrEnum):
    """The code that goes back to the sender of a file that cannot be read or written."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_XML = "not_xml"
    FORM = "form"
    BROKEN_XML = "broken_xml"
    DOCTYPE = "doctype"
    TOO_DEEP = "too_deep"
    TOO_MANY = "too_many_elements"
    TAG_TOO_LONG = "tag_too_long"
    NOT_EDXML = "not_edxml"
    FIELD_MISSING = "field_missing"
    FIELD_TOO_LONG = "field_too_long"
    FIELD_WRONG = "field_wrong"
    STATUS_UNKNOWN = "status_unknown"
    ATTACHMENT_MISSING = "attachment_missing"
    ATTACHMENT_BASE64 = "attachment_base64"
    ATTACHMENT_TOO_LARGE = "attachment_too_large"
    ATTACHMENT_BOMB = "attachment_bomb"
    ATTACHMENT_BROKEN = "attachment_broken"


class EdxmlError(Invalid):
    """An envelope that cannot be accepted. `where` is the element or attachment at fault, as it is spelt."""

    code = "edxml_refused"

    def __init__(self, refusal: Refusal, message: Phrase, where: str = "") -> None:
        super().__init__({where or "edxml": message}, message, refusal=refusal.value, where=where)
        self.refusal = refusal
        self.where = where
