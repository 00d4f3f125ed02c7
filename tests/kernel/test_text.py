"""Vietnamese text as people, operators and dictionaries see it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.text import (
    Phrase,
    collation_key,
    contact_number,
    fold,
    nfc,
    phone_number,
    phrase,
    sms_size,
    sms_text,
    strip_marks,
)

INVITATION = (
    "Kính mời đồng chí dự họp giao ban tháng 12 lúc 08 giờ 00 ngày 05/12/2026 tại Phòng họp số 1, "
    "trụ sở Ủy ban nhân dân thành phố. Xác nhận tham dự tại https://lt.example/l/abcdefghijk trước 17h."
)


def test_folding_takes_accents_case_and_the_crossed_d() -> None:
    assert fold("  Đường  Ưu tiên ỨNG ") == "duong uu tien ung"
    assert strip_marks("Đỗ Thị Ngọc") == "Do Thi Ngoc"


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_an_accented_invitation_costs_more_segments_than_a_plain_one() -> None:
    assert sms_size(nfc(INVITATION)).alphabet == "ucs2"
    plain = sms_size(sms_text(unicodedata.normalize("NFD", INVITATION)))
    assert plain.alphabet == "gsm7"
    assert plain.segments == 2 < sms_size(nfc(INVITATION)).segments


@pytest.mark.parametrize(
    ("text", "units", "segments"),
    [("a" * 160, 160, 1), ("a" * 161, 161, 2), ("a" * 306, 306, 2), ("a" * 307, 307, 3), ("[]", 4, 1)],
)
def test_gsm_text_is_counted_as_operators_do(text: str, units: int, segments: int) -> None:
    size = sms_size(text)
    assert (size.alphabet, size.units, size.segments) == ("gsm7", units, segments)


@pytest.mark.parametrize(("length", "segments"), [(70, 1), (71, 2), (134, 2), (135, 3)])
def test_unicode_text_is_counted_as_operators_do(length: int, segments: int) -> None:
    assert sms_size("ế" * length).segments == segments


def test_names_sort_as_in_a_vietnamese_dictionary() -> None:
    names = ["Đào", "Dao", "Ân", "Ăn", "An", "Ô", "O", "Ơ", "Ưng", "Ung", "Ba", "Bà", "Bả", "Bã", "Bá", "Bạ"]
    ordered = ["An", "Ăn", "Ân", "Ba", "Bà", "Bả", "Bã", "Bá", "Bạ", "Dao", "Đào", "O", "Ô", "Ơ", "Ung", "Ưng"]
    assert sorted(names, key=collation_key) == ordered


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("0500 000 001", "+84500000001"),
        ("+84.50.000.0001", "+84500000001"),
        ("84500000001", "+84500000001"),
        ("0169 000 0001", "+84390000001"),
        ("028 3829 1234", None),
        ("12345", None),
    ],
)
def test_mobile_numbers_are_read_in_all_their_forms(typed: str, stored: str | None) -> None:
    assert phone_number(typed) == stored


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("0912 345 678", "+84912345678"),
        ("024 3825 1234", "+842438251234"),
        ("(028) 3829.1234", "+842838291234"),
        ("+84 28 3829 1234", "+842838291234"),
        ("0236 3821 500", "+842363821500"),
        ("024 3825 1234 máy lẻ 12", "+842438251234;ext=12"),
        ("024 3825 1234 ext. 12", "+842438251234;ext=12"),
        ("+842438251234;ext=12", "+842438251234;ext=12"),
        ("1900 6888", "19006888"),
        ("0217 3821 500", None),  # no such area
        ("04 3825 1234", None),  # an area code from before 2017
        ("024 3825 123", None),
        ("113", None),
        ("ky-thuat@mau.example", None),
        ("024 3825 1234 máy lẻ x", None),
    ],
)
def test_the_number_of_a_contact_may_be_a_landline(typed: str, stored: str | None) -> None:
    assert contact_number(typed) == stored


def test_a_phrase_without_translation_stays_vietnamese() -> None:
    assert phrase("Chưa dịch {n}", n=3).en == "Chưa dịch 3"


def test_a_letter_with_a_million_marks_costs_nothing() -> None:
    # Two kinds of marks in turn: composing would sort them, which takes minutes.
    heap = "a" + "\u0301\u0323" * 500_000 + " Việt"
    assert len(nfc(heap)) < 100
    assert nfc(heap).endswith(" Việt")
    assert strip_marks(heap) == "a Viet"


NOT_OURS = {
    "a pattern as wide as memory": Phrase("{x:>99999999999}", {"x": ""}),
    "a pattern that reaches inside": Phrase("{x.__class__}", {"x": ""}),
    "our words without their values": Phrase("Không hợp lệ: {reason}", {"y": 1}),
    "strange words inside ours": Phrase("Không hợp lệ: {reason}", {"reason": Phrase("{")}),
}


@pytest.mark.parametrize("said", NOT_OURS.values(), ids=NOT_OURS.keys())
def test_sentences_of_strangers_are_not_ours(said: Phrase) -> None:
    assert not said.is_ours()


def test_sentences_of_the_house_are_ours_unless_they_are_heaped_up() -> None:
    said = Phrase("Tệp này không phải là PDF.")
    assert said.is_ours()
    for _ in range(3):
        said = Phrase("Không hợp lệ: {reason}", {"reason": said})
    assert said.is_ours()
    for _ in range(3):
        said = Phrase("Không hợp lệ: {reason}", {"reason": said})
    assert not said.is_ours()
