"""Which tests stay together on one worker of a run."""

from xdist.scheduler.loadscope import LoadScopeScheduling

GROUPS = {
    "tests/browser/pages/": "city",
    "tests/browser/meetings/test_room": "room",
    "tests/browser/": "house",
    "tests/docex/agent/": "agents",
    "tests/rules/": "rules",
    "tests/docex/mail/test_repeats.py": "workers",
    "tests/faults/": "workers",
}
"""Beginning of a path → the group of its tests, the first that fits: they share a running city, a browser, a parsed
tree or a server that forks, each of which costs seconds of a processor to make."""


class Groups(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out tests by group, and by module where there is none."""

    def _split_scope(self, nodeid: str) -> str:
        module = super()._split_scope(nodeid)
        return next((group for start, group in GROUPS.items() if module.startswith(start)), module)
