"""A recall that a sender asks for (13) comes into inbox/ beside the documents: once for each question, for people and
programs.

It may be killed between any two lines, and the order tells what was done: both files lie in telling/, then the note in
asked/ is written, then they move. With a note and nothing in telling/ they came, wherever the office has put them.
"""

import hashlib
import logging
import time
from datetime import date, datetime
from typing import Any

from docex.agent import responses
from docex.agent.errors import TransientError
from docex.agent.folders import Folders, bring, only_about, plain
from docex.agent.hub import Hub
from docex.edxml import EdxmlError, write
from docex.edxml.codes import StatusCode
from docex.edxml.model import Organ, ResponseFor, StatusMessage
from kernel import clock, faults
from kernel.text import one_line, phrase

log = logging.getLogger("lienthong.agent")
LOOK_S = 30.0


class AskedBack:
    """Brings one office the questions of senders."""

    def __init__(self, folders: Folders, hub: Hub) -> None:
        self.folders, self.hub = folders, hub
        self._due = 0.0

    def look(self, *, now: bool = False) -> None:
        """Ask the hub, every half minute or at once, and tell the office what is new. TransientError, after all others
        were told, when the hub asks something that makes no sense."""
        if not now and time.monotonic() < self._due:
            return
        self._due = time.monotonic() + LOOK_S
        open_ones, failed = set(), None
        for item in self.hub.recalls():
            try:
                with only_about(f"recall {item.get('document')}"):
                    open_ones.add(_key(item))
                    self._tell(item)
            except TransientError as error:
                failed = error
        if failed is not None:  # it may be one that is noted: which ones are answered is not known
            raise failed
        for note in self.folders.asked.iterdir():
            if note.name not in open_ones:  # answered
                note.unlink()

    def _tell(self, item: dict[str, Any]) -> None:
        key = _key(item)
        note, telling = self.folders.asked / key, self.folders.telling
        if not note.exists():
            self.folders.write(telling / f"{key}.txt", _for_people(item).encode())
            if data := _for_programs(item):
                self.folders.write(telling / f"{key}.edxml", data)
            faults.point("agent.recall_written")
            self.folders.write(note, b"")
            log.info("asked back: %s", item["document_id"])
        faults.point("agent.recall_noted")
        for path in sorted(telling.glob(f"{key}.*")):
            bring(path, self.folders.inbox, f"{_name(item)}.13{path.suffix}")
            faults.point("agent.recall_told")


def _key(item: dict[str, Any]) -> str:
    """The question: the same document can be asked back again after a refusal."""
    return f"{responses.number(item, 'document')}-{hashlib.sha256(str(item['asked_at']).encode()).hexdigest()[:16]}"


def _name(item: dict[str, Any]) -> str:
    number = responses.number(item, "id" if item["id"] else "document")
    return f"{number}-{plain(responses.text(item, 'code'))}"


def _for_people(item: dict[str, Any]) -> str:
    asks = phrase(
        "{sender} yêu cầu thu hồi văn bản {code} “{subject}”.",
        sender=one_line(item["sender"]["name"]),
        code=one_line(item["code"]),
        subject=one_line(item["subject"]),
    )
    reason = phrase("Lý do: {reason}", reason=one_line(item["reason"]) or "–")
    at = datetime.fromisoformat(item["asked_at"]).astimezone(clock.VN).strftime("%d/%m/%Y %H:%M")
    lines = [asks.vi, reason.vi, _ANSWER.vi, "", asks.en, reason.en, _ANSWER.en, "", at, one_line(item["document_id"])]
    return "\n".join(lines) + "\n"


def _for_programs(item: dict[str, Any]) -> bytes:
    """The same as the edXML status message 13; nothing when what is known does not make one."""
    issued_on = date.fromisoformat(item["issued_on"]) if item["issued_on"] else None
    about = ResponseFor(item["sender"]["code"], item["code"], item["document_id"], issued_on)
    at = datetime.fromisoformat(item["asked_at"])
    sender = Organ(item["sender"]["code"], item["sender"]["name"])
    try:
        return write(StatusMessage(sender, about, StatusCode.RECALL_ASKED, item["reason"], at))
    except EdxmlError:
        return b""


_ANSWER = phrase("Trả lời bằng tệp trạng thái 15 (đồng ý) hoặc 16 (từ chối, nêu lý do) đặt vào outbox.")
