"""What the rooms offer is found by the names of modules: one that is renamed or moved must not vanish silently."""

import ast
import subprocess
import sys
from functools import cache

import pytest

from tests.rules.source import ROOT, Module, dotted, modules
from web import rooms

FOUND_BY_NAME = (
    "access",
    "api",
    "dashboard",
    "dead_letters",
    "doctor",
    "jobs",
    "links",
    "models",
    "routes",
    "transport",
)
# Modules of such a name that `web.rooms` does not look for, with what they are.
OTHERS = {
    "docex.api.models": "bodies and answers of the API",
    "docex.documents.delivery.transport": "the port of all transports",
    "docex.exchange.hub.operators.dead_letters": "the page of all dead letters",
    "docex.exchange.mail.outbound.links": "links in letters to partners",
    **{
        f"signing.{part}.models": "taken in by signing.models" for part in ("archive", "log", "remote_signing", "trust")
    },
    **{f"signing.{part}.jobs": "taken in by signing.jobs" for part in ("archive", "log", "trust")},
}
#: What a module says to be shown or asked, and where that is declared.
REGISTERS = {"section": "kernel.dashboard", "check": "kernel.doctor"}


def standing() -> set[str]:
    """The dotted names of all modules of the rooms that are called as one that is looked for."""
    names = {full_name(module) for module in of_rooms()}
    return {name for name in names if name.count(".") and name.rpartition(".")[2] in FOUND_BY_NAME}


def of_rooms() -> list[Module]:
    """The modules of the rooms that are composed."""
    return list(modules(*rooms.ROOMS))


def full_name(module: Module) -> str:
    """The name under which it is imported: `docex.api` for the file of the package itself."""
    return module.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def loaded() -> frozenset[str]:
    """The modules that a process has which loads the pages and the self-checks, and nothing else."""
    run = "import sys; from web import rooms; rooms.load_pages(); rooms.load_checks(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", run], cwd=ROOT, capture_output=True, text=True, check=True)
    return frozenset(done.stdout.split())


@pytest.mark.parametrize("name", FOUND_BY_NAME)
def test_every_module_of_a_room_is_found_by_its_name(name: str) -> None:
    there = {module for module in standing() if module.endswith(f".{name}")}
    assert there - OTHERS.keys() == {module.__name__ for module in rooms.find_modules(name)}


def test_every_exception_stands() -> None:
    assert OTHERS.keys() - standing() == set()


def registering(module: Module) -> set[str]:
    """Which of REGISTERS decorate something in this module."""
    decorators = [one for node in module.nodes if isinstance(node, ast.FunctionDef) for one in node.decorator_list]
    calls = {dotted(one.func).rpartition(".")[2] for one in decorators if isinstance(one, ast.Call)}
    return {
        alias.name
        for node in module.nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if REGISTERS.get(alias.name) == node.module and alias.name in calls
    }


@pytest.mark.parametrize("register", REGISTERS)
def test_whatever_registers_itself_is_loaded(register: str) -> None:
    names = {full_name(m) for m in of_rooms() if register in registering(m)}
    assert len(names) > 4
    assert names - loaded() == set()
