"""What poppler or mupdf show differently is never called equal, whatever PDFium thinks of it."""

from pathlib import Path
from random import Random

import pytest

from signing.rendering.comparison import compare
from tests.sampling import sampled
from tests.signing.rendering.pages import WORDS, Page, pdf, seen_by_others
from tests.signing.rendering.test_comparison import BOX, CHANGES, COLOUR, KINDS, SHAPES

WIDGETS = [kind for kind in KINDS if "/Widget" in KINDS[kind]]


def laid_over(kind: str, shape: str, more: str, *, known: bool = True) -> Page:
    field = (0,) if kind in WIDGETS and known else ()
    return Page(shape=SHAPES[shape], marks=(f"{KINDS[kind]} {BOX} {COLOUR} {more}",), fields=field)


def verified(before: list[Page], after: list[Page], folder: Path, least: int) -> None:
    """At least so many pages differ in the eyes of others, and each of them in ours."""
    one, other = pdf(*before), pdf(*after)
    others = seen_by_others(one, other, folder)
    assert len(others) >= least
    found = compare(one, other, (), 60.0)
    assert not found.left_out
    assert others <= {each.page for each in found.differences}


@pytest.mark.long_proof
@pytest.mark.parametrize("more", sampled(["/F 4 {ap}", "/F 4", "/F 0 {ap}", "/F 36 {ap}", "/F 28 {ap}"], one_in=3))
def test_annotations_of_every_kind(more: str, tmp_path: Path) -> None:
    shapes = list(SHAPES)
    pairs = [
        (Page(shape=SHAPES[shape]), laid_over(kind, shape, more))
        for place, kind in enumerate(KINDS)
        for shape in [shapes[place % len(shapes)]]
    ]
    least = {"/F 4": 10, "/F 36 {ap}": 0}.get(more, 20)
    verified([one for one, _ in pairs], [other for _, other in pairs], tmp_path, least)


@pytest.mark.long_proof
def test_widgets_that_no_form_knows(tmp_path: Path) -> None:
    pages = [laid_over(kind, shape, "/F 4 {ap}", known=False) for kind in WIDGETS for shape in list(SHAPES)[::4]]
    verified([Page(shape=one.shape) for one in pages], pages, tmp_path, 8)


def test_words_that_were_changed(tmp_path: Path) -> None:
    shapes = list(SHAPES.values())
    pairs = [
        (shape, change)
        for place, change in enumerate(CHANGES.values())
        for shape in shapes[place % 3 :: 3] + shapes[5:6]
    ]
    verified(
        [Page(shape=shape) for shape, _ in pairs], [Page(change(WORDS), shape) for shape, change in pairs], tmp_path, 30
    )


@pytest.mark.long_proof
def test_forty_changes_at_random(tmp_path: Path) -> None:
    chance = Random(13)
    before, after = [], []
    for _ in range(40):
        lines = [
            f"BT /F1 {chance.randint(5, 16)} Tf {chance.randint(40, 400)} {y} Td ({chance.randint(0, 10**9)}) Tj ET"
            for y in range(760, 100, -60)
        ]
        changed = list(lines)
        place = chance.randrange(len(lines))
        match chance.randrange(4):
            case 0:
                changed[place] = lines[place].replace(str(chance.randint(0, 9)), str(chance.randint(0, 9)))
            case 1:
                changed[place] += f" {chance.random():.2f} g {chance.randint(0, 500)} 300 {chance.random():.2f} 9 re f"
            case 2:
                changed[place] = lines[place].replace(" Tj", f" Tj {chance.random() / 5:.3f} 0 Td (.) Tj")
            case _:
                changed.pop(place)
        shape = chance.choice(list(SHAPES.values()))
        before.append(Page("\n".join(lines), shape))
        after.append(Page("\n".join(changed), shape))
    verified(before, after, tmp_path, 25)
