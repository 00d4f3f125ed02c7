"""How far each letter has come at each receiver, written beside its receipt until nothing more is to come.

receipts/NAME.NUMBER/ holds `submitted.jws`, one file for each receipt about a receiver (`H98.07.retrieved.jws`),
`states.json` for programs and `states.txt` for people.
"""

import hashlib
import json
import logging
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from docex.agent import responses
from docex.agent.errors import Gone, TransientError
from docex.agent.folders import Folders, code_name, only_about, shown, stem_of
from docex.agent.hub import Hub
from docex.agent.status_file import Board
from docex.edxml.progress import PROGRESS_WORDS, RECALL_WORDS, Progress, Recall
from kernel import clock, faults
from kernel.text import Phrase, one_line, phrase

log = logging.getLogger("lienthong.agent")
MIN_PAUSE_S = 0.25
SLOWER = 1.5
ON_ITS_WAY_S = 600.0
"""The longest pause while somebody has not fetched it yet; later steps are the work of days."""
LATER_S = 3600.0
FORGOTTEN_AFTER = timedelta(days=120)
AT_ONCE = 10
FEW = 3
SUBMITTED = "submitted.jws"
_ON_ITS_WAY = frozenset({Progress.SUBMITTED.value, Progress.AVAILABLE.value})
_LOST = frozenset({Progress.EXPIRED.value, Progress.UNDELIVERABLE.value})
_OVER = frozenset({Progress.REFUSED.value, Progress.DONE.value})
_AGREED = Recall.AGREED.value


def follow_from_now(folders: Folders, hub_url: str, name: str, answer: dict[str, Any]) -> None:
    """Keep the receipt of a letter, and follow the letter. The same letter under another name has the first one's
    folder. Another letter has another one, also when the hub gives it a number that was used before: a hub does that
    after it was restored from a backup, and the first letter's receipt is then all that proves it."""
    number, sha256, receipt = answer["id"], answer["sha256"], str(answer["receipt"]["jws"]).encode()
    note = folders.following / f"{number}-{sha256[:16]}.json"
    folder = folders.receipts / f"{stem_of(name)}.{number}"
    if note.exists():
        folder = folders.receipts / str(json.loads(note.read_text(encoding="utf-8"))["folder"])
    if is_anothers := _holds_another(folder, receipt):
        # Named by the receipt, so that after a kill it is the same one again.
        folder = folders.receipts / f"{stem_of(name)}.{number}-{hashlib.sha256(receipt).hexdigest()[:8]}"
    folders.keep(folder / SUBMITTED, receipt)
    faults.point("agent.submission_kept")
    if is_anothers or not note.exists():
        at = clock.now().isoformat(timespec="seconds")
        about = {"folder": folder.name, "name": shown(name), "since": at, "sha256": sha256, "hub": hub_url}
        folders.write_json(note, about)


def _holds_another(folder: Path, receipt: bytes) -> bool:
    kept = folder / SUBMITTED
    return kept.exists() and kept.read_bytes() != receipt


