"""Scripts of pages come in one turn: what a module imports is named by the page that loads it (docs/decisions/0021)."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.rules.source import ROOT

SCRIPTS = ROOT / "static" / "js"
SHELL = ("forms.js", "say.js")  # preloaded by every page
IMPORT = re.compile(r'^import (?:[^"]*? from )?"(\.[^"]+)";', re.MULTILINE)
DYNAMIC = re.compile(r'\bimport\("(\.[^"]+)"\)')
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
"""Types that JSDoc names are no part of what a page loads."""


def imported(path: Path, pattern: re.Pattern[str]) -> Iterator[Path]:
    """The modules that a module names."""
    for name in pattern.findall(COMMENT.sub("", path.read_text())):
        yield (path.parent / name).resolve()


def reached(path: Path, *patterns: re.Pattern[str]) -> set[Path]:
    """A module and all that comes with it."""
    found, waiting = set(), [path]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += [other for pattern in patterns for other in imported(module, pattern)]
    return found


def names(paths: set[Path]) -> set[str]:
    """Paths as templates write them."""
    return {path.relative_to(SCRIPTS).as_posix() for path in paths}


def test_every_import_leads_to_a_file() -> None:
    wrong = [
        f"{path.name}: {other}"
        for path in SCRIPTS.rglob("*.js")
        for other in (*imported(path, IMPORT), *imported(path, DYNAMIC))
        if not other.is_file()
    ]
    assert wrong == []


def test_a_room_names_all_modules_of_its_scripts() -> None:
    macro = (ROOT / "templates/meetings/_scripts.html").read_text()
    shared = {
        f"{name}.js" for name in re.findall(r"'(?:js/)?([a-z/-]+)'", macro.partition("endmacro")[0]) if name != "static"
    }
    for page in ("room", "wall"):
        scripts = (ROOT / f"templates/meetings/{page}.html").read_text().partition("{% block scripts %}")[2]
        panes = {f"{name}.js" for name in re.findall(r"'(room/[a-z-]+)'", scripts)}
        assert len(panes) >= 2
        needed = names(
            {module for pane in (*panes, "room/start.js") for module in reached(SCRIPTS / pane, IMPORT, DYNAMIC)}
        )
        assert needed - panes - shared - set(SHELL) == set(), page


def test_the_house_asks_at_once_for_what_a_part_of_it_needs() -> None:
    """`house.js` names a part and the modules behind it together: none waits for another that was waited for."""
    house = SCRIPTS / "house.js"
    groups = re.findall(r"has\([^\n]*?\) && ([^\n]+),\n", house.read_text())
    assert len(groups) >= 8
    for group in groups:
        named = [(SCRIPTS / name).resolve() for name in DYNAMIC.findall(group)]
        at_once = {*named, *(SCRIPTS / name for name in SHELL), *imported(named[0], IMPORT)}
        assert names(reached(named[0], IMPORT) - at_once) == set(), group
