"""How agencies and people are named elsewhere, and where their pages are."""

from directory.models import Agency, Person
from kernel.db import Tx
from kernel.refs import Described, describes


@describes("agency")
def agency(tx: Tx, agency_id: int) -> Described | None:
    """An agency by its name; the page is for administrators."""
    row = tx.session.get(Agency, agency_id)
    return Described(row.name, f"/admin/agencies/{row.id}") if row else None


@describes("person")
def person(tx: Tx, person_id: int) -> Described | None:
    """A person by name; the page is for administrators."""
    row = tx.session.get(Person, person_id)
    return Described(row.name, f"/admin/people/{row.id}") if row else None
