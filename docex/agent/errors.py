"""The failures of an agent, with a sentence for the office where there is one."""

from kernel.text import Phrase


def both(words: Phrase) -> str:
    """A sentence in both languages, on one line."""
    return f"{words.vi} / {words.en}"


class Unusable(Exception):
    """The agent cannot begin: a setting, a file or a folder has to be mended first."""

    def __init__(self, words: Phrase) -> None:
        super().__init__(both(words))
        self.words = words


class Busy(Unusable):
    """Another agent works in this folder."""


class Unreachable(Exception):
    """The hub cannot be used now; the same may work later, after at least `wait_s` seconds."""

    def __init__(self, words: Phrase, detail: str = "", *, wait_s: float = 0.0) -> None:
        super().__init__(f"{both(words)} ({detail})" if detail else both(words))
        self.words, self.wait_s = words, wait_s


class TransientError(Unreachable):
    """Only this one file or delivery did not work; others may."""


class Refused(Exception):
    """The hub will not take this file, however often it is offered. `code` is the hub's own."""

    def __init__(self, code: str, vi: str, en: str) -> None:
        super().__init__(code)
        self.code, self.vi, self.en = code, vi, en


class Gone(Exception):
    """The delivery is not, or no longer, ours: fetched before, expired, swept, or another system is at it."""
