"""Is there what printing needs? Asked once a process, in a child that may crash without taking the worker along."""

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from threading import Lock

from kernel import clock
from kernel.config import Config, bare_environment
from kernel.doctor import Finding, Health, check
from kernel.errors import Unavailable
from kernel.text import Phrase, phrase

_PROBE = Path(__file__).with_name("font_probe.py")
_PROBE_SECONDS = 60
_ASK_AGAIN = timedelta(seconds=30)

_MISSING: dict[str, Phrase] = {
    "fonts": phrase("Máy chủ chưa có phông chữ kiểu Times đủ chữ tiếng Việt. Hãy cài gói fonts-croscore."),
    "pango": phrase("Máy chủ thiếu thư viện Pango. Hãy cài gói libpango-1.0-0 và libpangoft2-1.0-0."),
    "fontconfig": phrase("Máy chủ thiếu thư viện fontconfig. Hãy cài gói libfontconfig1."),
    "crash": phrase("Bộ dựng PDF dừng đột ngột khi in thử. Hãy cài lại gói fonts-croscore và libpango-1.0-0."),
}


@dataclass(frozen=True, slots=True)
class FontReport:
    """`family` is what papers are printed with; without one, `problem` says what to install."""

    family: str
    problem: Phrase | None = None
    detail: str = ""
    letters: frozenset[int] = frozenset()
    """The characters that the family has."""


_lock = Lock()
_last: tuple[datetime, FontReport] | None = None


def printing_family() -> str:
    """The font family that has every Vietnamese letter in four faces.

    Raises Unavailable, before WeasyPrint is even imported, when printing would fail or kill the process.
    """
    report = font_report()
    if report.problem:
        raise Unavailable(report.problem, detail=report.detail)
    return report.family


def font_report() -> FontReport:
    """The finding of the probe, kept for good when all is well and for half a minute when not."""
    global _last
    with _lock:
        if _last and (not _last[1].problem or clock.now() - _last[0] < _ASK_AGAIN):
            return _last[1]
        report = probe()
        _last = (clock.now(), report)
        return report


def probe(command: tuple[str, ...] = (sys.executable, "-P", str(_PROBE))) -> FontReport:
    """Ask now, in a child process."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False, env=bare_environment()
        )
        lines = done.stdout.strip().splitlines()
        finding = json.loads(lines[-1]) if done.returncode == 0 and lines else None
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        return FontReport("", _MISSING["crash"], str(error))
    if not isinstance(finding, dict):
        return FontReport("", _MISSING["crash"], f"exit {done.returncode}: {done.stderr[-400:]}")
    if missing := finding.get("missing"):
        return FontReport("", _MISSING.get(str(missing), _MISSING["crash"]), str(finding.get("detail", "")))
    spans = (span.partition("-") for span in str(finding.get("letters", "")).split())
    letters = frozenset(n for low, _, high in spans for n in range(int(low, 16), int(high or low, 16) + 1))
    return FontReport(str(finding["family"]), letters=letters)


_MARKUP = re.compile(r"<style>.*?</style>|<[^>]*>", re.DOTALL)


def letters_lacking(sheets: Iterable[str]) -> str:
    """The characters in the text of HTML pages that the printing family has not, each once, in order of code."""
    has = font_report().letters
    found = {letter for sheet in sheets for letter in unescape(_MARKUP.sub("", sheet)) if not letter.isspace()}
    return "".join(sorted(letter for letter in found if has and ord(letter) not in has))


@check("fonts")
def check_fonts(_: Config) -> Finding:
    """The doctor's view of the same."""
    report = font_report()
    if report.problem:
        return Finding("fonts", Health.BAD, phrase("Chưa in được văn bản ra PDF."), report.problem)
    return Finding("fonts", Health.GOOD, phrase("In văn bản bằng phông {family}.", family=report.family))
