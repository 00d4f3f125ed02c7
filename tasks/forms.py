"""The form of a new task, read into a command; the verbs check it."""

import hashlib
import json
from collections.abc import Iterable

from wtforms import Form, HiddenField, RadioField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from directory import queries
from directory.actor import Actor
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid
from kernel.forms import Needed, fresh_number
from kernel.text import phrase
from tasks import deadlines
from tasks.giving import GIVERS, GiveTask, Lead
from tasks.models import Priority
from tasks.queries import PRIORITY_LABELS

_PEOPLE, _AGENCIES = phrase("Người"), phrase("Cơ quan, đơn vị")


class GiveForm(Form):  # type: ignore[misc]
    """What, who, until when. A lead is `p7` (person) or `a3` (agency)."""

    command_id = HiddenField(default=fresh_number)
    title = TextAreaField(phrase("Việc cần làm"), [Needed()], render_kw={"rows": 2, "maxlength": 500})
    lead = SelectField(phrase("Chủ trì"), [Needed()], choices=[], validate_choice=False)
    co_workers = SelectMultipleField(phrase("Phối hợp"), choices=[], validate_choice=False)
    followers = SelectMultipleField(phrase("Theo dõi"), choices=[], validate_choice=False)
    deadline = StringField(phrase("Hạn hoàn thành"))
    priority = RadioField(
        phrase("Độ khẩn"),
        choices=[SelectChoice(str(p), label) for p, label in PRIORITY_LABELS.items()],
        default=str(Priority.NORMAL),
        validate_choice=False,
    )
    detail = TextAreaField(phrase("Nội dung chi tiết"), render_kw={"rows": 4, "maxlength": 10_000})

    def offer(self, tx: Tx, actor: Actor) -> "GiveForm":
        """Fill in who can be chosen: everybody for those who give tasks, else only oneself."""
        people = queries.people_for_choice(tx)
        named = [
            (card.id, f"{card.name} ({', '.join(x for x in (card.title, card.agency_name) if x)})") for card in people
        ]
        if not actor.has(*GIVERS):
            named = [(number, name) for number, name in named if number == actor.person_id]
        leads = [SelectChoice("", phrase("Chọn người hoặc đơn vị"))]
        leads += [SelectChoice(f"p{number}", name, optgroup=_PEOPLE) for number, name in named]
        if actor.has(*GIVERS):
            agencies = [card for card in queries.agencies_for_choice(tx) if card.is_local]
            leads += [SelectChoice(f"a{card.id}", card.name, optgroup=_AGENCIES) for card in agencies]
        self.lead.choices = leads
        self.co_workers.choices = self.followers.choices = [SelectChoice(str(number), name) for number, name in named]
        return self

    def command(self, actor: Actor) -> GiveTask:
        """The command, which gives one task however often the same form is sent. Invalid names `deadline` or
        `priority`, the rest is judged by the verb."""
        deadline = deadlines.read(str(self.deadline.data or ""), clock.now())
        try:
            priority = Priority(str(self.priority.data))
        except ValueError:
            raise Invalid({"priority": phrase("Xin chọn độ khẩn.")}) from None
        return GiveTask(
            title=str(self.title.data or ""),
            lead=lead_of(str(self.lead.data or "")),
            deadline_at=deadline.at if deadline else None,
            deadline_rule=deadline.rule if deadline else "",
            detail=str(self.detail.data or ""),
            priority=priority,
            co_workers=numbers(self.co_workers.data or []),
            followers=numbers(self.followers.data or []),
            once=self._once(actor),
        )

    def _once(self, actor: Actor) -> str:
        """One person's one form with its words: who goes back and writes something else gives another task."""
        if not self.command_id.data:
            return ""
        sent = json.dumps(self.data, sort_keys=True)
        return f"form:{actor.person_id}:{hashlib.sha256(sent.encode()).hexdigest()}"


def lead_of(text: str) -> Lead:
    """`p7` or `a3` as a lead; anything else names nobody, which the verb refuses."""
    found = numbers([text[1:]])
    if text[:1] == "p" and found:
        return Lead(person_id=found[0])
    return Lead(agency_id=found[0]) if text[:1] == "a" and found else Lead()


def numbers(texts: Iterable[str]) -> tuple[int, ...]:
    """The ids among what was sent."""
    return tuple(int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) < 18)
