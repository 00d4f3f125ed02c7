"""Vietnamese text: phrases for people, NFC, folding, SMS segments and the order of the alphabet."""

import math
import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, Literal

from kernel import catalogue


@dataclass(frozen=True)
class Phrase:
    """A sentence for people that is translated at the edge.

    `msgid` is the Vietnamese sentence itself, with `str.format` fields; `params` fill them.
    """

    msgid: str
    params: dict[str, Any] = field(default_factory=dict, hash=False)

    def in_locale(self, locale: str) -> str:
        """The sentence in `vi` or `en`; a phrase without a translation stays Vietnamese."""
        filled = {k: v.in_locale(locale) if isinstance(v, Phrase) else v for k, v in self.params.items()}
        return (
            catalogue.translate(self.msgid, locale).format(**filled)
            if filled
            else catalogue.translate(self.msgid, locale)
        )

    @property
    def vi(self) -> str:
        """The Vietnamese sentence."""
        return self.in_locale("vi")

    @property
    def en(self) -> str:
        """The English sentence."""
        return self.in_locale("en")

    def is_ours(self, deep: int = 5) -> bool:
        """Whether the house says this, and its values fit: to be asked before a phrase of strangers is filled in, for a
        pattern can name a width of gigabytes, and phrases inside phrases can double with each level."""
        if not deep or not catalogue.knows(self.msgid):
            return False
        if not all(one.is_ours(deep - 1) for one in self.params.values() if isinstance(one, Phrase)):
            return False
        try:
            return all(isinstance(self.in_locale(locale), str) for locale in catalogue.LOCALES)
        except (LookupError, ValueError, TypeError, AttributeError):
            return False

    def to_json(self) -> dict[str, Any]:
        """The phrase as plain data, for rows; phrases may stand inside phrases."""
        params = {k: v.to_json() if isinstance(v, Phrase) else v for k, v in self.params.items()}
        return {"msgid": self.msgid, "params": params}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Phrase":
        """The inverse of `to_json`."""
        params = {k: cls.from_json(v) if isinstance(v, dict) else v for k, v in data["params"].items()}
        return cls(data["msgid"], params)

    def __str__(self) -> str:
        return self.vi


def phrase(msgid: str, /, **params: Any) -> Phrase:
    """Mark `msgid` for the catalogues and keep its parameters."""
    return Phrase(msgid, params)


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SORTED_QUICKLY = 1000
_MAX_MARKS = 30


def nfc(text: str) -> str:
    """The composed form, in which one Vietnamese letter is one character.

    In bounded time: composing sorts a letter's marks, which takes minutes for a letter with a million of them. No
    script has a letter with more than thirty (Unicode's stream-safe format); the rest of a longer run is dropped.
    """
    return unicodedata.normalize("NFC", _with_few_marks(text))


def _with_few_marks(text: str) -> str:
    if len(text) <= _SORTED_QUICKLY or text.isascii():
        return text
    return _long_runs().sub(lambda run: run[0][:_MAX_MARKS], text)


@cache
def _long_runs() -> re.Pattern[str]:
    """A run of combining marks that is too long."""
    marks = "".join(c for c in map(chr, range(0x300, 0x1E950)) if unicodedata.combining(c))
    return re.compile(f"[{marks}]{{{_MAX_MARKS + 1},}}")


def is_storable(text: str) -> bool:
    """Whether a column can hold it. JSON and JWT may name NUL, which PostgreSQL refuses, and half of a surrogate pair,
    which is no character."""
    return not _UNSTORABLE.search(text)


def header_text(value: str) -> str:
    """A header as its sender wrote it, without blanks around it: UTF-8, which WSGI hands over as if it were Latin-1;
    Latin-1 when it is no UTF-8."""
    raw = value.encode("latin-1", "replace")
    try:
        return raw.decode().strip(" \t")
    except UnicodeDecodeError:
        return value.strip(" \t")


def one_line(text: str) -> str:
    """What is typed into a one-line field, as it is kept: NFC, single blanks, control characters out (PostgreSQL takes
    no NUL)."""
    plain = "".join(" " if unicodedata.category(char) == "Cc" else char for char in nfc(text))
    return " ".join(plain.split())


_D = str.maketrans("đĐ", "dD")


def strip_marks(text: str) -> str:
    """Vietnamese without accents, case kept. NFD does not split đ, so it is mapped by hand."""
    decomposed = unicodedata.normalize("NFD", _with_few_marks(text).translate(_D))
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if not unicodedata.combining(c)))


def fold(text: str) -> str:
    """What search and comparison see: no accents, no case, single blanks."""
    return re.sub(r"\s+", " ", strip_marks(text).casefold()).strip()


# 3GPP TS 23.038 §6.2.1: the default alphabet and its extension table.
_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_EXTENDED = frozenset("\f^{}\\[~]|€")

_PLAIN = str.maketrans(
    {
        "“": '"',
        "”": '"',
        "‘": "'",
        "’": "'",
        "–": "-",
        "—": "-",
        "…": "...",
        "\u00a0": " ",
        "\u202f": " ",
        "•": "-",
    }
)


