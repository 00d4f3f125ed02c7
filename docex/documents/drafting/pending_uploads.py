"""Files of a form that was refused: they are stored, so they need not be chosen and sent again.

The form carries them as signed words that only the person who uploaded them can hand in.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from directory.actor import Actor
from docex.documents.papers.files import File
from kernel import cursors
from kernel.errors import Invalid
from kernel.storage.blobs import BlobStore
from kernel.text import Phrase


@dataclass(frozen=True)
class Brought:
    """The files that a form brought, and the faults of them and of the text. `main` is the paper itself."""

    main: File | None
    attachments: tuple[File, ...]
    wrong: dict[str, Phrase]


@dataclass(frozen=True)
class KeptFile:
    """A stored file as the form shows it: a box that is ticked, with its word."""

    word: str
    name: str
    size: int


def kept(secret: str, actor: Actor, files: Iterable[File]) -> tuple[KeptFile, ...]:
    """The files for the form that is shown again."""
    of = _of(actor)
    return tuple(
        KeptFile(cursors.seal(secret, of, file.name, file.media_type, file.sha256, file.size), file.name, file.size)
        for file in files
    )


def taken_up(secret: str, actor: Actor, words: Iterable[str], blobs: BlobStore) -> tuple[File, ...]:
    """The files behind the words of a form, each once; a word that is not this person's counts for nothing, nor one
    whose file was swept because the form lay for a week."""
    files: dict[str, File] = {}
    for word in words:
        try:
            name, media_type, sha256, size = cursors.opened(secret, _of(actor), word)
        except Invalid:
            continue
        if blobs.renew(str(sha256)):
            files[sha256] = File(str(name), str(media_type), str(sha256), int(size))
    return tuple(files.values())


def _of(actor: Actor) -> str:
    return f"docex.kept:{actor.person_id}:{actor.agency_id}"
