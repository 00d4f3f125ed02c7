"""What the operations of the evidence log take and answer, for the entry and for the OpenAPI document."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from signing.log.evidence_log import Kind

BIGGEST = 2**63 - 1


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Head(BaseModel):
    """A signed state of the log."""

    size: int = Field(description="how many leaves it stands for")
    root: str = Field(description="root of the Merkle tree (RFC 6962, SHA-256), hex")
    at: datetime
    jws: str = Field(description="compact JWS, ES256, keys at /api/v1/keys")


class HeadShown(Head):
    """The same with its time-stamp."""

    time_stamp: str | None = Field(description="RFC 3161 token over the bytes of `jws`, DER in Base64, or null")
    stamped_at: datetime | None


class ProofAsked(_Strict):
    """Which fact is meant, and under which head."""

    kind: Kind
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    size: int = Field(0, ge=0, le=BIGGEST, description="of a head; 0 for the newest")


class ProofShown(BaseModel):
    """How a leaf leads to the root of a head."""

    leaf: str = Field(description="the leaf's bytes as text: compact JSON with `at`, `kind` and `sha256`")
    number: int = Field(description="the leaf's place, from 0")
    size: int = Field(description="of the head whose root the path leads to")
    path: list[str] = Field(description="hashes from the leaf upwards, hex")


class ConsistencyAsked(_Strict):
    """The two sizes."""

    first: int = Field(ge=1, le=BIGGEST)
    second: int = Field(ge=1, le=BIGGEST)


class ConsistencyShown(BaseModel):
    """How the older root is part of the newer."""

    first: int
    second: int
    path: list[str] = Field(description="hashes, hex")
