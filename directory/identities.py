"""Whom an issuer of identities vouches for, as one of our people."""

import sqlalchemy as sa

from directory.actor import chain_of
from directory.models import ExternalIdentity, Person
from directory.oidc import Identity
from directory.queries import actor_of, email_form
from directory.signin import Refused, SignedIn, Visit, enter
from kernel.db import Tx
from kernel.text import phrase


def sign_in_as(tx: Tx, identity: Identity, visit: Visit) -> SignedIn | Refused:
    """Open a session for the person behind an identity.

    The first time, the identity is linked to the person with the same address, if the issuer has verified it;
    afterwards the issuer's own subject counts, so that a changed address changes nothing.
    """
    row = tx.session.scalar(
        sa.select(ExternalIdentity).where(
            ExternalIdentity.issuer == identity.issuer, ExternalIdentity.subject == identity.subject
        )
    )
    person = tx.session.get(Person, row.person_id) if row else _by_email(tx, identity)
    if person is None or not person.is_active:
        hint = phrase("Chưa có tài khoản đang hoạt động nào gắn với danh tính này. Xin liên hệ quản trị viên.")
        return Refused(hint)
    if row is None:
        tx.session.add(ExternalIdentity(issuer=identity.issuer, subject=identity.subject, person_id=person.id))
        actor = actor_of(tx, person.id)
        chain = chain_of(actor.agency_id if actor else None)
        tx.audit(chain, "directory.identity_linked", f"person:{person.id}", {"issuer": identity.issuer})
    return enter(tx, person, visit)


def _by_email(tx: Tx, identity: Identity) -> Person | None:
    if not identity.email:
        return None
    return tx.session.scalar(sa.select(Person).where(Person.email == email_form(identity.email)))
