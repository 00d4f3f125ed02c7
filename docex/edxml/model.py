"""The content of an envelope, as frozen records.

Texts are NFC and trimmed; an absent text is "", an absent number None.
Names are ours; the exact (and partly misspelt) names of the elements are in `reader.py` and `writer.py`.
"""

from dataclasses import dataclass, field
from datetime import date, datetime

from docex.edxml.codes import BusinessKind, Priority, StatusCode
from docex.edxml.paper_store import PaperSource
from kernel.text import Phrase


@dataclass(frozen=True, slots=True)
class Note:
    """Something in a foreign file that was odd but could be read; shown to the clerk, kept as evidence."""

    code: str
    text: Phrase


@dataclass(frozen=True, slots=True)
class Organ:
    """An agency as an envelope names it (`From`, `To`). `code` is the agency code, in either form."""

    code: str
    name: str = ""
    in_charge: str = ""
    address: str = ""
    email: str = ""
    telephone: str = ""
    fax: str = ""
    website: str = ""


@dataclass(frozen=True, slots=True)
class DocumentType:
    """`group` and `detail` follow two conventions in the wild, so only `name` carries meaning."""

    name: str
    group: int | None = None
    detail: int | None = None


@dataclass(frozen=True, slots=True)
class Signer:
    """The signer: `competence` is "TM. ỦY BAN NHÂN DÂN", "KT. CHỦ TỊCH", …"""

    full_name: str
    position: str = ""
    competence: str = ""


@dataclass(frozen=True, slots=True)
class OtherInfo:
    """`sphere` limits circulation, `typist` is the typist's mark, `copies` and `pages` count paper; `reply_fors` and
    `reference_codes` are rare texts that the axis' kit knows and nobody explains. `secrecy` is what foreign software
    writes into a field that the standard does not have; it is read and never written."""

    priority: Priority = Priority.NORMAL
    sphere: str = ""
    typist: str = ""
    copies: int | None = None
    pages: int | None = None
    directive: bool = False
    appendixes: tuple[str, ...] = ()
    reply_fors: str = ""
    reference_codes: str = ""
    secrecy: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ResponseFor:
    """A document that this one answers, or about which a status reports. `code` is "125/GM-SX"."""

    organ_code: str
    code: str = ""
    document_id: str = ""
    promulgated_on: date | None = None


@dataclass(frozen=True, slots=True)
class Staff:
    """The person who handled the message at the sender."""

    name: str = ""
    department: str = ""
    email: str = ""
    mobile: str = ""
    staff_id: str = ""
    department_id: str = ""


@dataclass(frozen=True, slots=True)
class ReceiverChange:
    """An update's change to the list of receivers: added, or removed when `added` is False."""

    organ_code: str
    added: bool


@dataclass(frozen=True, slots=True)
class UpdateInfo:
    """The changes of an update (type 2)."""

    document_changed: bool
    receivers_changed: bool
    receivers: tuple[ReceiverChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Replacement:
    """An old document that this one replaces (type 3), and at which agencies."""

    document_id: str
    organ_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Business:
    """The act that the sender wants: a new document, a recall, an update or a replacement."""

    kind: BusinessKind = BusinessKind.NEW
    reason: str = ""
    document_id: str = ""
    paper: bool = False
    updates: tuple[UpdateInfo, ...] = ()
    replacements: tuple[Replacement, ...] = ()
    staff: tuple[Staff, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """One node that the message passed; `at` is None when it wrote no readable time."""

    organ_code: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class SignedReference:
    """One digest of the envelope's signature; `uri` is "" for the envelope or `cid:…` for an attachment."""

    uri: str
    digest_method: str
    digest_value: str
    transforms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EnvelopeSignature:
    """The envelope's `Signature` as it is written, not yet checked: many senders put dummies there."""

    canonicalization: str
    method: str
    references: tuple[SignedReference, ...]
    value: str
    certificate: str
    subject_name: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """One paper. `content_id` is without `cid:`; `data` is the paper itself, decoded and unwrapped, or empty when it
    lies in `file`; `media_type` is what the bytes are, never what the sender declared."""

    content_id: str
    name: str
    data: bytes = field(repr=False)
    description: str = ""
    media_type: str = field(default="", compare=False)
    declared_type: str = field(default="", compare=False)
    unwrapped: bool = field(default=False, compare=False)
    file: PaperSource | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A document on its way: new, recall, update or replacement."""

    sender: Organ
    receivers: tuple[Organ, ...]
    document_id: str
    number: str
    notation: str
    place: str
    promulgated_on: date | None
    type: DocumentType
    subject: str
    signer: Signer
    traces: tuple[Trace, ...]
    business: Business = Business()
    content: str = ""
    due_on: date | None = None
    other: OtherInfo = OtherInfo()
    responses: tuple[ResponseFor, ...] = ()
    steering: int | None = 0
    """Raw: two conventions are alive, see `codes.Steering`."""
    steering_first: int = field(default=0, compare=False)
    """From which number the writer counts; it stands in no file, and a reader does not know it."""
    task_codes: tuple[str, ...] = ()
    application: str = ""
    places: tuple[str, ...] = ()
    signature: EnvelopeSignature | None = None
    attachments: tuple[Attachment, ...] = ()
    notes: tuple[Note, ...] = field(default=(), compare=False)

    @property
    def code(self) -> str:
        """Number and notation as they are printed: `125/GM-SX`."""
        return f"{self.number}/{self.notation}" if self.notation else self.number


@dataclass(frozen=True, slots=True)
class StatusMessage:
    """One of the nine statuses about a document. `about.organ_code` is the agency that gets the report."""

    sender: Organ
    about: ResponseFor
    status: StatusCode
    description: str = ""
    at: datetime | None = None
    staff: Staff = Staff()
    notes: tuple[Note, ...] = field(default=(), compare=False)


Message = Envelope | StatusMessage
