"""Every pair of colours that static/css/tokens.css names holds 4.5:1, in the light and in the dark theme."""

import re

import pytest

from tests.browser.conftest import ROOT

CSS = (ROOT / "static" / "css" / "tokens.css").read_text(encoding="utf-8")


def _luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _themes() -> tuple[dict[str, str], dict[str, str]]:
    light, dark = CSS.split('[data-bs-theme="dark"]')
    tokens = re.compile(r"--([a-z-]+):\s*(#[0-9a-f]{6})")
    day = dict(tokens.findall(light))
    return day, day | dict(tokens.findall(dark))


def _pairs(marker: str) -> list[tuple[str, str]]:
    found = []
    for text in re.findall(rf"{marker}:((?:\s+[a-z-]+/[a-z-]+)+)", CSS):
        found += [tuple(pair.split("/")) for pair in text.split()]
    return found


@pytest.mark.parametrize("pair", _pairs(r"\bpairs"), ids="/".join)
def test_light_pairs_are_readable(pair: tuple[str, str]) -> None:
    light, _ = _themes()
    assert _contrast(light[pair[0]], light[pair[1]]) >= 4.5


@pytest.mark.parametrize("pair", _pairs("pairs-dark"), ids="/".join)
def test_dark_pairs_are_readable(pair: tuple[str, str]) -> None:
    _, dark = _themes()
    assert _contrast(dark[pair[0]], dark[pair[1]]) >= 4.5


def test_borders_of_inputs_stand_out_three_to_one() -> None:
    for theme in _themes():
        assert _contrast(theme["edge"], theme["sheet"]) >= 3
