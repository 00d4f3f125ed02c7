"""The message catalogues. The source language is Vietnamese; `translations/en/*.po` holds the English.

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


def knows(msgid: str) -> bool:
    """Whether this is a sentence of ours. What was compiled before the newest sentences is no reason to refuse them."""
    try:
        _strict().gettext(msgid)
    except KeyError:
        return msgid in _listed()
    return True


def compile_catalogues() -> int:
    """Merge the packages' .po files into the one catalogue that gettext reads. Answers with the number of messages."""
    merged = Catalog(locale="en")
    for message in _messages():
        if message.string:
            merged.add(message.id, message.string, context=message.context)
    target = TRANSLATIONS / "en" / "LC_MESSAGES" / "messages.mo"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        write_mo(file, merged)
    _translations.cache_clear()
    _strict.cache_clear()
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
    return frozenset(str(message.id) for message in _messages())


def _messages() -> Iterator[Message]:
    for path in sorted((TRANSLATIONS / "en").glob("*.po")):
        with path.open("rb") as file:
            yield from (message for message in read_po(file, locale="en") if message.id)