class Follower:
    """Asks after letters: soon after something happened, less and less often while nothing does."""

    def __init__(self, folders: Folders, hub: Hub, board: Board) -> None:
        self.folders, self.hub, self.board = folders, hub, board
        self._due: dict[str, float] = {}
        self._pause_s: dict[str, float] = {}

    def follow(self, *, all_of_them: bool = False) -> None:
        """Ask after the letters whose turn it is."""
        now = time.monotonic()
        notes = {note.name: note for note in self.folders.following.glob("*.json")}
        self._due = {name: at for name, at in self._due.items() if name in notes}
        self._pause_s = {name: pause for name, pause in self._pause_s.items() if name in notes}
        due = [name for name in notes if all_of_them or self._due.get(name, 0.0) <= now]
        for name in sorted(due, key=lambda name: self._due.get(name, 0.0))[: None if all_of_them else AT_ONCE]:
            try:
                with only_about(name):
                    news = self._look(notes[name])
            except (Gone, TransientError) as error:
                log.warning("letter %s cannot be followed now: %s", notes[name].stem, error)
                news = None
            self._plan(name, news)

    def _plan(self, name: str, news: list[dict[str, Any]] | None) -> None:
        on_its_way = news is not None and any(one["state"] in _ON_ITS_WAY for one in news)
        longest_s = ON_ITS_WAY_S if on_its_way else LATER_S
        pause_s = min(self._pause_s.get(name, MIN_PAUSE_S / SLOWER) * SLOWER, longest_s)
        self._pause_s[name] = pause_s
        self._due[name] = time.monotonic() + pause_s

    def _look(self, note: Path) -> list[dict[str, Any]]:
        """Ask after one letter. What is new is written receipts first, so that a kill in between makes it new again."""
        number, about = int(note.stem.partition("-")[0]), json.loads(note.read_text(encoding="utf-8"))
        is_too_old = datetime.fromisoformat(about["since"]) < clock.now() - FORGOTTEN_AFTER
        told = self.hub.states(number)
        # A note from before notes held the hash has to believe the hub.
        if (sha256 := about.get("sha256", told.get("sha256"))) != told.get("sha256"):
            self._is_unknown(note, number, about, is_too_old)
            return []
        deliveries = responses.items(told, "deliveries")
        folder = self.folders.receipts / str(about["folder"])
        changed = _changed(folder / "states.json", deliveries)
        if changed:
            self._pause_s.pop(note.name, None)
            self._keep_receipts(folder, number, sha256, [one["code"] for one in changed])
            self._tell_of_losses(folder, about["name"], number, changed)
            self.folders.write(folder / "states.txt", _for_people(about["name"], number, told).encode())
            faults.point("agent.states_told")
            self.folders.write_json(folder / "states.json", told)
            faults.point("agent.states_kept")
        if (deliveries and all(_is_over(one) for one in deliveries)) or is_too_old:
            note.unlink()
        return deliveries

    def _is_unknown(self, note: Path, number: int, about: dict[str, Any], is_too_old: bool) -> None:
        """The hub does not know the letter, or the number is another letter's now. The office is told when it is the
        hub that took it; one at another address may never have."""
        if is_its_hub := about["hub"] == self.hub.wire.url:
            told = (_UNKNOWN.vi, _UNKNOWN.en, f"{about['name']} (số / number {number})", f"receipts/{about['folder']}")
            self.folders.write(self.folders.error / f"{about['folder']}.lost.txt", ("\n".join(told) + "\n").encode())
            faults.point("agent.loss_told")
        log.warning("letter %s, taken by %s, is not known to %s", number, about["hub"], self.hub.wire.url)
        if is_its_hub or is_too_old:
            note.unlink()

    def _keep_receipts(self, folder: Path, number: int, sha256: str, codes: list[str]) -> None:
        for code in codes if len(codes) <= FEW else [""]:
            for receipt in self.hub.receipts(number, code):
                if receipt["code"] is None:
                    continue
                path = folder / f"{code_name(receipt['code'])}.{code_name(receipt['kind'])}.jws"
                if not path.exists():
                    self.hub.check(receipt["jws"], kind=receipt["kind"], sha256=sha256)
                    self.folders.write(path, str(receipt["jws"]).encode())
                    faults.point("agent.evidence_kept")

    def _tell_of_losses(self, folder: Path, name: str, number: int, changed: Iterable[dict[str, Any]]) -> None:
        """The office looks into error/, not into receipts/, for what needs its attention."""
        for one in changed:
            words = _word(one)
            if one["state"] not in _LOST:
                continue
            path = self.folders.error / f"{folder.name}.{code_name(one['code'])}.{one['state']}.txt"
            lines = [_NOT_ARRIVED.vi, _NOT_ARRIVED.en, f"{name} (số / number {number})", _receiver(one, words)]
            self.folders.write(path, ("\n".join(lines) + "\n").encode())
            log.warning("letter %s did not arrive at %s: %s", number, one["code"], one["state"])
            faults.point("agent.loss_told")


_NOT_ARRIVED = phrase("Văn bản này chưa đến được nơi nhận dưới đây. Xin liên hệ nơi nhận hoặc gửi cách khác.")


_UNKNOWN = phrase(
    "Trục đã nhận văn bản này (biên nhận còn ở receipts) nhưng nay không còn biết, có thể vì trục được khôi phục từ "
    "bản sao lưu. Xin báo quản trị trục và gửi lại."
)


def _changed(known: Path, deliveries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    before: dict[str, Any] = {}
    with suppress(OSError, ValueError, KeyError, TypeError):
        before = {one["code"]: one for one in json.loads(known.read_text(encoding="utf-8"))["deliveries"]}
    return [one for one in deliveries if before.get(one["code"]) != one]


def _is_over(one: dict[str, Any]) -> bool:
    return one["state"] in _OVER or one.get("recall") == _AGREED


def _for_people(name: str, number: int, told: dict[str, Any]) -> str:
    lines = [f"{name} (số / number {number})", f"{_at(told['received_at'])}  {_TAKEN.vi} / {_TAKEN.en}", ""]
    return "\n".join([*lines, *(_receiver(one, _word(one)) for one in told["deliveries"])]) + "\n"


_TAKEN = phrase("trục đã nhận")


def _receiver(one: dict[str, Any], words: list[Phrase]) -> str:
    sentence = "; ".join(f"{word.vi} / {word.en}" for word in words)
    reason = f"\n    {one_line(one['reason'])}" if one.get("reason") else ""
    return f"{_at(one['changed_at'])}  {one_line(one['code'])}  {one_line(one['name'])}: {sentence}{reason}"


def _word(one: dict[str, Any]) -> list[Phrase]:
    found = [words for state, words in PROGRESS_WORDS.items() if state.value == one["state"]]
    found += [words for state, words in RECALL_WORDS.items() if state.value == one.get("recall")]
    return found or [phrase("trạng thái {code}", code=one_line(str(one["state"]))[:40])]


def _at(instant: str) -> str:
    return datetime.fromisoformat(instant).astimezone(clock.VN).strftime("%d/%m/%Y %H:%M")
