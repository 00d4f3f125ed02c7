"""The name of a file of the VXP protocol, and its receivers."""

import json
from dataclasses import replace

from directory import codes
from docex.edxml import Envelope, StatusMessage
from docex.exchange.intake.acceptance import Handed
from kernel.storage.blobs import Blob


def named(blob: Blob) -> Handed:
    """The facts that the hub keeps of it, still without papers. The file's hash names the message: the same file again
    is the same message, as the re-sending of the official SDK needs."""
    return Handed(blob, (), f"sha256:{blob.sha256}")


def narrowed(message: Envelope | StatusMessage, to: str) -> Envelope | StatusMessage:
    """The same message for those of its receivers that a relaying hub names in `to` (a JSON list of codes).

    The others were served by the hub below. A list that fits no receiver is not about this message and changes nothing.
    """
    try:
        given = json.loads(to)
    except (ValueError, RecursionError):
        return message
    if not isinstance(message, Envelope) or not isinstance(given, list):
        return message
    wanted = {codes.normal(code) for code in given if isinstance(code, str)}
    chosen = tuple(organ for organ in message.receivers if codes.normal(organ.code) in wanted)
    return replace(message, receivers=chosen) if chosen else message
