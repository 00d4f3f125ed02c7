"""What is documented is what is there."""

from dataclasses import fields

from bench.__main__ import NAMES
from kernel.config import PREFIX, Config
from tests.rules.source import ROOT


def test_every_setting_stands_in_the_documentation_with_its_sentence() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    missing = [
        f.name for f in fields(Config) if f"`{PREFIX}{f.name.upper()}`" not in text or f.metadata["doc"] not in text
    ]
    assert missing == []


def test_every_bench_is_described() -> None:
    text = (ROOT / "docs" / "benches.md").read_text()
    assert [name for name in NAMES if f"| `{name}` |" not in text] == []
