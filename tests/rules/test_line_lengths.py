"""Lines of pages, styles and scripts fit a screen: a diff shows which word of them changed."""

import subprocess

from tests.rules.source import ROOT

LONGEST_LINE = 160
PATTERNS = (
    "templates/*.html",
    "templates/*.css",
    "static/css/*.css",
    "static/js/*.js",
    "bench/*.mjs",
    "eslint.config.js",
)


def test_no_line_of_a_page_a_style_or_a_script_is_too_long() -> None:
    listed = subprocess.run(["git", "ls-files", *PATTERNS], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = listed.stdout.split()
    assert len(paths) > 150
    long = [
        f"{path}:{number}: {len(line)}"
        for path in paths
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1)
        if len(line) > LONGEST_LINE
    ]
    assert long == []
