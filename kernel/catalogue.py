"""The message catalogues. The source language is Vietnamese; `translations/en/*.po` holds the English. The other way
round are descriptions of the API, which are docstrings: `translations/vi/*.po` holds the Vietnamese of these.

Workers write mail and SMS without Flask, so translation lives here and not in a request.
"""

import gettext
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

TRANSLATIONS = Path(__file__).resolve().parent.parent / "translations"
LOCALES = ("vi", "en")


def translate(msgid: str, locale: str) -> str:
    """The sentence in `locale`, or as it is when no translation is there."""
    return _translations(locale).gettext(msgid) if locale != "vi" else msgid


def in_vietnamese(english: str) -> str:
    """The Vietnamese of a description that the code holds in English; as it is when there is none."""
    return _translations("vi").gettext(english)


def knows(msgid: str) -> bool:
    """Whether this is a sentence of ours. What was compiled before the newest sentences is no reason to refuse them."""
    try:
        _strict().gettext(msgid)
    except KeyError:
        return msgid in _listed()
    return True


def compile_catalogues() -> int:
    """Merge each language's .po files into the catalogue that gettext reads. Answers with the number of messages."""
    count = sum(_compile(locale) for locale in LOCALES)
    _translations.cache_clear()
    _strict.cache_clear()
    return count


def _compile(locale: str) -> int:
    merged = Catalog(locale=locale)
    for message in messages(locale):
        if message.string:
            merged.add(message.id, message.string, context=message.context)
    target = TRANSLATIONS / locale / "LC_MESSAGES" / "messages.mo"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        write_mo(file, merged)
    return len(merged)


@cache
def _translations(locale: str) -> gettext.NullTranslations:
    return gettext.translation("messages", str(TRANSLATIONS), [locale], fallback=True)


@cache
def _strict() -> gettext.NullTranslations:
    try:
        found = gettext.translation("messages", str(TRANSLATIONS), ["en"])
    except FileNotFoundError:
        return _Unknown()
    found.add_fallback(_Unknown())
    return found


class _Unknown(gettext.NullTranslations):
    """Is asked for what no catalogue has."""

    def gettext(self, message: str) -> str:
        raise KeyError(message)


@cache
def _listed() -> frozenset[str]:
    return frozenset(str(message.id) for message in messages("en"))


def messages(locale: str) -> Iterator[Message]:
    """What the .po files of `locale` hold."""
    for path in sorted((TRANSLATIONS / locale).glob("*.po")):
        with path.open("rb") as file:
            yield from (message for message in read_po(file, locale=locale) if message.id)
