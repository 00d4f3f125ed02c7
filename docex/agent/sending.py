"""Handing in what lies in outbox/.

It may be killed between any two lines. The hub answers the same bytes under the same key with the same receipt, so
that everything up to the move into sent/ can be done again; a large file goes on at the piece where it was cut.
"""

import hashlib
import logging
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from docex.agent import responses
from docex.agent.errors import Gone, Refused, TransientError, Unreachable
from docex.agent.folders import Folders, as_json, bring, free_name, move, only_about, shown, stem_of
from docex.agent.following import follow_from_now
from docex.agent.hub import Hub, Upload, WrongHash
from docex.agent.outbox import Changed, Letter, NotAFile, Outbox, State
from docex.agent.status_file import OUTBOX, REASON, Board
from docex.edxml import EdxmlError, StatusMessage, read
from kernel import clock, faults
from kernel.text import Phrase, phrase

log = logging.getLogger("lienthong.agent")
AT_ONCE = 4 << 20
"""Bytes that are handed in with one call; what is larger goes in pieces, so that a cut costs one piece."""
FRUITLESS = 5


class Sender:
    """Sends one office's letters. `stop` ends a long upload between two pieces."""

    def __init__(self, folders: Folders, hub: Hub, board: Board, stop: threading.Event) -> None:
        self.folders, self.hub, self.board, self.stop = folders, hub, board, stop
        self.outbox = Outbox(folders)

    def send(self) -> int:
        """Hand in everything that is ready. Answers how many files left outbox/. Unreachable when the hub or the disk
        is away; one file that does not work keeps no other waiting."""
        done = 0
        self.folders.put_back_what_is_leaving()  # a full disk let it go no further
        for path in self.outbox.ready():
            if self.stop.is_set():
                break
            done += self._send_one(path)
        self.board.note_sub_folders(self.outbox.sub_folders)
        self.board.keep_only(OUTBOX, [OUTBOX + shown(name) for name in self.outbox.names])
        return done

    def _send_one(self, path: Path) -> bool:
        try:
            with only_about(shown(path.name)):
                return self._send_what_lies_there(path)
        except TransientError as failed:
            self._later(path, failed)
            return False

    def _send_what_lies_there(self, path: Path) -> bool:
        try:
            with self.outbox.opened(path) as letter:
                try:
                    answer = self._hand_over(letter)
                except Refused as refused:
                    return self._refused(letter, refused)
                faults.point("agent.submitted")
                return self._keep(letter, answer)
        except FileNotFoundError:
            return False  # the office took it back
        except Changed:
            self.outbox.forget(path)
            return False
        except NotAFile:
            return self._lay_aside(path, None, "not_a_file", _LINK)

    def _hand_over(self, letter: Letter) -> dict[str, Any]:
        """Bring the letter to the hub; its answer is about exactly these bytes, with a checked receipt."""
        data = b""
        if letter.size <= AT_ONCE:
            data = letter.file.read(AT_ONCE + 1)
            letter.must_be_unchanged()
            digest = hashlib.sha256(data).hexdigest()
            answer = self.hub.submit(data, _key(digest))
        else:
            digest = self.outbox.digest_of(letter)
            answer = self.hub.submit_upload(self._bring_in_pieces(letter, digest).id, _key(digest))
        if answer.get("sha256") != digest:
            raise Unreachable(phrase("Trục xác nhận một tệp khác với tệp đã gửi. Xin báo quản trị trục."))
        responses.number(answer, "id")
        if answer.get("receipt") is None and "status_id" in answer and _is_status(data):
            responses.number(answer, "status_id")
        else:
            self.hub.check(_receipt_in(answer), kind="submitted", sha256=digest)
        return answer

    def _bring_in_pieces(self, letter: Letter, digest: str) -> Upload:
        for _ in range(2):
            try:
                return self._pieces(letter, self.hub.announce(letter.size, digest))
            except Gone:  # it lay too long and was swept
                continue
        raise TransientError(phrase("Trục không nhận ra tệp đang tải lên."))

    def _pieces(self, letter: Letter, upload: Upload) -> Upload:
        faults.point("agent.announced")
        fruitless = 0
        while not upload.whole:
            if self.stop.is_set() or fruitless > FRUITLESS:
                raise TransientError(phrase("Việc tải lên bị dừng; sẽ tải tiếp."))
            before = upload.offset
            if upload.offset < letter.size:
                letter.file.seek(upload.offset)
                piece = letter.file.read(upload.piece)
                if not piece:
                    raise Changed
                upload = self.hub.put_piece(upload, upload.offset, piece)
                faults.point("agent.piece_sent")
            else:
                upload = self._finish(letter, upload)
            fruitless = 0 if upload.whole or upload.offset > before else fruitless + 1
        faults.point("agent.uploaded")
        return upload

    def _finish(self, letter: Letter, upload: Upload) -> Upload:
        try:
            return self.hub.finish(upload)
        except WrongHash:  # a power failure at the hub, or somebody wrote into the file meanwhile
            letter.must_be_unchanged()
            return replace(upload, offset=0)

    def _keep(self, letter: Letter, answer: dict[str, Any]) -> bool:
        number, name = answer["id"], letter.path.name
        if answer.get("receipt") is None:
            note = self.folders.receipts / f"{stem_of(name)}.status-{answer['status_id']}.json"
            self.folders.keep(note, as_json(answer))
        else:
            follow_from_now(self.folders, self.hub.wire.url, name, answer)
        faults.point("agent.receipt_kept")
        taken = self.outbox.take(letter.path, letter.state)
        if taken is not None:
            bring(taken, self.folders.sent, name)
        faults.point("agent.sent")
        log.info("sent %s: number %s", shown(name), number)
        return taken is not None

    def _refused(self, letter: Letter, refused: Refused) -> bool:
        letter.must_be_unchanged()
        if self.outbox.is_doubtful(letter.path):
            return False
        return self._lay_aside(letter.path, letter.state, refused.code, (refused.vi, refused.en))

    def _lay_aside(self, path: Path, state: State | None, code: str, why: tuple[str, str] | Phrase) -> bool:
        taken = self.outbox.take(path, state)
        if taken is None:
            return False
        vi, en = why if isinstance(why, tuple) else (why.vi, why.en)
        at = clock.now().astimezone(clock.VN).isoformat(timespec="seconds")
        self._move_into_error(taken, f"{vi}\n{en}\n[{code}] {at}\n".encode())
        faults.point("agent.laid_aside")
        self.board.note_laid_aside(path.name)
        log.warning("refused %s: %s", shown(path.name), code)
        return True

    def _move_into_error(self, taken: Path, sentence: bytes) -> None:
        """The reason comes first, so that no file is ever there without one."""
        target = free_name(self.folders.error, taken.name)
        reason = target.with_name(f"{target.name}{REASON}")
        self.folders.write(reason, sentence)
        faults.point("agent.reason_kept")
        try:
            move(taken, target)
        except FileExistsError:  # the office was quicker, and its file is not what this is about
            reason.unlink(missing_ok=True)
            self._move_into_error(taken, sentence)

    def _later(self, path: Path, failed: TransientError) -> None:
        pause_s = self.outbox.later(path)
        self.board.is_wrong(OUTBOX + shown(path.name), failed.words)
        log.warning("%s is tried again in %.0f s: %s", shown(path.name), pause_s, failed)


def _receipt_in(answer: dict[str, Any]) -> str:
    receipt = answer.get("receipt")
    if isinstance(receipt, dict) and isinstance(receipt.get("jws"), str):
        return str(receipt["jws"])
    raise TransientError(phrase("Trục không đưa biên nhận cho tệp này, nên chưa coi là đã gửi. Xin báo quản trị trục."))


def _is_status(data: bytes) -> bool:
    """Whether the file is a status message, which alone is taken without a receipt."""
    try:
        return isinstance(read(data), StatusMessage)
    except EdxmlError:
        return False


def _key(digest: str) -> str:
    return f"agent:{digest}"


_LINK = phrase("Đây là liên kết hoặc không phải tệp thường. Chỉ gửi được tệp; xin chép chính tệp đó vào outbox.")