@dataclass(frozen=True)
class SmsSize:
    """How a text travels: its alphabet, its length in units and the segments that are paid for."""

    alphabet: Literal["gsm7", "ucs2"]
    units: int
    segments: int


def sms_text(text: str, *, keep_accents: bool = False) -> str:
    """The text as it is sent: NFC, typographic signs made plain, without accents unless asked."""
    plain = nfc(text).translate(_PLAIN)
    return plain if keep_accents else strip_marks(plain)


def sms_size(text: str) -> SmsSize:
    """Count a text as operators do: GSM-7 160/153 (extension characters cost two) or UCS-2 70/67."""
    if all(c in _GSM7 or c in _GSM7_EXTENDED for c in text):
        units = sum(2 if c in _GSM7_EXTENDED else 1 for c in text)
        return SmsSize("gsm7", units, _segments(units, 160, 153))
    units = len(text.encode("utf-16-be")) // 2
    return SmsSize("ucs2", units, _segments(units, 70, 67))


def _segments(units: int, single: int, joined: int) -> int:
    return 1 if units <= single else math.ceil(units / joined)


_LETTERS = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
# Vietnamese dictionaries order tones: level, grave, hook, tilde, acute, dot below.
_TONES = {"\u0300": 1, "\u0309": 2, "\u0303": 3, "\u0301": 4, "\u0323": 5}
_SHAPES = {"\u0306", "\u0302", "\u031b"}


@lru_cache(maxsize=8192)
def collation_key(text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Sort key in the order of the Vietnamese alphabet: letters first (đ after d, ă â after a), tones break ties."""
    letters: list[int] = []
    tones: list[int] = []
    for char in nfc(text).lower():
        base, tone = _letter_and_tone(char)
        place = _LETTERS.find(base)
        letters.append(place + 200 if place >= 0 else min(ord(base[0]), 199))
        tones.append(tone)
    return tuple(letters), tuple(tones)


@lru_cache(maxsize=1024)
def _letter_and_tone(char: str) -> tuple[str, int]:
    decomposed = unicodedata.normalize("NFD", char)
    tone = next((_TONES[c] for c in decomposed if c in _TONES), 0)
    base = "".join(c for c in decomposed if c not in _TONES)
    return nfc(base), tone


def phone_number(text: str) -> str | None:
    """A Vietnamese mobile number as +84…, or None. Accepts +84, 84 and 0 forms with blanks, dots and dashes,
    and the eleven-digit numbers from before 2018."""
    digits = re.sub(r"[\s.\-()]", "", text)
    match = re.fullmatch(r"(?:\+?84|0)(\d{9,10})", digits)
    if not match:
        return None
    rest = match.group(1)
    if len(rest) == 10:
        rest = _OLD_PREFIXES.get(rest[:3], "") + rest[3:]
    return f"+84{rest}" if re.fullmatch(r"[35789]\d{8}", rest) else None


def contact_number(text: str) -> str | None:
    """A Vietnamese number that somebody answers, as +84…, or None: a mobile one, a landline with its area code as of
    2017, or a service number (1800, 1900). An extension is kept as RFC 3966 writes it: `+842438251234;ext=12`."""
    number, _, extension = re.sub(
        r"(?i)\s*(?:;\s*ext=|máy lẻ|nội bộ|ext\.?|[,#])\s*", ";", nfc(text.strip())
    ).partition(";")
    digits = re.sub(r"[\s.\-()]", "", number)
    if extension and not re.fullmatch(r"[0-9]{1,6}", extension):
        return None
    tail = f";ext={extension}" if extension else ""
    if mobile := phone_number(digits):
        return mobile + tail
    if re.fullmatch(r"1[89]00[0-9]{4,6}", digits):
        return digits + tail
    landline = re.fullmatch(r"(?:\+?84|0)(2[0-9]{9})", digits)
    if landline is None or (landline[1][:2] not in {"24", "28"} and landline[1][:3] not in _AREAS):
        return None
    return f"+84{landline[1]}{tail}"


_AREAS = frozenset(
    (  # noqa: SIM905 - a list of numbers reads best as numbers
        "203 204 205 206 207 208 209 210 211 212 213 214 215 216 218 219 220 221 222 225 226 227 228 229 232 233 234 "
        "235 236 237 238 239 251 252 254 255 256 257 258 259 260 261 262 263 269 270 271 272 273 274 275 276 277 290 "
        "291 292 293 294 296 297 299"
    ).split()
)
"""Area codes of landlines beside 24 (Hà Nội) and 28 (Thành phố Hồ Chí Minh)."""

_OLD_PREFIXES = {
    "120": "70", "121": "79", "122": "77", "126": "76", "128": "78",
    "123": "83", "124": "84", "125": "85", "127": "81", "129": "82",
    "162": "32", "163": "33", "164": "34", "165": "35", "166": "36", "167": "37", "168": "38", "169": "39",
    "186": "56", "188": "58", "199": "59",
}  # fmt: skip
