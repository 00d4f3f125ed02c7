"""What a reader takes a text for, in Latin capitals: letters of other scripts that look like ours, forms of letters,
signs that do not show and marks that Vietnamese does not know are seen through.

The skeleton of Unicode Technical Standard 39, section 4, for the letters of the marks of delegation (`KT.`, `TL.`,
`TUQ.`, `Q.`) and of the words that they stand for, and no others: Vietnamese itself comes back as it was, in capitals.
The code points are those of its data file `confusables.txt`, and letters with strokes, hooks and frames, of which that
file or Unicode's decompositions say nothing.
"""

import unicodedata

_LOOK_LIKE = {
    "K": "039A 041A 049A 049C 049E 04A0 04C3 051E 2C94 13E6 16D5 A4D7 10518 1D0B 0198 1D84 2C69 A740 A742 A744 A7A2"
    " 1F15A 1F17A 1F1F0",
    "T": "03A4 0422 04AC A68A A68C 2CA6 13A2 A4D4 22A4 27D9 1F768 16F0A 118BC 10297 102B1 10315 1D1B 0166 01AB 01AC"
    " 01AE 0236 023E 1D75 1F163 1F183 1F1F9",
    "L": "2CD0 13DE 14AA A4E1 1D22A 16F16 118A3 118B2 1041B 10526 029F 0141 0234 023D 026D 1D85 2C60 2C62 A746 A748"
    " A7AD 1F15B 1F17B 1F1F1",
    "U": "054D 1200 144C A4F4 222A 22C3 104CE 16F42 118B8 03C5 028B 01B2 1D1C A79E AB4E AB52 0244 1D7E A7B8 1F164 1F184"
    " 1F1FA",
    "Q": "051A 2D55 0563 0566 A7AF 024A 02A0 A756 A758 1F160 1F180 1F1F6",
    "A": "0391 0410 13AA 15C5 A4EE 2C00 237A 0251 1D00 16F40 102A0",
    "E": "0395 0415 22FF 2D39 13AC A4F0 1D07 118A6 118AE 10286 212E AB32 04BD",
    "H": "0397 041D 04A2 04C7 2C8E 13BB 157C A4E7 029C 102CF 04BA 0570 13C2",
    "N": "039D 2C9A A4E0 0274 0578 057C 10513",
    "Y": "03A5 0423 04AE 04B0 2CA8 13A9 13BD A4EC 028F 0263 16F43 118A4 102B2 03B3 1D8C 1EFF AB5A 10E7",
    # as a small L looks
    "I": "0399 0406 04C0 2C92 A4F2 16C1 2D4F 01C0 2223 23FD 0196 16F28 1028A 10309",
}
_AS_SEEN = {int(code, 16): letter for letter, codes in _LOOK_LIKE.items() for code in codes.split()}

_TONES = "\u0300\u0301\u0303\u0309\u0323"
_CIRCUMFLEX, _BREVE, _HORN = "\u0302", "\u0306", "\u031b"
_MARKS = {
    **dict.fromkeys("IY", _TONES),
    "A": _TONES + _CIRCUMFLEX + _BREVE,
    "E": _TONES + _CIRCUMFLEX,
    "O": _TONES + _CIRCUMFLEX + _HORN,
    "U": _TONES + _HORN,
}
"""Which marks Vietnamese sets on which letter."""

_FILLERS = "\u115f\u1160\u3164\uffa0\u2800"  # letters by their category, and blank
_ORDINALS = "\u00aa\u00ba"


def as_seen(text: str) -> str:
    """The text in composed capitals, as somebody reads it who does not look at code points. Lines stay."""
    shown = "".join(" " if _is_raised(char) else char for char in text if not _is_invisible(char))
    letters = unicodedata.normalize("NFKD", shown).translate(_AS_SEEN).upper().translate(_AS_SEEN)
    return unicodedata.normalize("NFC", _with_own_marks(letters))


def _is_invisible(char: str) -> bool:
    return unicodedata.category(char) == "Cf" or char in _FILLERS


def _is_raised(char: str) -> bool:
    """Footnote signs and numbers in circles: no part of the word beside which they stand."""
    return unicodedata.category(char) == "No" or char in _ORDINALS


def _with_own_marks(decomposed: str) -> str:
    """Without marks that Vietnamese does not set on the letter before them, and modifiers as blanks."""
    out: list[str] = []
    base = ""
    for char in decomposed:
        kind = unicodedata.category(char)
        if not kind.startswith("M"):
            base = char
            out.append(" " if kind == "Lm" else char)
        elif char in _MARKS.get(base, ""):
            out.append(char)
    return "".join(out)
