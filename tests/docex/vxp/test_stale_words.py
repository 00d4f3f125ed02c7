# ruff: noqa: F811 - a fixture that takes another is named as its import
"""A status about a sending that is over goes to that sending, and never to the one that came after it."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from docex.documents.models import StatusLog
from docex.edxml.codes import StatusCode
from docex.exchange.vxp.systems import Given
from kernel.outbox import SendError
from tests.docex.office import Office
from tests.docex.vxp.conftest import ABROAD
from tests.docex.vxp.letters import a_status
from tests.docex.vxp.test_exchange import agency_id
from tests.docex.vxp.test_recalls_and_updates import recall_of, stand, statuses, update_of
from tests.docex.vxp.test_resending import Pair, expires, is_refused, is_taken_back, pair, second  # noqa: F401
from tests.docex.vxp.test_spellings import SdkObject

pytestmark = [pytest.mark.one_database("postgresql"), pytest.mark.long_proof]


def sent_twice(pair: Pair, end: Callable[[Pair], None]) -> tuple[str, str]:
    """A letter whose first sending ended; the DocIds of both sendings at the receiver."""
    pair.send()
    (old,) = pair.waiting()
    end(pair)
    pair.send()
    (new,) = pair.waiting()
    assert new != old
    return old, new


@pytest.mark.parametrize("end", [expires, is_taken_back])
@pytest.mark.parametrize("word", ["processing", "fail"])
def test_a_word_about_what_is_offered_no_more_is_refused_with_the_newer_id(
    pair: Pair, end: Callable[[Pair], None], word: str
) -> None:
    old, new = sent_twice(pair, end)
    before = stand(pair.office), words_said(pair.office)
    with pytest.raises(SendError, match=rf"21.*{new}"):
        pair.there.update_status(old, word)
    assert (stand(pair.office), words_said(pair.office)) == before
    assert pair.waiting() == [new]


@pytest.mark.parametrize(("end", "words"), [(expires, "hết hạn"), (is_taken_back, "rút khỏi trục")])
def test_without_a_newer_sending_the_refusal_says_only_why(pair: Pair, end: Callable[[Pair], None], words: str) -> None:
    pair.send()
    (old,) = pair.waiting()
    end(pair)
    with pytest.raises(SendError, match=words) as refused:
        pair.there.update_status(old, "processing")
    assert "gửi lại" not in str(refused.value)


@pytest.mark.parametrize("end", [expires, is_taken_back])
def test_that_the_older_one_was_fetched_all_the_same_is_said_of_the_older_one(
    pair: Pair, end: Callable[[Pair], None]
) -> None:
    old, new = sent_twice(pair, end)
    pair.there.update_status(old, "done")
    pair.office.work()
    assert stand(pair.office) == [("retrieved", ""), ("available", "")]
    assert pair.waiting() == [new]
    assert (pair.there.received("status"), statuses(pair.there)) == ([], [])  # a 13 would take back the newer one
    pair.there.update_status(new, "done")
    assert stand(pair.office) == [("retrieved", ""), ("retrieved", "")]


def test_a_word_about_a_refused_one_changes_nothing_of_either(pair: Pair) -> None:
    old, new = sent_twice(pair, is_refused)
    before = stand(pair.office)
    pair.there.update_status(old, "done")
    assert stand(pair.office) == before == [("02", ""), ("available", "")]
    assert pair.waiting() == [new]


def test_what_an_update_replaced_is_acknowledged_by_its_own_id(pair: Pair) -> None:
    pair.send()
    (old,) = pair.waiting()
    pair.send(update_of(second(pair)))
    assert pair.waiting()[0] == old
    (new,) = pair.waiting()[1:]
    pair.there.update_status(new, "done")
    assert [step for step, _ in stand(pair.office)] == ["available", "retrieved"]
    assert pair.waiting() == [old]
    pair.there.update_status(old, "done")
    assert [step for step, _ in stand(pair.office)] == ["retrieved", "retrieved"]
    pair.there.send(a_status(second(pair), ABROAD, StatusCode.REGISTERED), "H97.01", "status")
    assert [step for step, _ in stand(pair.office)] == ["retrieved", "03"]


def test_a_recall_is_acknowledged_beside_a_spelling_that_is_done(
    pair: Pair, url: str, given: Callable[[int], Given]
) -> None:
    sdk = SdkObject(url, given(agency_id(pair.office, "H97.01")))
    pair.send()
    (name,) = pair.waiting()
    sdk.call("updateStatus", docid=name, status="done")
    pair.send(recall_of(second(pair)))
    (recall,) = names(sdk)
    assert sdk.call("updateStatus", docId=recall, status="done")["ErrorCode"] == "0"
    assert names(sdk) == []


def test_a_spelling_of_a_sending_that_is_over_does_not_stand_for_the_newer_one(
    pair: Pair, url: str, given: Callable[[int], Given]
) -> None:
    sdk = SdkObject(url, given(agency_id(pair.office, "H97.01")))
    pair.send()
    (old,) = pair.waiting()
    assert sdk.call("updateStatus", docid=old, status="processing")["ErrorCode"] == "0"
    is_taken_back(pair)
    pair.send()
    (new,) = pair.waiting()
    assert sdk.call("updateStatus", docId=new, status="done")["ErrorCode"] == "0"
    assert stand(pair.office) == [("available", "15"), ("retrieved", "")]
    assert names(sdk) == []


def names(sdk: SdkObject) -> list[str]:
    return [line["docId"] for line in sdk.call("getReceivedEdocList", messagetype="edoc")["data"]]


def words_said(office: Office) -> int:
    with office.db.read() as tx:
        return tx.session.scalar(sa.select(sa.func.count()).select_from(StatusLog)) or 0
