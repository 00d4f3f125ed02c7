"""A form on the page of a document that was refused: the page comes back with what was typed.

Somebody else may have acted meanwhile. Then the form may be gone from the page, and its words are shown to be copied.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from docex.documents.incoming.forms import renamed
from kernel.db import Tx
from kernel.errors import Invalid, Stale, WrongState
from kernel.text import Phrase


@dataclass(frozen=True)
class Form:
    """Which form was sent: the field under which it shows an error, the acts with which it stands on the page (one of
    them is enough), and the words that were typed into it."""

    field: str
    acts: frozenset[str]
    words: str


@dataclass(frozen=True)
class Refused:
    """Why a form was refused, by field."""

    form: Form
    errors: dict[str, Phrase]
    status: int

    @property
    def message(self) -> Phrase:
        """The first of the reasons, for a page without the form."""
        return next(iter(self.errors.values()))


def refusal_of(tx: Tx, form: Form, act: Callable[[], Any], names: Mapping[str, str]) -> Refused | None:
    """Do what a form asks for; answers why not. `names` are the fields that the page calls otherwise."""
    try:
        with tx.attempt():  # the page that comes back must show nothing of what was begun
            act()
    except Invalid as error:
        return Refused(form, renamed(error.fields, **names), error.status)
    except (WrongState, Stale) as error:
        return Refused(form, {form.field: error.message}, error.status)
    return None


def shown_again(refused: Refused | None, acts: frozenset[str], typed: Any) -> dict[str, Any]:
    """For the page: `errors` and `typed` of the form that opens again, or `lost`: what has no form there any more."""
    if refused is None:
        return {"errors": {}, "typed": {}, "lost": None}
    if not acts & refused.form.acts:
        return {"errors": {}, "typed": {}, "lost": refused}
    return {"errors": refused.errors, "typed": typed, "lost": None}
