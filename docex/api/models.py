"""The API's answers about envelopes, as models: the OpenAPI document is made of them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field


class AddressedAgency(BaseModel):
    """A receiver as it was addressed."""

    code: str
    name: str
    forwarded_to: str | None = Field(description="code of the successor, when the addressed agency was merged")


class InBothLanguages(BaseModel):
    """A sentence in Vietnamese and in English."""

    vi: str
    en: str


class Notice(BaseModel):
    """Something in a message that was taken in was odd, or could not be followed (docs/edxml.md)."""

    code: str = Field(
        description="docs/edxml.md has those of odd files; `added_not_addressed`, `never_sent`; more may come"
    )
    message: InBothLanguages
    codes: list[str] = Field(description="of the agencies that it is about, as they were sent")


class HandedIn(BaseModel):
    """An envelope or a status message that was taken in; the same message again gets this very answer."""

    id: int = Field(description="of the envelope; ask GET /api/v1/documents/{dispatch_id} with it")
    state: str = Field(
        description="`submitted`; for a status message `counted`, or `noted` when it says nothing new",
        pattern="^(submitted|counted|noted)$",
    )
    message_id: str
    sha256: str = Field(description="of the bytes that came", pattern="^[0-9a-f]{64}$")
    size: int = Field(ge=0)
    received_at: datetime
    document_id: str | None = Field(None, description="not for a status message")
    receivers: list[AddressedAgency] | None = Field(None, description="not for a status message")
    receipt: dict[str, Any] | None = Field(None, description="signed evidence that the hub took the envelope in")
    notes: list[Notice] = Field(
        default=[],
        description="what its sender should mend, and what could not be followed; it was taken in all the same",
    )
    repaired: str | None = Field(
        None, description="SHA-256 of the copy that VXP systems get, when they could not read the file as it came"
    )
    resends: int | None = Field(
        None, description="the `id` of the sending of the same bytes before this one, which its receipt names, too"
    )
    status_id: int | None = Field(None, description="only for a status message")


class Verdict(StrEnum):
    """What became of the signatures of an envelope's papers."""

    PENDING = "pending"
    VALID = "valid"
    UNCLEAR = "unclear"
    INVALID = "invalid"
    NONE = "none"


class DeliveryState(BaseModel):
    """How far an envelope has come at one recipient."""

    code: str
    name: str
    state: str = Field(
        description="`submitted`, `available`, `retrieved`, `expired` or a code of Decision 28/2018 (01…06)"
    )
    recall: str | None = Field(description="13 asked, 15 agreed, 16 refused")
    reason: str = Field(description="why it was refused or what its status said")
    changed_at: datetime


class DocumentStatus(BaseModel):
    """How far an envelope has come; a recipient sees only itself in `deliveries`."""

    id: int
    message_id: str
    document_id: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    size: int
    received_at: datetime
    verdict: Verdict
    deliveries: list[DeliveryState]
