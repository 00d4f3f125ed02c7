"""The message catalogues. The source language is Vietnamese; `translations/en/*.po` holds the English.

Workers write mail and SMS without Flask, so translation lives here and not in a request.
"""

import gettext
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

TRANSLATIONS = Path(__file__).resolve().parent.parent / "translations"
LOCALES = ("vi", "en")


def translate(msgid: str, locale: str) -> str:
    """The sentence in `locale`, or as it is when no translation is there."""
    return _translations(locale).gettext(msgid) if locale != "vi" else msgid


def compile_catalogues() -> int:
    """Merge the packages' .po files into the one catalogue that gettext reads. Answers with the number of messages."""
    merged = Catalog(locale="en")
    for path in sorted((TRANSLATIONS / "en").glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale="en"):
                if message.id and message.string:
                    merged.add(message.id, message.string, context=message.context)
    target = TRANSLATIONS / "en" / "LC_MESSAGES" / "messages.mo"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        write_mo(file, merged)
    _translations.cache_clear()
    return len(merged)


@cache
def _translations(locale: str) -> gettext.NullTranslations:
    return gettext.translation("messages", str(TRANSLATIONS), [locale], fallback=True)
