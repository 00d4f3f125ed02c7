"""edXML (QCVN 102:2016/BTTTT): a tolerant reader and a strict writer of the envelopes of agencies.

Pure: bytes in, frozen dataclasses out and back; no database, no network, no clock. Whoever receives a file
keeps its bytes unchanged beside what was read here.
"""

from docex.edxml.errors import EdxmlError, Refusal
from docex.edxml.limits import Limits
from docex.edxml.model import Attachment, Envelope, Message, StatusMessage
from docex.edxml.reader import read, read_file
from docex.edxml.writer import repaired, write, write_file

__all__ = [
    "Attachment",
    "EdxmlError",
    "Envelope",
    "Limits",
    "Message",
    "Refusal",
    "StatusMessage",
    "read",
    "read_file",
    "repaired",
    "write",
    "write_file",
]
