"""An installed copy holds all that a checkout runs on. setuptools itself is asked what it would put in."""

import subprocess
from pathlib import Path

import pytest
from setuptools import Distribution

from tests.rules.source import ROOT

NOT_INSTALLED = (".", "tests/", "bench/", "docs/", "scripts/", "requirements/")


def asked(monkeypatch: pytest.MonkeyPatch) -> Distribution:
    """The project as setuptools reads it from setup.cfg."""
    monkeypatch.chdir(ROOT)
    project = Distribution({"script_name": "setup.py"})
    project.parse_config_files()
    project.set_defaults()
    return project


def test_every_file_of_the_rooms_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    build = asked(monkeypatch).get_command_obj("build_py")
    build.ensure_finalized()
    taken = {Path(name).as_posix() for name in build.get_output_mapping().values()}
    tracked = subprocess.run(["git", "ls-files", "*/*"], cwd=ROOT, capture_output=True, text=True, check=True)
    wanted = {name for name in tracked.stdout.split("\n") if name and not name.startswith(NOT_INSTALLED)}
    assert wanted - taken - {"templates/_parts/README.md"} == set()
    assert not {name for name in taken if "__pycache__" in name}


def test_the_locks_hold_what_the_extras_name(monkeypatch: pytest.MonkeyPatch) -> None:
    project = asked(monkeypatch)
    for extra, lock in ((None, "runtime"), ("conformance", "conformance"), ("dev", "dev")):
        names = [*project.install_requires, *(project.extras_require[extra] if extra else ())]
        locked = {line.partition("==")[0] for line in (ROOT / f"requirements/{lock}.lock").read_text().splitlines()}
        assert {name.partition("[")[0].lower().replace("_", "-") for name in names} <= locked, lock


def test_a_lock_is_installed_as_it_is() -> None:
    """Else pip 23 takes the newest release of what is wanted with an extra, which has no hash, and set-up ends."""
    found = subprocess.run(
        ["git", "grep", "-n", "--", "--require-hashes", ":!CHANGELOG.md", ":!tests"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = found.stdout.splitlines()
    commands = [line for line in lines if "command += [" not in line and "[*command" not in line]
    assert len(commands) >= 5
    assert [line for line in commands if "--no-deps" not in line] == []
