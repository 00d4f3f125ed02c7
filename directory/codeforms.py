"""The form in which a system is told agencies' codes: that of QĐ 20/2020, or the older one of QCVN 102:2016. Each
system has one form for all answers; what it sends may hold either.

An agency that has no code in the older form is told by the one that it has.
"""

from collections.abc import Iterable
from typing import Any, Protocol

from directory import queries
from directory.access import client_for
from directory.actor import Actor, chain_of
from directory.codes import Form
from kernel.db import Tx
from kernel.errors import Invalid, WrongState
from kernel.text import Phrase, phrase

FORMS: dict[Form, Phrase] = {
    Form.NEW: phrase("Mã theo Quyết định 20/2020/QĐ-TTg, ví dụ H29.15"),
    Form.OLD: phrase("Mã 13 ký tự theo QCVN 102:2016, ví dụ 000.00.15.H29"),
}
"""What an administrator chooses from; the first is what a system has that nobody asked."""


class _Coded(Protocol):
    @property
    def code(self) -> str:
        """The code of QĐ 20/2020."""
        raise NotImplementedError

    @property
    def old_code(self) -> str:
        """The older one, "" where there is none."""
        raise NotImplementedError


def code_of(agency: _Coded, form: str) -> str:
    """The agency's code in this form."""
    return agency.old_code if form == Form.OLD and agency.old_code else agency.code


def shown(tx: Tx, form: str, written: Iterable[str]) -> dict[str, str]:
    """Codes in this form, by the code as it was written; one that the directory does not know stays as it is. An agency
    that has gone into another keeps its own code."""
    given = set(written)
    named = queries.agencies_named(tx, given)
    return {code: code_of(named[code], form) if code in named else code for code in given}


def rewrite(tx: Tx, form: str, lines: list[dict[str, Any]], *members: str) -> list[dict[str, Any]]:
    """Lines of an answer with these members, which are codes, in this form."""
    told = shown(tx, form, (line[member] for line in lines for member in members))
    return [{**line, **{member: told[line[member]] for member in members}} for line in lines]


def form_of(tx: Tx, actor: Actor, client_id: int) -> str:
    """The form of a system that the actor administers."""
    return client_for(tx, actor, client_id).code_form


def set_form(tx: Tx, actor: Actor, client_id: int, form: str) -> None:
    """Tell a system codes in this form from now on."""
    client = client_for(tx, actor, client_id)
    if client.revoked_at is not None:
        raise WrongState(phrase("Hệ thống này đã bị thu hồi."))
    if form not in FORMS:
        raise Invalid({"code_form": phrase("Cần chọn một trong các dạng mã.")})
    client.code_form = form
    tx.audit(chain_of(client.agency_id), "directory.client_code_form_set", f"client:{client.id}", {"form": form})
