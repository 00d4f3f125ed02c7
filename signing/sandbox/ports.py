"""Objects that stay with the parent while a task runs in the sandbox, and objects that a program learns once.

A package that has such objects registers them here where it defines them, so that the sandbox needs to know none of
their classes. A key, for example, is a `Remote`: the task gets a proxy in its place, which sends what is to be signed
over the socket, and the parent answers with a signature. `share` is for large values of ours that many tasks need.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class RemoteError(Exception):
    """The parent could not answer a question of a task; the task goes on with this error."""


Ask = Callable[[bytes], bytes]
"""Sends one question to the parent and returns its answer; RemoteError when it has none."""


@dataclass(frozen=True)
class Remote:
    """A kind of object that never leaves the parent.

    `describe` makes what the proxy is made from, `answer` serves its one question on the parent's side, and `proxy`
    makes the object that the task sees. `module` registers this kind when it is imported, in either process.
    """

    name: str
    module: str
    matches: Callable[[Any], bool]
    describe: Callable[[Any], Any]
    answer: Callable[[Any, bytes], bytes]
    proxy: Callable[[Ask, Any], Any]


_remotes: dict[str, Remote] = {}
_shared: list[type] = []


def register(remote: Remote) -> None:
    """Keep objects of this kind in the parent from now on."""
    _remotes[remote.name] = remote


def share(kind: type) -> None:
    """Send a value of this class to a program once, before the tasks that need it; one of them for each task."""
    if kind not in _shared:
        _shared.append(kind)


def remote_of(thing: Any) -> Remote | None:
    """The kind of an object that stays in the parent; None when it may go along with the task."""
    return next((remote for remote in _remotes.values() if remote.matches(thing)), None)


def remote_named(name: str) -> Remote:
    """The kind that was registered under this name; KeyError when its module was not imported."""
    return _remotes[name]


def is_shared(thing: Any) -> bool:
    """Whether a program learns this value once, instead of with each task."""
    return isinstance(thing, tuple(_shared))
