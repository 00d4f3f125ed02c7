"""Partners that are reached by e-mail: kept by the administrators, looked up by the SMTP listener and the worker."""

from dataclasses import dataclass

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import rsa

from directory import queries as directory
from directory.actor import Actor, Role, require
from docex.exchange.mail import smime
from docex.exchange.mail.addresses import plain_address
from docex.exchange.mail.models import MailPartner
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid
from kernel.refs import Ref
from kernel.text import Phrase, phrase


@dataclass(frozen=True)
class Terms:
    """How an agency is reached. `certificate` is PEM; without one its letters are taken unsigned, and say so."""

    address: str
    certificate: str = ""
    encrypts: bool = False
    max_bytes: int = 0
    is_active: bool = True


def keep(tx: Tx, actor: Actor, agency_id: int, terms: Terms) -> MailPartner:
    """Agree with an agency on e-mail, or change what was agreed; Invalid names every wrong field."""
    require(actor, Role.ADMIN)
    address = plain_address(terms.address)
    _check(tx, agency_id, address, terms)
    row = tx.session.scalar(sa.select(MailPartner).where(MailPartner.agency_id == agency_id).with_for_update())
    if row is None:
        row = MailPartner(agency_id=agency_id)
        tx.session.add(row)
    row.address, row.certificate, row.encrypts = address, terms.certificate.strip(), terms.encrypts
    row.max_bytes, row.is_active, row.changed_at = terms.max_bytes, terms.is_active, clock.now()
    tx.session.flush()
    detail = {"address": address, "signed": bool(row.certificate), "encrypts": row.encrypts, "active": row.is_active}
    tx.audit("system", "mail.partner", Ref("agency", agency_id), detail)
    return row


def partner_of(tx: Tx, agency_id: int) -> MailPartner | None:
    """How this agency is reached by e-mail, if it is."""
    query = sa.select(MailPartner).where(MailPartner.agency_id == agency_id, MailPartner.is_active)
    return tx.session.scalar(query)


def partner_at(tx: Tx, address: str) -> MailPartner | None:
    """The partner who writes from this address."""
    query = sa.select(MailPartner).where(MailPartner.address == address.strip().lower(), MailPartner.is_active)
    return tx.session.scalar(query)


def _check(tx: Tx, agency_id: int, address: str, terms: Terms) -> None:
    wrong: dict[str, Phrase] = {}
    if directory.agency(tx, agency_id).is_local:
        wrong["agency_id"] = phrase("Cơ quan này dùng hệ thống ngay tại đây, không cần trao đổi qua thư điện tử.")
    if not address:
        wrong["address"] = phrase("Địa chỉ thư điện tử chưa đúng.")
    other = tx.session.scalar(
        sa.select(MailPartner.id).where(MailPartner.address == address, MailPartner.agency_id != agency_id)
    )
    if other is not None:
        wrong["address"] = phrase("Địa chỉ này đã là của một cơ quan khác.")
    if terms.max_bytes < 0:
        wrong["max_bytes"] = phrase("Cỡ thư tối đa không được âm.")
    if terms.encrypts and not terms.certificate.strip():
        wrong["certificate"] = phrase("Muốn mã hoá thư thì cần chứng thư của nơi nhận.")
    if terms.certificate.strip():
        try:
            key = smime.read_certificate(terms.certificate).public_key()
        except Invalid as error:
            wrong.update(error.fields)
        else:
            if terms.encrypts and not isinstance(key, rsa.RSAPublicKey):
                wrong["certificate"] = phrase("Chỉ mã hoá được thư cho chứng thư có khoá RSA.")
    if wrong:
        raise Invalid(wrong)
