"""Whether an envelope says that it carries a state secret.

The standard is not for secrets and has no field for their degree (QCVN 102:2016; QĐ 28/2018). Software that writes one
all the same uses a field of its own, the sphere of circulation, or the head of a title; all are looked at.
"""

import re

from docex.edxml.model import Envelope
from kernel.text import fold

FIELDS = ("securitylevel", "secrecylevel", "secretlevel", "secrecy", "domat")
"""Elements, in lower case, in which foreign software writes the degree: a number from 1 on, or the word."""

_DEGREES = frozenset({"mat", "toi mat", "tuyet mat"})
_HEAD = re.compile(r"\s*[\[(]\s*([^\])]{1,20}?)\s*[\])]")


def mark_of(envelope: Envelope) -> str:
    """The mark of secrecy as it is written in the envelope; empty for a document that is none."""
    other = envelope.other
    number = other.secrecy.strip()
    if number.isascii() and number.isdigit() and int(number[:9]) > 0:
        return number
    heads = [found[1] for found in map(_HEAD.match, (envelope.subject, envelope.type.name)) if found]
    return next((text for text in (other.secrecy, other.sphere, *heads) if _is_degree(text)), "")


def _is_degree(text: str) -> bool:
    return fold(text).removeprefix("do mat:").strip(" .:-") in _DEGREES
