"""A file from outside becomes a message for the hub: read in pieces, looked at for malware, stored with its papers.

Whichever way it comes, nothing of a file that is refused stays, and neither it nor a paper stands whole in memory.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from docex import edxml
from docex.drafting import File
from docex.edxml import Envelope, Limits, StatusMessage, papers
from docex.hub import malware
from kernel.blobs import Blob, BlobStore, Draft, drafts, fingerprint


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

    def malware(self, clamd: str) -> str:
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

    def keep(self) -> tuple[File, ...]:
        """Store the file and its papers for good. Answers the papers."""
        if not self._is_stored:
            self._file.seek(0)
            self._blobs.put(self._file)
        files = []
        for place, (attachment, draft) in enumerate(self._papers(), start=1):
            blob = draft.keep()
            name = papers.plain_name(attachment.name) or f"tep-{place}"
            files.append(File(name, attachment.media_type, blob.sha256, blob.size))
        return tuple(files)

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
