# ruff: noqa: F811 - a fixture that takes another is named as its import
"""A mark of delegation is found in whatever letters it is written, and Vietnamese is never taken for one."""

import re
import unicodedata
from itertools import product
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from kernel.errors import WrongState
from signing.remote_signing import delegation
from signing.remote_signing.delegation import Claim, Form
from signing.verdicts.confusables import as_seen
from tests.cast import cast, city  # noqa: F401 - fixtures
from tests.docex.conftest import keys, office  # noqa: F401 - fixtures
from tests.docex.office import Office

WORDS = Path(__file__).parents[3] / "translations" / "en"


@pytest.mark.parametrize(
    ("mark", "form"),
    [
        ("\u041a\u0422.", Form.KT),  # Cyrillic
        ("\u043a\u0442.", Form.KT),  # Cyrillic, small
        ("\u041a.T.", Form.KT),  # of two scripts
        ("\u039a\u03a4.", Form.KT),  # Greek
        ("\u2c94\u2ca6.", Form.KT),  # Coptic
        ("\u13e6\u13a2.", Form.KT),  # Cherokee
        ("\ua4d7\ua4d4.", Form.KT),  # Lisu
        ("\uff2b\uff34\uff0e", Form.KT),  # wide
        ("\U0001d40a\U0001d413.", Form.KT),  # mathematical, bold
        ("\U0001d6eb\U0001d6f5.", Form.KT),  # mathematical, Greek
        ("\u24c0\u24c9.", Form.KT),  # in circles
        ("\U0001f17a\U0001f183.", Form.KT),  # in black squares
        ("\U0001f1f0\U0001f1f9.", Form.KT),  # of flags
        ("\u1d0b\u1d1b.", Form.KT),  # small capitals
        ("\u1d37\u1d40.", Form.KT),  # raised
        ("K\u22a4.", Form.KT),  # a sign of logic
        ("K\u200b\u2060T.", Form.KT),  # without width
        ("K\u00adT\ufeff.", Form.KT),  # a soft hyphen, a byte order mark
        ("K\u202eT\u202c.", Form.KT),  # turned around
        ("\u3164K\u3164T.", Form.KT),  # a blank that counts as a letter
        ("K\u034fT\ufe0f.", Form.KT),  # joiners and variants
        ("K\u0332T\u0332.", Form.KT),  # underlined
        ("\u0136\u0162.", Form.KT),  # with cedillas
        ("K\u0301T\u0301.", Form.KT),  # with accents that neither letter has
        ("\u049a\u04ac.", Form.KT),  # Cyrillic, with descenders
        ("\u0198\u01ac.", Form.KT),  # with hooks
        ("K\u02bcT.", Form.KT),  # a modifier
        ("_KT_.", Form.KT),  # underscores
        ("\u00b9KT.", Form.KT),  # after a footnote sign
        ("\u0422L.", Form.TL),
        ("T\u13de.", Form.TL),
        ("T\u14aa.", Form.TL),
        ("T\u029f.", Form.TL),
        ("T\u0141.", Form.TL),
        ("TI.", Form.TL),  # as it looks in small letters
        ("T1.", Form.TL),
        ("T|.", Form.TL),
        ("\u0422\u0406.", Form.TL),
        ("t\u04cf.", Form.TL),
        ("\u0422U\u051a.", Form.TUQ),
        ("T\u054dQ.", Form.TUQ),
        ("t\u03c5q.", Form.TUQ),
        ("T\u222aQ.", Form.TUQ),
        ("T\u016eQ.", Form.TUQ),
        ("T\u00daQ.", Form.TUQ),
        ("T.\u1ee4.Q.", Form.TUQ),
        ("\u051a.", Form.Q),
        ("\u2d55.", Form.Q),
        ("\u211a.", Form.Q),
        ("\u041a\u00dd \u0422\u041dAY", Form.KT),
        ("K\u0443\u0301 thay", Form.KT),
        ("ky thay", Form.KT),
        ("TH\u1eea\u0410 L\u1ec6N\u041d", Form.TL),
        ("thua uy quyen", Form.TUQ),
        ("Q\u054dY\u1ec0N", Form.Q),
    ],
    ids=ascii,
)
def test_a_mark_is_found_in_any_letters_that_look_like_it(mark: str, form: Form) -> None:
    assert delegation.claims_of(f"{mark} CHỦ TỊCH") == (Claim(form, "CHỦ TỊCH"),)
    assert delegation.claims_of(f"TM. ỦY BAN NHÂN DÂN\n{mark} Chủ tịch") == (Claim(form, "CHỦ TỊCH"),)


@pytest.mark.parametrize(
    "block",
    [
        "TM. ỦY BAN NHÂN DÂN\nCHỦ TỊCH",
        "TM. BAN CHẤP HÀNH T.Ư ĐOÀN / BÍ THƯ THỨ NHẤT",
        "TM. ỦY BAN NHÂN DÂN Q.1",
        "Chủ tịch Ủy ban nhân dân phường Tú Quỳ",
        "TRƯỞNG PHÒNG KT1",
        "Tư lệnh Quân khu",
        "Trưởng Ban Quản lý dự án Từ Quang",
        "Tổng Giám đốc Tổng công ty Tân Cảng",
        "Giám đốc Trung tâm y tế T1",
        "Kiểm toán trưởng, Kỳ Thượng",
        "THỦ TRƯỞNG CƠ QUAN",
        "Trưởng ty Thủy lợi – Kiến thiết",
        "Kế toán trưởng",
        "Cục trưởng Cục Kiểm tra văn bản và Quản lý xử lý vi phạm hành chính",
    ],
)
def test_nobody_is_accused_of_signing_for_another(block: str) -> None:
    assert delegation.claims_of(block, block) == ()


def test_vietnamese_is_seen_as_it_is_written() -> None:
    tones = ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
    vowels = ("A", "A\u0302", "A\u0306", "E", "E\u0302", "I", "O", "O\u0302", "O\u031b", "U", "U\u031b", "Y")
    letters = [unicodedata.normalize("NFC", vowel + tone) for vowel, tone in product(vowels, tones)]
    assert all(len(letter) == 1 for letter in letters)
    alphabet = "".join(letters) + "BCDĐFGHJKLMNPQRSTVWXZ0123456789 .,/-"
    for written in (alphabet, alphabet.lower(), unicodedata.normalize("NFD", alphabet)):
        assert as_seen(written) == alphabet


def test_every_sentence_of_ours_is_seen_as_it_is_written_and_claims_nothing_that_it_does_not_say() -> None:
    seen = 0
    named = re.compile(r"\b(?:KT|TL|TUQ|Q)\.|ký thay|thừa lệnh|thừa ủy quyền|^quyền", re.IGNORECASE)
    for file in WORDS.glob("*.po"):
        with file.open("rb") as source:
            for message in read_po(source):
                for text in filter(None, (message.id,) if isinstance(message.id, str) else message.id):
                    assert as_seen(text) == unicodedata.normalize("NFKC", text).upper()
                    assert not delegation.claims_of(text) or named.search(text)
                    seen += 1
    assert seen > 1000


def test_who_writes_the_mark_in_other_letters_does_not_sign_without_a_decision(office: Office) -> None:
    number = office.written(authority="\u041a\u0422. CHÁNH VĂN PHÒNG")
    office.work()
    office.submit(number)
    with pytest.raises(WrongState, match=r"KT\. CHÁNH VĂN PHÒNG"):
        office.sign(number)
