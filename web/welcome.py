"""What a person sees when the demo city is up: the address, the password, who can sign in.

Imports little, so that a second start says it at once.
"""

import sqlalchemy as sa

from directory.demo import CITY_OFFICE, PASSWORD, email_of
from directory.models import Agency, Membership, Person
from kernel import clock
from kernel.config import Config
from kernel.db import Database

SHOWN = ("ha", "binh", "lan", "thu", "nam", "son", "quantri")


def is_founded(config: Config) -> bool:
    """Whether the demo city stands, with the keys of its test authority."""
    db = Database(config.sql_url)
    try:
        with db.read() as tx:
            city = tx.session.scalar(sa.select(Agency.id).where(Agency.code == CITY_OFFICE))
    finally:
        db.close()
    return city is not None and config.pki_dir.is_dir() and config.trust_folder.is_dir()


def words(config: Config) -> str:
    """The address and the people, one a line."""
    emails = [email_of(mailbox) for mailbox in SHOWN]
    rows = (
        sa.select(Person.email, Person.name, Membership.title, Agency.name)
        .join(Membership, Membership.person_id == Person.id)
        .join(Agency, Agency.id == Membership.agency_id)
        .where(Person.email.in_(emails))
    )
    db = Database(config.sql_url)
    try:
        with db.read() as tx:
            found = {email: rest for email, *rest in tx.session.execute(rows)}
    finally:
        db.close()
    lines = [f"{config.base_url}   ({clock.today():%d/%m/%Y})", f"Mật khẩu chung / password of all: {PASSWORD}"]
    lines += [f"  {email:22} {', '.join(found[email])}" for email in emails if email in found]
    return "\n".join(lines)
