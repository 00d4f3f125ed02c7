"""The hub's evidence log, watched from the office: each poll brings the newest signed head, and it must hold everything
that the last one held.

What does not fit is refused: the head that we have stays, both are put into error/ as evidence, and status.txt says so
until it fits again. Letters go on meanwhile; a hub that was restored from a backup must not stop its offices.
"""

import json
import logging
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from docex.agent.errors import TransientError, both
from docex.agent.folders import Folders
from docex.agent.hub import Hub
from docex.agent.status_file import Board
from kernel import clock
from kernel.text import Phrase, phrase
from signing.log import merkle

log = logging.getLogger("lienthong.agent")
WHAT = "nhật ký / log"


@dataclass(frozen=True)
class Head:
    """A signed state of the log."""

    jws: str
    size: int
    root: bytes


class Watch:
    """Keeps the newest head of one hub, and refuses those that do not fit it."""

    def __init__(self, folders: Folders, hub: Hub, board: Board) -> None:
        self.folders, self.hub, self.board = folders, hub, board
        # Another hub has another log: its heads are kept for themselves.
        self._path = folders.notes / f"log-{sha256(hub.wire.url.encode()).hexdigest()[:16]}.json"
        self._known = self._kept()

    def look(self, jws: str) -> None:
        """Look at the head that a poll brought; "" from a hub without a log. The first head that is seen is
        believed."""
        if not jws or (self._known is not None and jws == self._known.jws):
            return
        try:
            wrong = self._problem_of(jws)
        except TransientError as failed:  # asked again with the next poll
            log.warning("the log could not be checked: %s", failed)
            return
        if wrong is None:
            self.board.is_fine(WHAT)
            return
        self.board.is_wrong(WHAT, wrong)
        self._keep_evidence(jws, wrong)

    def _problem_of(self, jws: str) -> Phrase | None:
        """The fault of a head; the one that fits is kept."""
        claims = self.hub.signed(jws)
        head = _head(jws, claims) if claims is not None else None
        if head is None:
            return phrase("Mốc nhật ký không có chữ ký đúng của trục; tác tử không nhận. Xin báo quản trị trục.")
        known = self._known
        if known is not None and not self._fits(known, head):
            return phrase(
                "Trục đưa ra nhật ký khác với nhật ký đã đưa trước đây (mốc {old}, nay {new}): có dòng bị sửa hoặc bỏ. "
                "Tác tử không nhận mốc này. Xin giữ tệp trong error và báo quản trị trục.",
                old=known.size,
                new=head.size,
            )
        if known is None or head.size > known.size:
            self.folders.write_json(self._path, {"jws": head.jws, "size": head.size, "root": head.root.hex()})
            self._known = head
        return None

    def _fits(self, known: Head, head: Head) -> bool:
        """Whether the smaller of both is the beginning of the larger one."""
        first, second = (known, head) if known.size <= head.size else (head, known)
        if first.size == second.size:
            return first.root == second.root
        path = self.hub.consistency(first.size, second.size)
        return path is not None and merkle.is_consistent(first.size, first.root, second.size, second.root, path)

    def _keep_evidence(self, jws: str, wrong: Phrase) -> None:
        target = self.folders.error / f"log-{sha256(jws.encode()).hexdigest()[:16]}.txt"
        if target.exists():
            return
        at = clock.now().astimezone(clock.VN).isoformat(timespec="seconds")
        ours = self._known.jws if self._known else "-"
        self.folders.write(target, f"{wrong.vi}\n{wrong.en}\n[log] {at}\n\n{ours}\n\n{jws}\n".encode())
        log.error("%s", both(wrong))

    def _kept(self) -> Head | None:
        try:
            told = json.loads(self._path.read_bytes())
            return _head(told["jws"], told)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            log.warning("%s cannot be read; the next head is believed", self._path.name)
            return None


def _head(jws: str, claims: dict[str, Any]) -> Head | None:
    """The head that a statement describes, None when it is about something else."""
    size, root = claims.get("size"), claims.get("root")
    if not isinstance(size, int) or size < 1 or not isinstance(root, str):
        return None
    try:
        return Head(jws, size, bytes.fromhex(root))
    except ValueError:
        return None
