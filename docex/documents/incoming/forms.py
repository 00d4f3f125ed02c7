"""The desk's requests as commands. Forms only read; the verbs check."""

from collections.abc import Mapping
from typing import Any

from docex.documents.drafting.forms import number
from docex.documents.incoming.submission_sheets import Decision
from tasks.giving import Lead


def decision_of(form: Any) -> Decision:
    """The decision that the leader typed: `lead` is `p7` (a person) or `u3` (a unit)."""
    lead = str(form.get("lead", ""))
    which, chosen = lead[:1], number(lead[1:])
    return Decision(
        lead=Lead(unit_id=chosen) if which == "u" else Lead(person_id=chosen if which == "p" else 0),
        co_ids=numbers_of(form, "co_ids"),
        opinion=form.get("opinion", ""),
        due=form.get("due", ""),
    )


def numbers_of(form: Any, *names: str) -> tuple[int, ...]:
    """The ids that were ticked under any of `names`."""
    return tuple(number(text) for name in names for text in form.getlist(name))


def renamed(errors: Mapping[str, Any], **names: str) -> dict[str, Any]:
    """Errors under the names of the dialog they belong to, so that the right one opens again."""
    return {names.get(field, field): message for field, message in errors.items()}
