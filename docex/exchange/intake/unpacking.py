"""A file from outside becomes a message for the hub: read in pieces, looked at for malware, stored with its papers.

Whichever way it comes, nothing of a file that is refused stays, and neither it nor a paper stands whole in memory: what
can be refused is refused first, then it is looked at for malware, and only then it is stored.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import IO

from directory.actor import Actor
from docex import edxml
from docex.documents.papers.files import File
from docex.edxml import Envelope, Limits, StatusMessage, papers, repaired
from docex.edxml.strictness import is_unreadable
from docex.exchange.hub import receipts
from docex.exchange.hub.uploads import malware
from docex.exchange.intake.acceptance import Handed
from kernel.db import Database
from kernel.storage.blobs import Blob, BlobStore, Draft, drafts, fingerprint


class Unpacked:
    """A message that was read, while its file and its papers are still on their way into the store.

    `blob` is what the file is, or will be, called there.
    """

    def __init__(
        self, blobs: BlobStore, file: IO[bytes], message: Envelope | StatusMessage, stored: Blob | None
    ) -> None:
        self.message = message
        self.blob = stored or fingerprint(file)
        self._blobs, self._file, self._is_stored = blobs, file, stored is not None

    def kept(
        self,
        handed: Handed,
        is_new: Callable[[], bool],
        clamd: str,
        refusal: Callable[[str], malware.Found] = malware.Found,
    ) -> Handed:
        """Store a message that has still to be taken in, with its papers. `is_new` says so, and refuses what can be
        refused (intake.is_new); `refusal` makes that of malware."""
        if not is_new():
            return replace(handed, is_repeat=True)
        if clamd and (name := self._malware(clamd)):
            raise refusal(name)
        with drafts(self._blobs) as shelf:
            copy = self._repaired(shelf)
            files, blob = self._keep_all(copy)
        return replace(handed, files=files, repaired=blob)

    def _malware(self, clamd: str) -> str:
        """The name of what the scanner finds in the file or in one of its papers, or empty; Unavailable when it
        cannot say."""
        self._file.seek(0)
        if found := malware.scan(clamd, self._file):
            return found
        for _, draft in self._papers():
            with draft.open() as paper:
                if found := malware.scan(clamd, paper):
                    return found
        return ""

    def _repaired(self, shelf: Callable[[], Draft]) -> Draft | None:
        """The copy for systems that cannot read the file as it came; None when they can."""
        if not isinstance(self.message, Envelope) or not is_unreadable(self.message.notes):
            return None
        copy = shelf()
        for piece in repaired(self.message):
            copy.write(piece)
        return copy

    def _keep_all(self, copy: Draft | None) -> tuple[tuple[File, ...], Blob | None]:
        """Store the file, its papers and its repaired copy for good, all at once. Answers the papers and the copy."""
        found = list(self._papers())
        more = [] if copy is None else [copy]
        blobs = self._keep([*(draft for _, draft in found), *more])
        papers_stored, copies = blobs[: len(found)], blobs[len(found) :]
        files = tuple(
            File(papers.plain_name(attachment.name) or f"tep-{place}", attachment.media_type, blob.sha256, blob.size)
            for place, ((attachment, _), blob) in enumerate(zip(found, papers_stored, strict=True), start=1)
        )
        return files, copies[0] if copies else None

    def _keep(self, these: list[Draft]) -> list[Blob]:
        if self._is_stored:
            return self._blobs.keep(these)
        with drafts(self._blobs) as shelf:
            whole = shelf()
            self._file.seek(0)
            whole.fill(self._file)
            return self._blobs.keep([*these, whole])[:-1]

    def _papers(self) -> Iterator[tuple[edxml.Attachment, Draft]]:
        for attachment in self.message.attachments if isinstance(self.message, Envelope) else ():
            assert isinstance(attachment.file, Draft)
            yield attachment, attachment.file


@contextmanager
def unpacked(blobs: BlobStore, file: IO[bytes], limits: Limits, stored: Blob | None = None) -> Iterator[Unpacked]:
    """Read a file in which it is possible to go back; `stored` when it lies in the store already. EdxmlError when it
    cannot be read. Papers that are not kept inside the block are gone after it."""
    with drafts(blobs) as shelf:
        yield Unpacked(blobs, file, edxml.read_file(file, limits, shelf), stored)


def infected(db: Database, actor: Actor, handed: Handed, name: str) -> malware.Found:
    """The refusal of malware, with a signed receipt, which is written although nothing else of the file is kept."""
    blob = handed.envelope
    with db.write(actor.by) as tx:
        row = receipts.refused(tx, actor.agency_id, handed.message_id, blob.sha256, blob.size, name)
    return malware.Found(name, receipts.shown(row))
