"""What the directory's forms are made of: choices that the verbs judge, days kept as typed, and who saved first."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from wtforms import DateField, Form, SelectField, SelectMultipleField
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import CheckboxInput

from kernel.errors import Invalid, Stale
from kernel.forms import Needed, whole_number
from kernel.text import Phrase, phrase

Choices = Iterable[tuple[str, Phrase | str]]


class DirectoryForm(Form):  # type: ignore[misc]
    """Choices are judged by the verbs, so that a form never speaks a language of its own."""

    def number(self, name: str) -> int:
        """The id chosen in a field; 0 when there is none."""
        return whole_number(self[name].data)

    def overtaken(self, by: Stale) -> dict[str, Phrase]:
        """Somebody else saved first: what stands now beside each field in which something else was typed. Saving once
        more decides for what was typed, so the form goes on from the revision that was shown."""
        typed, self["rev"].data = dict(self.data), by.current["rev"]
        said = {"": by.message}
        for name, value in by.current.items():
            if name in typed and name != "rev" and _shown(typed[name]) != _shown(value):
                said[name] = phrase("Đang lưu: {value}", value=self._named(name, value))
        return said

    def _named(self, name: str, value: Any) -> Phrase | str:
        """A stored value as the form shows it."""
        if isinstance(value, bool):
            return phrase("Có") if value else phrase("Không")
        labels = {one.value: one.label for one in getattr(self[name], "choices", None) or ()}
        return labels.get(_shown(value), _shown(value)) or phrase("(trống)")


def _shown(value: Any) -> str:
    return "" if value is None else str(value)


class Choice(SelectField):  # type: ignore[misc]
    """One of several; which ones, the view offers."""

    def __init__(self, label: Phrase, marks: Sequence[Needed] = (), **rest: Any) -> None:
        super().__init__(label, marks, choices=[], validate_choice=False, **rest)


class Checks(SelectMultipleField):  # type: ignore[misc]
    """Some of several, as boxes to tick."""

    option_widget = CheckboxInput()

    def __init__(self, label: Phrase, marks: Sequence[Needed] = (), **rest: Any) -> None:
        super().__init__(label, marks, choices=[], validate_choice=False, **rest)


class Day(DateField):  # type: ignore[misc]
    """A date; what cannot be read is kept as typed and named."""

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata([text for text in valuelist if text.strip()])
        except ValueError:
            raise ValueError(phrase("Ngày chưa đúng, ví dụ 01/07/2025.")) from None


def offered(choices: Choices) -> list[SelectChoice]:
    """Choices as a field takes them."""
    return [SelectChoice(value, label) for value, label in choices]


def must_be_readable(form: DirectoryForm, *names: str) -> None:
    """Invalid when one of these fields holds what cannot be read."""
    form.validate()
    problems = {name: form[name].errors[0] for name in names if form[name].errors}
    if problems:
        raise Invalid(problems)


def day_of(form: DirectoryForm, name: str) -> date:
    """The day of a field; Invalid when it is missing."""
    must_be_readable(form, name)
    chosen: date | None = form[name].data
    if chosen is None:
        raise Invalid({name: phrase("Cần chọn ngày.")})
    return chosen
