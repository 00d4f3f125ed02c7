"""Printing without fonts or libraries: a clear refusal, and the process lives."""

import shutil
import sys
from pathlib import Path

import pytest

from docex.official import fonts
from docex.official.rendering import render_pdf
from kernel.errors import Unavailable
from tests.docex.official.papers import LETTER

PROBE = Path(fonts.__file__).with_name("font_probe.py")


def _only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let fontconfig see the fonts of one folder."""
    settings = folder / "fonts.conf"
    settings.write_text(f"<fontconfig><dir>{folder}</dir><cachedir>{folder}/cache</cachedir></fontconfig>")
    monkeypatch.setenv("FONTCONFIG_FILE", str(settings))
    monkeypatch.setattr(fonts, "_last", None)


def test_this_machine_can_print() -> None:
    assert fonts.printing_family() in ("Tinos", "Liberation Serif", "Times New Roman")


def test_without_any_font_printing_is_unavailable_and_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _only(tmp_path, monkeypatch)
    with pytest.raises(Unavailable) as caught:
        render_pdf(LETTER)
    assert "fonts-croscore" in caught.value.message.vi


def test_a_family_with_one_face_only_is_not_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = sorted(Path("/usr/share/fonts").rglob("Tinos-Regular.ttf"))
    if not found:
        pytest.skip("fonts-croscore is not installed; another family prints here")
    shutil.copy(found[0], tmp_path)
    _only(tmp_path, monkeypatch)
    report = fonts.font_report()
    assert report.problem
    assert "Vietnamese" in report.detail


@pytest.mark.parametrize(
    "program",
    [
        "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        "raise SystemExit(3)",
        "print('no answer')",
        "print('[]')",
    ],
)
def test_a_probe_that_dies_or_babbles_is_a_finding_and_not_a_crash(program: str) -> None:
    report = fonts.probe((sys.executable, "-c", program))
    assert report.family == ""
    assert report.problem


def test_a_missing_library_is_named() -> None:
    program = 'import json; print(json.dumps({"missing": "pango", "detail": "libpango-1.0-0"}))'
    report = fonts.probe((sys.executable, "-c", program))
    assert report.problem
    assert "libpango" in report.problem.vi
