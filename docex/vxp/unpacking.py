"""A file of the VXP protocol becomes a message for the hub: stored, read, its papers stored too."""

import io
import json
from dataclasses import replace

from directory import codes
from docex import edxml
from docex.drafting import File
from docex.edxml import Envelope, Limits, StatusMessage, papers
from docex.intake import Handed
from kernel.blobs import BlobStore


def unpacked(blobs: BlobStore, data: bytes, max_bytes: int) -> tuple[Envelope | StatusMessage, Handed]:
    """The message and what the hub keeps of it. The file's hash names the message: the same file again is the same
    message, as the re-sending of the official SDK needs."""
    blob = blobs.put(io.BytesIO(data), max_bytes=max_bytes)
    message = edxml.read(data, Limits(file_bytes=max_bytes))
    files = []
    for place, attachment in enumerate(message.attachments if isinstance(message, Envelope) else (), start=1):
        paper = blobs.put(io.BytesIO(attachment.data))
        name = papers.plain_name(attachment.name) or f"tep-{place}"
        files.append(File(name, attachment.media_type, paper.sha256, paper.size))
    return message, Handed(blob, tuple(files), f"sha256:{blob.sha256}")


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
