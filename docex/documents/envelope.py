"""Between a document and its edXML envelope: what we write, and what we keep of what others wrote."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any

from directory.queries import AgencyCard
from docex.documents.models import Document
from docex.documents.papers.files import File
from docex.edxml import Envelope
from docex.edxml.codes import ADMINISTRATIVE_GROUP, KIND_BY_SLUG, Priority, Steering
from docex.edxml.model import (
    Attachment,
    Business,
    DocumentType,
    Organ,
    OtherInfo,
    Signer,
    Staff,
    Trace,
)
from docex.edxml.shortening import EMAIL, NAME, shortened
from kernel import clock
from kernel.storage.blobs import BlobStore

_MAX_COUNT = 999
"""`PromulgationAmount` and `PageAmount` have three digits."""
_PLACES_LENGTH, _ADDRESS, _TELEPHONE = 1000, 250, 50
_NAMES = uuid.UUID("6f1d1c0e-58c1-4f5e-9c53-2f2f0b4f9d3e")


@dataclass(frozen=True)
class Facts:
    """The facts of a document in its envelope, as it is stored with the dispatch."""

    code: str
    kind_name: str
    subject: str
    urgency: int
    issued_on: date | None
    due_on: date | None
    signer: str
    signer_title: str
    authority: str
    place: str
    sender_code: str
    sender_name: str
    places: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    reason: str = ""
    steering: int | None = None
    """`SteeringType` as it stands in the envelope."""
    steering_first: int = 0
    """From which number its writer counted."""

    @property
    def steers(self) -> Steering:
        """Whether it directs, or reports on a directive."""
        return Steering.read(self.steering, first=self.steering_first)

    def to_json(self) -> dict[str, Any]:
        """Plain data for the database."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "issued_on": self.issued_on.isoformat() if self.issued_on else "",
            "due_on": self.due_on.isoformat() if self.due_on else "",
            "places": list(self.places),
            "answers": list(self.answers),
            "steering": self.steering,
            "steering_first": self.steering_first,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Facts":
        """The inverse of `to_json`."""
        return cls(
            **{name: data[name] for name in _PLAIN},
            issued_on=date.fromisoformat(data["issued_on"]) if data["issued_on"] else None,
            due_on=date.fromisoformat(data["due_on"]) if data["due_on"] else None,
            places=tuple(data["places"]),
            answers=tuple(data["answers"]),
            steering=data.get("steering"),  # older rows do not say
            steering_first=data.get("steering_first", 0),
        )


_PLAIN = (
    "code",
    "kind_name",
    "subject",
    "urgency",
    "signer",
    "signer_title",
    "authority",
    "place",
    "sender_code",
    "sender_name",
    "reason",
)


def facts_of(envelope: Envelope, steering_first: int = 0) -> Facts:
    """The facts that the inbox shows of an envelope, ours or a foreign one, whose writer counts from
    `steering_first`."""
    return Facts(
        code=envelope.code,
        kind_name=envelope.type.name,
        subject=envelope.subject,
        urgency=int(envelope.other.priority),
        issued_on=envelope.promulgated_on,
        due_on=envelope.due_on,
        signer=envelope.signer.full_name,
        signer_title=envelope.signer.position,
        authority=envelope.signer.competence,
        place=envelope.place,
        sender_code=envelope.sender.code,
        sender_name=envelope.sender.name,
        places=envelope.places,
        answers=tuple(r.code or r.document_id for r in envelope.responses),
        reason=envelope.business.reason,
        steering=envelope.steering,
        steering_first=steering_first,
    )


def document_key(agency_code: str, issued_on: date, code: str) -> str:
    """edXML DocumentId as the axis composes it: `000.00.15.H29,2026/03/02,125/GM-SX`."""
    return f"{agency_code},{issued_on:%Y/%m/%d},{code}"


def envelope_of(
    document: Document,
    sender: AgencyCard,
    parent_name: str,
    receivers: list[AgencyCard],
    clerk: Staff,
    pages: int | None,
    at: datetime,
    steering_first: int = 0,
) -> Envelope:
    """The envelope of a sealed document, still without its papers."""
    assert document.issued_on is not None
    number, _, mark = document.code.partition("/")
    kind = KIND_BY_SLUG[document.kind]
    return Envelope(
        sender=_organ(sender, parent_name),
        receivers=tuple(_organ(card, "") for card in receivers),
        document_id=document_key(sender.code, document.issued_on, document.code),
        number=number,
        notation=mark,
        place=sender.place,
        promulgated_on=document.issued_on,
        type=DocumentType(kind.type_name, ADMINISTRATIVE_GROUP, kind.detail),
        subject=document.subject,
        content=document.subject,
        signer=Signer(document.signer_name, document.signer_title, document.authority),
        due_on=document.due_on,
        steering=Steering(document.steering).written(first=steering_first),
        steering_first=steering_first,
        other=OtherInfo(
            priority=Priority(document.urgency),
            copies=min(len(receivers), _MAX_COUNT),
            pages=min(pages, _MAX_COUNT) if pages else None,
        ),
        places=_fitting(document.places),
        traces=(Trace(sender.code, at.astimezone(clock.VN)),),
        business=Business(reason="Văn bản điện tử mới", staff=(clerk,)),
    )


@dataclass(frozen=True)
class StoredPaper:
    """A paper that lies in the store until the envelope is written."""

    blobs: BlobStore
    sha256: str

    def open(self) -> IO[bytes]:
        """The paper."""
        return self.blobs.open(self.sha256)


def attachment_of(file: File, blobs: BlobStore, place: int) -> Attachment:
    """A paper inside the envelope. Its id follows from the paper, so that writing again gives the same bytes."""
    content_id = str(uuid.uuid5(_NAMES, f"{place}:{file.sha256}"))
    return Attachment(content_id, file.name, b"", file=StoredPaper(blobs, file.sha256))


def _fitting(places: list[str]) -> tuple[str, ...]:
    """As many whole lines as the standard has room for; the full list stands on the paper."""
    kept: list[str] = []
    for line in places:
        if sum(map(len, kept)) + len(line) > _PLACES_LENGTH:
            break
        kept.append(line)
    return tuple(kept)


def _organ(card: AgencyCard, in_charge: str) -> Organ:
    """An agency in the lengths of the standard: the code says which it is, and no letter must wait for a name."""
    return Organ(
        code=card.code,
        name=shortened(card.name, NAME),
        in_charge=shortened(in_charge, NAME),
        address=shortened(card.address, _ADDRESS),
        email=card.email if len(card.email) <= EMAIL else "",
        telephone=card.phone if len(card.phone) <= _TELEPHONE else "",
    )
