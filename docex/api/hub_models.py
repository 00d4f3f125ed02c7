"""Requests and answers of the hub's operations, for the entry and for the OpenAPI document."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from signing.api_models import Head

BIGGEST = 2**63 - 1


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReceiptShown(BaseModel):
    """A receipt; `jws` is the evidence."""

    id: str
    kind: str = Field(description="submitted, available, retrieved, expired, undeliverable or refused")
    made_at: datetime
    jws: str = Field(description="compact JWS, ES256, keys at /api/v1/keys")


class ReceiptsAsked(_Strict):
    """Which receipts of an envelope are wanted."""

    code: str = Field("", max_length=40, description="of one receiver; empty for all")
    after: str = Field("", max_length=500, description="`next` of an earlier answer; empty begins anew")
    limit: int = Field(500, ge=1, le=500)


class ListedReceipt(ReceiptShown):
    """A receipt and whom it is about."""

    code: str | None = Field(description="of the receiver that it is about; null for `submitted`")


class ReceiptList(BaseModel):
    """What was signed about an envelope, oldest first."""

    items: list[ListedReceipt]
    next: str | None = Field(description="`after` of the next call; null at the end")


class KeySet(BaseModel):
    """A JWK set (RFC 7517)."""

    keys: list[dict[str, Any]]


class InboxAsked(_Strict):
    """Which part of the mailbox is wanted, and how long it may take."""

    after: str = Field("", max_length=500, description="`next` of an earlier answer; empty begins anew")
    limit: int = Field(100, ge=1, le=500)
    wait: int = Field(0, ge=0, le=25, description="seconds to wait while there is nothing")


class Organ(BaseModel):
    """An agency."""

    code: str
    name: str


class InboxItem(BaseModel):
    """One envelope that waits to be fetched."""

    id: int
    document: int = Field(description="of the envelope, as in /api/v1/documents/<id>/receipts")
    message_id: str
    document_id: str
    business: int
    sender: Organ
    code: str
    subject: str
    urgency: int
    sha256: str
    size: int
    recall: str
    available_at: datetime
    expires_at: datetime | None
    leased_until: datetime | None


class Inbox(BaseModel):
    """A stretch of the mailbox."""

    items: list[InboxItem]
    next: str = Field(description="`after` of the next call")
    more: bool
    held: bool = Field(description="the operator holds the mailbox for now")
    head: Head | None = Field(description="the newest head of the evidence log, for the caller to keep and compare")


class Leased(BaseModel):
    """The right to fetch and acknowledge; `token` goes into the acknowledgement."""

    id: int
    token: int
    leased_until: datetime
    sha256: str
    size: int


class Acknowledging(_Strict):
    """The word that the envelope is stored at the receiver's."""

    token: int = Field(ge=1, le=BIGGEST)


class Acknowledged(BaseModel):
    """The evidence that the receiver has the envelope."""

    id: int
    state: str
    receipt: ReceiptShown


Moment = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), le=datetime(2100, 1, 1, tzinfo=UTC))]
"""Outside of these years it is a slip, and its UTC may be no date at all."""


class Reporting(_Strict):
    """A status of Decision 28/2018."""

    code: str = Field(max_length=2, description="02, 03, 04, 05, 06, 15 or 16")
    description: str = Field("", max_length=2000)
    at: Moment | None = None


class Reported(BaseModel):
    """Whether a status was news."""

    id: int
    state: str = Field(description="counted, or noted when it says nothing new")
    progress: str
    recall: str


class ConnectionShown(BaseModel):
    """Whom the hub takes the caller for, and what it sees of the connection."""

    agency: Organ
    system: str
    scopes: list[str]
    now: datetime
    clock_off_s: int | None = Field(description="how far the Date header of this call is from `now`; null without one")
    waiting: int = Field(description="envelopes in the mailbox")
    held: bool = Field(description="the operator holds the mailbox for now")


class WebhookWanted(_Strict):
    """Where a system wants to be told."""

    url: str = Field(max_length=500, description="https, a public address")


class WebhookMade(BaseModel):
    """The secret is shown this once."""

    url: str
    secret: str = Field(description="key of the HMAC-SHA256 over `timestamp.body`")


class WebhookShown(BaseModel):
    """How the endpoint is doing."""

    url: str
    failures: int = Field(description="in a row")
    paused_until: datetime | None
    problem: str
    arrived_at: datetime | None


class UploadWanted(_Strict):
    """A file that is about to come."""

    size: int = Field(ge=1, le=BIGGEST)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class UploadShown(BaseModel):
    """How much of a file is here."""

    id: str
    size: int
    sha256: str
    offset: int = Field(description="where the next piece begins")
    piece: int = Field(description="the longest piece, in bytes")
    whole: bool


class DirectoryShown(BaseModel):
    """The signed directory; `jws` holds the agencies."""

    version: int
    made_at: datetime
    jws: str = Field(description="compact JWS, ES256, keys at /api/v1/keys")
