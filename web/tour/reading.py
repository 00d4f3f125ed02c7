"""Reading pages as a person does: choices by their words, links by their address."""

import re
from html import unescape

from web.tour.browser import Unexpected


def option(page: str, words: str) -> str:
    """The value of the option, or of the box to tick, whose label holds `words`."""
    for value, label in re.findall(r'<option[^>]*value="([^"]+)"[^>]*>(.*?)</option>', page, re.S):
        if words in unescape(label):
            return unescape(value)
    labels = {
        name: unescape(re.sub(r"<[^>]+>", "", text))
        for name, text in re.findall(r'<label[^>]*for="([^"]+)"[^>]*>(.*?)</label>', page, re.S)
    }
    for tag in re.findall(r"<input[^>]+>", page):
        found = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if words in labels.get(found.get("id", ""), "") and "value" in found:
            return unescape(found["value"])
    raise Unexpected(f"the page offers no choice {words!r}")


def hidden(page: str, name: str) -> str:
    """What a form of the page sends along by itself under this name."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    if not found:
        raise Unexpected(f"the page sends no {name!r} along")
    return unescape(found[1])


def link(page: str, pattern: str) -> str:
    """The first address on the page that matches `pattern`."""
    found = re.search(rf'(?:href|src|action)="({pattern})[^"]*"', page)
    if not found:
        raise Unexpected(f"the page has no link {pattern}")
    return unescape(found[1])


def number_in(address: str) -> int:
    """The last whole number of an address."""
    return int(re.findall(r"\d+", address)[-1])
