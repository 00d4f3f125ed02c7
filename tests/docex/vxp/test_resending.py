"""A document that expired, was taken back or refused is sent again by the same file: with a DocId of its own, and it
arrives."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from docex.edxml import Envelope, read, write
from docex.edxml.codes import BusinessKind, StatusCode
from docex.edxml.model import Business
from docex.exchange.hub.jobs import register_jobs
from docex.exchange.vxp.client import VxpClient
from kernel import clock
from tests.docex.office import Office
from tests.docex.vxp.conftest import ABROAD
from tests.docex.vxp.letters import a_letter, a_status
from tests.docex.vxp.test_exchange import FRIEND, agency_id, second_agency

pytestmark = [pytest.mark.one_database("postgresql"), pytest.mark.long_proof]
MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


class Pair:
    """A sender, a receiver and the letter between them."""

    def __init__(self, office: Office, here: VxpClient, there: VxpClient, letter: bytes) -> None:
        self.office, self.here, self.there, self.letter = office, here, there, letter

    def send(self, data: bytes = b"") -> str:
        """Hand it in. Answers its DocId."""
        number = self.here.send(data or self.letter, ABROAD)
        self.office.work()
        return number

    def waiting(self) -> list[str]:
        """The messages that the receiver finds."""
        return [line.doc_id for line in self.there.received("edoc")]

    def sent(self, number: str) -> tuple[str, str, bool]:
        """The answer of getSentEdocList: the state, its words, and whether there is a time of receipt."""
        (line,) = self.here.sent(number)
        return line["receiveStatus"], line["receiveStatusDesc"], bool(line["receivedTime"])


@pytest.fixture
def pair(office: Office, abroad: int, system: Callable[[int], VxpClient]) -> Any:
    """On a Monday morning, with the hub's jobs."""
    register_jobs(office.config, office.blobs)
    far = second_agency(office)
    with clock.frozen(MONDAY):
        here, there = system(abroad), system(agency_id(office, far.code))
        yield Pair(office, here, there, a_letter(FRIEND, far))


def recall_of(letter: bytes) -> bytes:
    message = read(letter)
    assert isinstance(message, Envelope)
    recall = Business(BusinessKind.RECALL, "Gửi nhầm", message.document_id)
    return write(replace(message, business=recall, attachments=()))


def expires(pair: Pair) -> None:
    clock.advance(timedelta(days=4))
    pair.office.work()


def is_taken_back(pair: Pair) -> None:
    pair.send(recall_of(pair.letter))


def is_refused(pair: Pair) -> None:
    (name,) = pair.waiting()
    pair.there.update_status(name, "done")
    pair.there.send(a_status(second(pair), ABROAD, StatusCode.REFUSED, "Sai nơi nhận"), "H97.01", "status")


def is_given_back(pair: Pair) -> None:
    (name,) = pair.waiting()
    pair.there.update_status(name, "done")
    pair.send(recall_of(pair.letter))
    pair.there.send(a_status(second(pair), ABROAD, StatusCode.RECALL_AGREED, "Đồng ý"), "H97.01", "status")


def second(pair: Pair) -> Any:
    message = read(pair.letter)
    assert isinstance(message, Envelope)
    return message.receivers[0]


@pytest.mark.parametrize(
    ("end", "state", "words", "received"),
    [
        (expires, "fail", "hạn", False),
        (is_taken_back, "fail", "Đã thu hồi trước khi nơi nhận lấy", False),
        (is_refused, "fail", "Từ chối tiếp nhận", True),
        (is_given_back, "done", "Đồng ý lấy lại", True),
    ],
)
def test_it_gets_another_id_and_arrives(
    pair: Pair, end: Callable[[Pair], None], state: str, words: str, received: bool
) -> None:
    first = pair.send()
    assert pair.send() == first
    assert pair.sent(first)[0] == "processing"
    end(pair)
    told = pair.sent(first)
    assert (told[0], told[2]) == (state, received)
    assert words in told[1]
    assert pair.waiting() == []

    anew = pair.send()
    assert anew != first
    assert pair.send() == anew
    (name,) = pair.waiting()
    assert pair.there.download(name, max_bytes=10**7) == pair.letter
    pair.there.update_status(name, "done")
    assert pair.sent(anew) == ("done", pair.sent(anew)[1], True)
    assert pair.sent(first) == told
    assert pair.send() == anew
