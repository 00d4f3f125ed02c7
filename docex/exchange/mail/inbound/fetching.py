"""Fetching an envelope that was too large for a partner's letter: from the link that the partner signed, and only the
very file that it signed for."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from docex.exchange.hub.webhooks import http_client
from docex.exchange.mail.inbound.parsing import Linked
from kernel.errors import DomainError, Invalid, NotFound
from kernel.outbox import Reason, SendError
from kernel.storage.blobs import PIECE
from kernel.text import phrase

READ_S = 60
MIN_BYTES_PER_S = 50_000
"""Bytes in a second: whoever sends fewer is hung up on."""


class NotTheFile(DomainError):
    """The file behind the link is not the one that the partner signed for."""

    status = 422
    code = "link_wrong"


class LinkEnded(NotFound):
    """The link leads to nothing any more."""

    code = "link_ended"


@contextmanager
def fetched(linked: Linked, *, most_bytes: int, anywhere: bool) -> Iterator[IO[bytes]]:
    """The file in a temporary one, checked against its SHA-256.

    For the performing side of jobs: asks the network. SendError when it may work later; a DomainError when it will not.
    """
    if linked.size > most_bytes:
        limit = most_bytes // 1_000_000
        raise Invalid({"file": phrase("Tệp lớn hơn mức cho phép ({limit} MB).", limit=limit)})
    http_client.check_address(linked.url, anywhere=anywhere)
    with tempfile.TemporaryFile() as file:
        try:
            _take(linked, file, anywhere=anywhere)
        except http_client.Refused as error:
            reason_phrase = phrase(
                "Chưa tải được tệp theo liên kết trong thư: {reason}", reason=http_client.words(error.reason)
            )
            raise SendError(
                Reason(reason_phrase, f"the link of the letter: {error.reason}"), permanent=False
            ) from error
        file.seek(0)
        yield file


def _take(linked: Linked, into: IO[bytes], *, anywhere: bool) -> None:
    digest, size = hashlib.sha256(), 0
    headers = {"User-Agent": "lienthong-mail/1"}
    # Our links answer to the press of a button, so that scanners that open every link take nothing.
    whole_s = READ_S + linked.size / MIN_BYTES_PER_S
    with http_client.posted(linked.url, b"", headers, anywhere=anywhere, read_s=READ_S, whole_s=whole_s) as answer:
        if answer.status in (403, 404, 410):
            raise LinkEnded(phrase("Liên kết tải tệp trong thư không còn dùng được."))
        if answer.status != 200:
            raise http_client.Refused(f"HTTP {answer.status}")
        for piece in answer.stream(PIECE):
            digest.update(piece)
            size += len(piece)
            if size > linked.size:
                break
            into.write(piece)
    if (size, digest.hexdigest()) != (linked.size, linked.sha256):
        raise NotTheFile(phrase("Tệp sau liên kết trong thư không đúng tệp mà nơi gửi đã ký."))
