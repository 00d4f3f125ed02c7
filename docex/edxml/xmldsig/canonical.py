"""Canonical XML 1.0 and Exclusive XML Canonicalization 1.0, without comments, piece by piece.

The digest of an envelope is over its canonical form, and an envelope may hold papers of a gigabyte: nothing here keeps
more than the tags that are open. The events come from expat, as those of the reader do, so that what is digested and
what is read cannot be two documents. https://www.w3.org/TR/xml-c14n, https://www.w3.org/TR/xml-exc-c14n
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
XML = "http://www.w3.org/XML/1998/namespace"

Scope = Mapping[str, str]
"""Namespaces by prefix; "" is the default one, and an empty value takes it back."""


class UndeclaredError(ValueError):
    """A prefix that stands for nothing."""


@dataclass(frozen=True)
class Tag:
    """The beginning of an element: names as they are spelt, what its prefixes stand for, and what it declares."""

    spelt: str
    attributes: Mapping[str, str]
    scope: Scope

    @property
    def namespace(self) -> str:
        """The namespace for which its own prefix, or the default, stands."""
        return _resolved(self.spelt.rpartition(":")[0], self.scope)

    @property
    def local(self) -> str:
        """Its name without prefix."""
        return self.spelt.rpartition(":")[2]


def tag(spelt: str, attributes: Mapping[str, str], outer: Scope) -> Tag:
    """An element as expat tells it, inside what its parents have declared."""
    declared = {name[6:]: value for name, value in attributes.items() if name == "xmlns" or name.startswith("xmlns:")}
    own = {name: value for name, value in attributes.items() if name != "xmlns" and not name.startswith("xmlns:")}
    return Tag(spelt, own, {**outer, **declared} if declared else outer)


class Canonical:
    """Takes the events of a document, or of a part of it, and hands the canonical form to `out` in pieces.

    `within` are the attributes of the element above a part that begin with `xml:`, which the inclusive form takes over.
    """

    def __init__(self, method: str, out: Callable[[bytes], object], within: Mapping[str, str] | None = None) -> None:
        self._exclusive = method == EXCLUSIVE
        self._out = out
        self._inherited = {} if self._exclusive else dict(within or {})
        self._rendered: list[Scope] = [{"": ""}]
        self._root_is_over = False

    def start(self, one: Tag) -> None:
        """An element begins."""
        shown = self._rendered[-1]
        wanted = self._utilized(one) if self._exclusive else {**one.scope}
        wanted.pop("xml", None)
        new = {prefix: uri for prefix, uri in wanted.items() if shown.get(prefix) != uri and (uri or shown.get(prefix))}
        self._rendered.append({**shown, **new} if new else shown)
        text = [f"<{one.spelt}"]
        for prefix in sorted(new):
            text.append(f' xmlns:{prefix}="{_value(new[prefix])}"' if prefix else f' xmlns="{_value(new[prefix])}"')
        attributes = {**self._inherited, **one.attributes}
        self._inherited = {}
        for name in sorted(attributes, key=lambda name: _order(name, one.scope)):
            text.append(f' {name}="{_value(attributes[name])}"')
        self._out(f"{''.join(text)}>".encode())

    def end(self, spelt: str) -> None:
        """An element ends."""
        self._rendered.pop()
        self._root_is_over = len(self._rendered) == 1
        self._out(f"</{spelt}>".encode())

    def text(self, text: str) -> None:
        """Characters; outside the root they are no part of the form."""
        if len(self._rendered) > 1:
            self._out(_text(text).encode())

    def instruction(self, target: str, data: str) -> None:
        """A processing instruction; one outside the root stands on a line of its own."""
        text = f"<?{target} {data}?>" if data else f"<?{target}?>"
        if len(self._rendered) > 1:
            self._out(text.encode())
        else:
            self._out((f"\n{text}" if self._root_is_over else f"{text}\n").encode())

    def _utilized(self, one: Tag) -> dict[str, str]:
        """The namespaces of the element's own name and of its attributes."""
        prefixes = {one.spelt.rpartition(":")[0]}
        prefixes |= {prefix for name in one.attributes if (prefix := name.rpartition(":")[0])}
        return {prefix: _resolved(prefix, one.scope) for prefix in prefixes}


def _resolved(prefix: str, scope: Scope) -> str:
    if prefix == "xml":
        return XML
    if prefix and not scope.get(prefix):
        raise UndeclaredError(prefix)
    return scope.get(prefix, "")


def _order(name: str, scope: Scope) -> tuple[str, str]:
    prefix, _, local = name.rpartition(":")
    return (_resolved(prefix, scope) if prefix else "", local)


def _text(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#xD;")


def _value(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return text.replace("\t", "&#x9;").replace("\n", "&#xA;").replace("\r", "&#xD;")
