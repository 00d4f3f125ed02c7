"""The signed state of a file beside the present one, as pages show it."""

from base64 import b64encode
from dataclasses import dataclass

from directory.actor import Actor
from docex.documents.models import Paper
from docex.documents.verification import verdict_store
from kernel.db import Tx
from kernel.errors import NotFound, Unavailable
from kernel.storage.blobs import BlobStore, read_all
from kernel.text import Phrase, phrase
from signing.rendering.change_pictures import Changes, signed_part, visible_changes
from signing.sandbox.runner import SandboxBusy
from signing.verdicts.verdict import Verdict

TIMEOUT_S = 10.0
"""How long somebody who is signed in waits for a free process."""
MAX_PAGES_NAMED = 12
"""Of pages that are named one by one."""


@dataclass(frozen=True)
class PageView:
    """A page of which something differs: its number, the picture as a data: address with a name for keeping it, and
    where the changed places are, in words."""

    page: int
    uri: str
    file: str
    places: tuple[Phrase, ...]


@dataclass(frozen=True)
class ChangesView:
    """The changes since `who` signed, in a sentence and in pictures; `left_out` says that there may be more."""

    who: str
    sentence: Phrase
    pages: tuple[PageView, ...]
    left_out: bool


@dataclass(frozen=True)
class Asked:
    """A stored paper of which the changes are asked for, and the verdict that speaks of them."""

    paper_id: int
    name: str
    sha256: str
    verdict: Verdict


def changes_view(found: Changes | None, verdict: Verdict, size: int) -> ChangesView | None:
    """The changes that were found in a file of so many bytes, for a page; None for none."""
    if found is None:
        return None
    end = found.signed or signed_part(verdict, size)
    who = next((one.name or one.field for one in verdict.signers if one.covers == end), "")
    pages = tuple(
        PageView(
            one.page,
            "data:image/png;base64," + b64encode(one.png).decode(),
            f"trang-{one.page}.png",
            one.where,
        )
        for one in found.shown
    )
    return ChangesView(who, _sentence(found, who), pages, found.left_out)


def _sentence(found: Changes, who: str) -> Phrase:
    if found.pages:
        numbers = ", ".join(map(str, found.pages[:MAX_PAGES_NAMED])) + (
            ", …" if len(found.pages) > MAX_PAGES_NAMED else ""
        )
        return phrase("So với bản mà {who} đã ký, tệp này hiện khác ở trang {pages}.", who=who, pages=numbers)
    if found.left_out:
        return phrase("Không vẽ được đủ các trang của tệp này để so với bản mà {who} đã ký.", who=who)
    return phrase(
        "Khi hệ thống vẽ lại, các trang vẫn như bản mà {who} đã ký: chỗ bị sửa không nhìn thấy được ở đây, "
        "nhưng có thể hiện ra trên phần mềm khác.",
        who=who,
    )


def question_for(tx: Tx, actor: Actor, paper_id: int) -> Asked:
    """A paper that the actor may see, whose newest verdict speaks of a change after signing; else it is not found."""
    verdict_store.verified_dispatch_for(tx, actor, paper_id)
    paper = tx.session.get_one(Paper, paper_id)
    newest = next((row for row in verdict_store.history(tx, paper_id) if row.as_of is None), None)
    verdict = Verdict.from_json(newest.report) if newest is not None else None
    if verdict is None or not signed_part(verdict, paper.size):
        raise NotFound()
    return Asked(paper.id, paper.name, paper.sha256, verdict)


def drawn(asked: Asked, blobs: BlobStore) -> ChangesView | None:
    """The changes in pictures, drawn now from the stored file; None when they cannot be.

    Unavailable when no process is free for it.
    """
    data = read_all(blobs, asked.sha256)
    try:
        found = visible_changes(data, asked.verdict, timeout_s=TIMEOUT_S)
    except SandboxBusy:
        raise Unavailable(phrase("Hệ thống đang kiểm tra nhiều tệp khác. Xin thử lại sau ít phút.")) from None
    return changes_view(found, asked.verdict, len(data))
