"""Tables of the directory: agencies, people, roles, and the credentials with which they come in."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from directory.actor import Role
from kernel.db import Base, JsonList

__all__ = [
    "Agency",
    "AgencyAlias",
    "ApiClient",
    "ApiToken",
    "ExternalIdentity",
    "Membership",
    "Person",
    "RecoveryCode",
    "Role",
    "RoleGrant",
    "SignInAttempt",
    "Unit",
    "WebSession",
]


class Agency(Base):
    """A sending and receiving body. Codes are kept in upper case; an old one stays after a merger, because it
    stands in old documents."""

    __tablename__ = "agency"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)  # QĐ 20/2020/QĐ-TTg, `H29.01`
    old_code: Mapped[str] = mapped_column(default="", index=True)  # QCVN 102:2016, `000.00.01.H29`
    name: Mapped[str]
    short_name: Mapped[str] = mapped_column(default="")  # as in notations: `UBND`, `STC`
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("agency.id"), index=True)
    place: Mapped[str] = mapped_column(default="")  # place of issue
    is_local: Mapped[bool] = mapped_column(default=False)  # served by this instance
    email: Mapped[str] = mapped_column(default="")
    phone: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")
    valid_from_on: Mapped[date | None]
    valid_until_on: Mapped[date | None]  # last day of existence
    merged_into_id: Mapped[int | None] = mapped_column(sa.ForeignKey("agency.id"), index=True)
    rev: Mapped[int] = mapped_column(default=1)


class AgencyAlias(Base):
    """Another code under which papers for an agency still arrive."""

    __tablename__ = "agency_alias"
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"), index=True)
    code: Mapped[str] = mapped_column(unique=True)


class Unit(Base):
    """A part of an agency: phòng, ban, tổ."""

    __tablename__ = "unit"
    __table_args__ = (sa.UniqueConstraint("agency_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"))
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("unit.id"), index=True)
    name: Mapped[str]
    short_name: Mapped[str] = mapped_column(default="")


class Person(Base):
    """Somebody who signs in or is invited. `email` is in lower case and is the sign-in name."""

    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str] = mapped_column(unique=True)
    phone: Mapped[str] = mapped_column(default="")  # `+84…`
    locale: Mapped[str] = mapped_column(default="vi")
    password_hash: Mapped[str] = mapped_column(default="")  # argon2id; "" has no password
    password_changed_at: Mapped[datetime | None]
    password_is_temporary: Mapped[bool] = mapped_column(default=False)  # given by an administrator
    totp_secret: Mapped[str] = mapped_column(default="")  # sealed (directory.secondstep); "" is off
    totp_step: Mapped[int] = mapped_column(default=0)  # last step used: a code works once
    is_active: Mapped[bool] = mapped_column(default=True)
    rev: Mapped[int] = mapped_column(default=1)


class Membership(Base):
    """A person's place in an agency; the primary one is where a sign-in starts."""

    __tablename__ = "membership"
    __table_args__ = (sa.UniqueConstraint("person_id", "agency_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"), index=True)
    unit_id: Mapped[int | None] = mapped_column(sa.ForeignKey("unit.id"), index=True)
    title: Mapped[str] = mapped_column(default="")  # chức vụ, "Phó Chánh Văn phòng"
    is_primary: Mapped[bool] = mapped_column(default=True)


class RoleGrant(Base):
    """A role of a person within one agency."""

    __tablename__ = "role_grant"
    __table_args__ = (
        sa.UniqueConstraint("person_id", "agency_id", "role"),
        sa.Index("ix_role_grant_agency_id_role", "agency_id", "role"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"))
    role: Mapped[str]


class WebSession(Base):
    """A sign-in in one browser. The browser holds the token, the row its SHA-256.

    `waits_for` names the step that is still missing after a right password (`totp`, `new_password`); until it
    is done the session passes no endpoint.
    """

    __tablename__ = "web_session"
    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), index=True)
    agency_id: Mapped[int | None] = mapped_column(sa.ForeignKey("agency.id"))
    waits_for: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")
    browser: Mapped[str] = mapped_column(default="")
    began_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SignInAttempt(Base):
    """A failed sign-in, counted by name (hidden: directory.attempts) and by address."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = (
        sa.Index("ix_sign_in_attempt_name_at", "name", "at"),
        sa.Index("ix_sign_in_attempt_address_at", "address", "at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    address: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)


class RecoveryCode(Base):
    """A code for the day when the phone with the authenticator is lost; works once."""

    __tablename__ = "recovery_code"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), index=True)
    code_hash: Mapped[str]
    used_at: Mapped[datetime | None]


class ExternalIdentity(Base):
    """A person as an OpenID Connect issuer knows them."""

    __tablename__ = "external_identity"
    __table_args__ = (sa.UniqueConstraint("issuer", "subject"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    issuer: Mapped[str]
    subject: Mapped[str]
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), index=True)


class ApiClient(Base):
    """An agency's system. It proves itself in one of three ways: by its secret, by assertions (RFC 7523) signed with a
    key of `public_key` (a JWK set), or by the certificate of that SHA-256. Its contact is whom to call about it."""

    __tablename__ = "api_client"
    id: Mapped[int] = mapped_column(primary_key=True)
    agency_id: Mapped[int] = mapped_column(sa.ForeignKey("agency.id"), index=True)
    client_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    secret_hash: Mapped[str] = mapped_column(default="")
    public_key: Mapped[str] = mapped_column(default="")
    certificate_sha256: Mapped[str] = mapped_column(default="", server_default="")
    certificate_until: Mapped[datetime | None]
    contact_email: Mapped[str] = mapped_column(default="", server_default="")
    contact_phone: Mapped[str] = mapped_column(default="", server_default="")  # `+84…`
    code_form: Mapped[str] = mapped_column(default="new", server_default="new")  # directory/codes.py, Form
    scopes: Mapped[JsonList]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class ApiToken(Base):
    """A short-lived access token of a client; the row holds its SHA-256. One that was given for a certificate is
    good only together with it (RFC 8705)."""

    __tablename__ = "api_token"
    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    client_id: Mapped[int] = mapped_column(sa.ForeignKey("api_client.id"), index=True)
    certificate_sha256: Mapped[str] = mapped_column(default="", server_default="")
    scopes: Mapped[JsonList]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ApiAssertion(Base):
    """An assertion that was used, by the SHA-256 of its `jti`; kept until it would have expired by itself."""

    __tablename__ = "api_assertion"
    __table_args__ = (sa.UniqueConstraint("client_id", "name_hash"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[int] = mapped_column(sa.ForeignKey("api_client.id"))
    name_hash: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column(index=True)
