"""Every outbox topic has a test that shows that doing its work again does no harm: `@pytest.mark.repeats("topic")`."""

import ast
from pathlib import Path

from kernel import outbox
from kernel.config import Config
from kernel.storage.blobs import BlobStore
from tests.rules.source import dotted, modules
from web import rooms


def shown() -> set[str]:
    """The topics that tests say they repeat."""
    found: set[str] = set()
    for module in modules("tests"):
        for node in module.nodes:
            if isinstance(node, ast.Call) and dotted(node.func) == "pytest.mark.repeats":
                found |= {a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)}
    return found


def test_every_topic_was_repeated(blobs: BlobStore, tmp_path: Path) -> None:
    rooms.load_jobs(Config(data_dir=tmp_path), blobs)
    ours = {topic for topic in outbox.handlers if not topic.startswith("test.")}
    assert ours - shown() == set()
