"""What is documented is what is there."""

from dataclasses import fields

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
    names = [p.stem for p in (ROOT / "bench").glob("*.py") if not p.stem.startswith("_") and "claim" in p.read_text()]
    assert [n for n in names if f"`{n}`" not in text and n not in {"report", "rounds"}] == []
