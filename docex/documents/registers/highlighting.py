"""Where the words of a search stand in a text, and the piece of it that shows them. Pure."""

import re
import unicodedata
from dataclasses import dataclass

from kernel.text import fold, nfc

BEFORE, AFTER = 60, 180

_BASE = {
    ord(c): unicodedata.normalize("NFD", c)[0].lower()
    for n in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00))
    if not unicodedata.category(c := chr(n)).startswith("M")
}
_BASE |= {ord("đ"): "d", ord("Đ"): "d"} | {n: chr(n).lower() for n in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True)
class Piece:
    """A stretch of text, and whether it is one of the words looked for."""

    text: str
    marked: bool


def words_of(query: str) -> tuple[str, ...]:
    """The words of a query, as typed, in lower case."""
    return tuple(dict.fromkeys(word.casefold() for word in re.findall(r"[^\W_]+", nfc(query))))


def pieces(text: str, words: tuple[str, ...]) -> tuple[Piece, ...]:
    """The whole of a short text, cut where the words stand."""
    return _cut(text, _spans(text, words))


def snippet(text: str, words: tuple[str, ...]) -> tuple[Piece, ...]:
    """A line or two around the place where most of the words stand closest together; nothing when none stands."""
    spans = _spans(text, words)
    if not spans:
        return ()
    first, after = _densest(text, spans)
    begin, end = max(0, first - BEFORE), min(len(text), first + AFTER)
    if begin:
        begin = text.find(" ", begin, first) + 1 or first
    if end < len(text):
        end = text.rfind(" ", first, end)
        end = end if end > after else min(len(text), first + AFTER)
    shown = [(a - begin, b - begin) for a, b in spans if a >= begin and b <= end]
    found = [Piece(re.sub(r"\s+", " ", p.text), p.marked) for p in _cut(text[begin:end], shown)]
    return tuple([Piece("… ", False)] * bool(begin) + found + [Piece(" …", False)] * (end < len(text)))


def _densest(text: str, spans: list[tuple[int, int]]) -> tuple[int, int]:
    """The first span of the stretch that holds most different words in the least room: the letterhead of every paper
    has one of them, too."""
    best, most = spans[0], (0, 0)
    for place, span in enumerate(spans):
        held: set[str] = set()
        room = 0
        for begin, end in spans[place:]:
            if end > span[0] + AFTER:
                break
            word = fold(text[begin:end])
            if word not in held:
                held.add(word)
                room = end - span[0]
        if (len(held), -room) > most:
            best, most = span, (len(held), -room)
    return best


def _spans(text: str, words: tuple[str, ...]) -> list[tuple[int, int]]:
    """Places of the words, in order and apart. A word with accents must stand so; one without finds both."""
    if not words:
        return []
    plain = text.translate(_BASE)
    spans: list[tuple[int, int]] = []
    for word in words:
        bare = fold(word)
        for match in re.finditer(rf"(?<![^\W_]){re.escape(bare)}", plain):
            if bare == word or text[match.start() : match.end()].casefold() == word:
                spans.append(match.span())
    apart: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if not apart or begin >= apart[-1][1]:
            apart.append((begin, end))
    return apart


def _cut(text: str, spans: list[tuple[int, int]]) -> tuple[Piece, ...]:
    found: list[Piece] = []
    last = 0
    for begin, end in spans:
        found += [Piece(text[last:begin], False), Piece(text[begin:end], True)]
        last = end
    return tuple(piece for piece in (*found, Piece(text[last:], False)) if piece.text)
