"""The texts that the writing of a paper begins with."""

import pytest

from docex.edxml.codes import KIND_BY_SLUG
from docex.official.body import blocks
from docex.official.layout import Paragraph, Style
from docex.official.starters import STARTERS, starting_text


@pytest.mark.parametrize("kind", STARTERS)
def test_a_starting_text_belongs_to_a_type_and_becomes_a_body(kind: str) -> None:
    assert kind in KIND_BY_SLUG
    text = starting_text(kind, "Văn phòng")
    assert "{" not in text
    found = [block for block in blocks(text, kind) if isinstance(block, Paragraph)]
    assert (found[-1].text or found[-1].lead).endswith("./.")


def test_types_with_a_free_text_begin_empty() -> None:
    assert starting_text("letter", "Văn phòng") == ""


def test_a_decision_begins_with_its_bases_and_articles() -> None:
    found = [
        block for block in blocks(starting_text("decision", "Văn phòng"), "decision") if isinstance(block, Paragraph)
    ]
    styles = [block.style for block in found]
    assert styles[:3] == [Style.BASIS, Style.BASIS, Style.RESOLVES]
    assert [block.lead for block in found[3:]] == ["Điều 1.", "Điều 2.", "Điều 3."]
