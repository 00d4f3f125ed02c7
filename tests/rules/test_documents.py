"""What is documented is what is there."""

import re
from dataclasses import fields

from bench.harness.catalogue import NAMES
from kernel.config import PREFIX, Config
from notify.kinds import kinds
from tests.rules.source import ROOT
from web import rooms


def test_every_setting_stands_in_the_documentation_with_its_sentence() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    missing = [
        f.name for f in fields(Config) if f"`{PREFIX}{f.name.upper()}`" not in text or f.metadata["doc"] not in text
    ]
    assert missing == []


def test_every_bench_is_described_and_can_be_run_by_its_name() -> None:
    text = (ROOT / "docs" / "benches.md").read_text()
    assert sorted(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == sorted(NAMES)


def test_every_operation_of_the_api_is_described() -> None:
    text = (ROOT / "docs" / "exchange-api.md").read_text()
    doors = [d for d in rooms.load_pages() if d.path.startswith("/api/")]
    assert [d.path for d in doors if f"{d.method} {d.path}".replace("int:dispatch_", "") not in text] == []


def test_every_page_begins_with_its_context() -> None:
    pages = [p for p in (ROOT / "templates").rglob("*.html") if not p.name.startswith("_") and "mail" not in p.parts]
    assert [str(p.relative_to(ROOT)) for p in pages if not p.read_text().startswith("{#")] == []


def test_every_kind_of_message_says_what_it_is_and_has_its_words() -> None:
    rooms.load_models()
    wrong = [name for name, kind in kinds.items() if not kind.__doc__ or not kind.__doc__.strip()]
    wrong += [name for name in kinds if not (ROOT / "templates" / "mail" / name / "subject.txt").exists()]
    wrong += [name for name, k in kinds.items() if k.sms and not (ROOT / "templates" / "sms" / f"{name}.txt").exists()]
    assert wrong == []
