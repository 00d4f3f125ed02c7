"""Messages from templates. Strict: a template that asks for what its kind does not give is an error, not a hole."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from kernel import catalogue
from kernel.text import Phrase, nfc
from notify import addresses, wording
from notify.kinds import Kind

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"


@dataclass(frozen=True)
class Words:
    """The text of a message for one channel; subject and html are empty for SMS."""

    subject: str
    text: str
    html: str


def mail_words(kind: Kind, recipient_name: str, locale: str) -> Words:
    """Subject, text and HTML of an e-mail in the recipient's language."""
    context = {**kind.context(), "recipient_name": recipient_name}
    subject, text, html = (
        nfc(_environment(locale).get_template(f"mail/{kind.name}/{part}").render(context))
        for part in ("subject.txt", "body.txt", "body.html")
    )
    return Words(" ".join(subject.split()), text.strip() + "\n", html)


def sms_words(kind: Kind, recipient_name: str, locale: str) -> Words:
    """The text of an SMS on one line, with its accents; the channel folds it."""
    context = {**kind.context(), "recipient_name": recipient_name}
    text = _environment(locale).get_template(f"sms/{kind.name}.txt").render(context)
    line = " ".join(nfc(text).split())
    return Words("", line.replace("....", "..."), "")  # a shortened title before a full stop


@cache
def _environment(locale: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=select_autoescape(["html"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def gettext(msgid: str, **params: Any) -> str:
        text = catalogue.translate(msgid, locale)
        return text % params if params else text

    def say(value: Any) -> Any:
        return value.in_locale(locale) if isinstance(value, Phrase) else value

    def moment(at: datetime) -> str:
        return wording.full_moment(at, locale)

    def hours(start: datetime, end: datetime | None) -> str:
        return wording.span(start, end, locale)

    environment.globals.update({"_": gettext, "hours": hours, "locale": locale})
    environment.filters.update(
        say=say,
        moment=moment,
        short_moment=wording.short_moment,
        hour=wording.hour,
        brief=wording.brief,
        address=addresses.place_of,
    )
    return environment
