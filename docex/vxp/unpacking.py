"""A file of the VXP protocol becomes a message for the hub: stored, read, its papers stored too."""

import json
from dataclasses import replace
from typing import IO

from directory import codes
from docex.edxml import Envelope, Limits, StatusMessage
from docex.hub import malware
from docex.intake import Handed
from docex.unpacking import unpacked
from kernel.blobs import BlobStore


def taken(blobs: BlobStore, file: IO[bytes], max_bytes: int, clamd: str) -> tuple[Envelope | StatusMessage, Handed]:
    """The message and what the hub keeps of it. The file's hash names the message: the same file again is the same
    message, as the re-sending of the official SDK needs. Refuses malware."""
    with unpacked(blobs, file, Limits(file_bytes=max_bytes)) as found:
        if clamd and (name := found.malware(clamd)):
            raise malware.Found(name)
        return found.message, Handed(found.blob, found.keep(), f"sha256:{found.blob.sha256}")


def narrowed(message: Envelope | StatusMessage, to: str) -> Envelope | StatusMessage:
    """The same message for those of its receivers that a relaying hub names in `to` (a JSON list of codes).

    The others were served by the hub below. A list that fits no receiver is not about this message and changes nothing.
    """
    try:
        given = json.loads(to)
    except ValueError:
        return message
    if not isinstance(message, Envelope) or not isinstance(given, list):
        return message
    wanted = {codes.normal(code) for code in given if isinstance(code, str)}
    chosen = tuple(organ for organ in message.receivers if codes.normal(organ.code) in wanted)
    return replace(message, receivers=chosen) if chosen else message
