"""Reports of mail servers and mail programs about a letter of ours: bounces (RFC 3464), read receipts (RFC 8098)."""

import re
from dataclasses import dataclass
from email.message import EmailMessage, Message
from typing import cast

_ID = re.compile(r"<[^<>\s]{1,240}>")
_REASON_LENGTH = 300


@dataclass(frozen=True)
class Report:
    """One report about one letter. `action` is failed, delayed, delivered, relayed, expanded or displayed."""

    message_id: str
    action: str
    reason: str


def report_in(top: EmailMessage) -> Report | None:
    """The report that this message is; None when it is none, or about nothing that can be found again."""
    if top.get_content_type() != "multipart/report" or not top.is_multipart():
        return None
    action, reason, about = "", "", ""
    for part in cast(list[EmailMessage], top.get_payload()):
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            action, reason = _delivery(part)
        elif kind == "message/disposition-notification":
            action, about = _disposition(part)
        elif kind in ("message/rfc822", "text/rfc822-headers"):
            about = about or _original(part)
    return Report(about, action, reason) if action and about else None


def _delivery(part: Message) -> tuple[str, str]:
    """The worst that is said about a recipient: letters of ours have only one."""
    blocks = part.get_payload()
    for block in blocks if isinstance(blocks, list) else []:
        action = str(block.get("Action", "")).strip().lower() if isinstance(block, Message) else ""
        if action:
            assert isinstance(block, Message)
            diagnostic = str(block.get("Diagnostic-Code", "")).partition(";")[2].strip()
            status = str(block.get("Status", "")).strip()
            return action, " ".join(f"{status} {diagnostic}".split())[:_REASON_LENGTH]
    return "", ""


def _disposition(part: Message) -> tuple[str, str]:
    blocks = part.get_payload()
    text = str(blocks[0]) if isinstance(blocks, list) and blocks else str(blocks)
    found = re.search(r"^Original-Message-ID:\s*(<[^<>\s]+>)", text, re.MULTILINE | re.IGNORECASE)
    shown = re.search(r"^Disposition:[^;]*;\s*displayed", text, re.MULTILINE | re.IGNORECASE)
    return ("displayed" if shown else "", found.group(1) if found else "")


def _original(part: Message) -> str:
    inner = part.get_payload()
    if isinstance(inner, list) and inner and isinstance(inner[0], Message):
        text = f"Message-ID: {inner[0].get('Message-ID', '')}"
    else:
        data = part.get_payload(decode=True)
        text = data.decode("ascii", "replace") if isinstance(data, bytes) else ""
    line = re.search(r"^Message-ID:\s*(.*)$", text, re.MULTILINE | re.IGNORECASE)
    found = _ID.search(line.group(1)) if line else None
    return found.group() if found else ""
