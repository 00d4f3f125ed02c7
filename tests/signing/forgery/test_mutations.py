"""Whatever changes a pixel outside of later signatures' boxes, or adds an action, makes a paper not valid.

A few examples in the default lane; `LIENTHONG_EXAMPLES=full` tries 5,000 in all (ten minutes of one processor).
"""

import sys
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.misc import PdfError

from signing.verdicts.policy import DocumentKind, policy_for
from signing.verdicts.verdict import Value
from signing.verification.file_verification import verify
from tests.signing.forgery.conftest import FULL
from tests.signing.forgery.mutations import mutated
from tests.signing.forgery.papers import BY_NAME, sign_as_others
from tests.signing.forgery.pictures import Box, by_pdfium, same
from tests.signing.forgery.scribe import Scribe

NAMES = ("table-two", "table-stamped", "streams-two", "foreign-two", "pages-archived", "numbered-two", "linearised-two")
LENIENT = policy_for(DocumentKind.FOREIGN)
OWN_BOX: Box = (60, 40, 200, 80)
UNWRITABLE = (PdfError, KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError, AssertionError)
"""What pyHanko's writer and signer raise at papers that they cannot make anything of: no file, no forgery."""

INTEGER = st.integers(0, 9999)
STEPS = st.lists(st.tuples(INTEGER, INTEGER, st.tuples(INTEGER, INTEGER, INTEGER)), min_size=1, max_size=3)


def _examples(full: int, default: int) -> int:
    return full if FULL else default


def _try(scribe: Scribe, count: int, finish: Callable[[bytes], bytes], masks: dict[int, list[Box]]) -> Counter[str]:
    """Try that many files; what became of them."""
    seen: Counter[str] = Counter()
    honest = {name: scribe.stages(BY_NAME[name])[-1] for name in NAMES}
    shown = {name: by_pdfium(data) for name, data in honest.items()}
    trust = scribe.office.trust

    @settings(max_examples=count, derandomize=True, database=None)
    @given(st.sampled_from(NAMES), STEPS)
    def attempt(name: str, steps: list[tuple[int, int, tuple[int, int, int]]]) -> None:
        try:
            data, action = mutated(honest[name], steps)
            data = finish(data)
        except UNWRITABLE:
            seen["not written"] += 1
            return
        seen["written"] += 1
        now = by_pdfium(data)
        changed = bool(now) and not same(shown[name], now, masks)
        seen["changed"] += changed
        seen["action"] += action
        if changed or action:
            assert verify(data, trust, LENIENT).value is not Value.VALID

    attempt()
    return seen


@pytest.mark.timeout(3600)
def test_what_shows_or_does_something_else_behind_the_signatures_is_not_valid(scribe: Scribe) -> None:
    count = _examples(4500, 30)
    seen = _try(scribe, count, lambda data: data, {})
    sys.stdout.write(f"{dict(seen)}\n")
    assert seen["changed"] >= count / 10
    assert seen["action"] >= count / 50


@pytest.mark.long_proof
@pytest.mark.timeout(3600)
def test_nor_under_the_signature_of_an_attacker(scribe: Scribe) -> None:
    count = _examples(500, 6)

    def sign(data: bytes) -> bytes:
        return sign_as_others(data, scribe.attacker, "Khach", box=(60, 40, 200, 80))

    seen = _try(scribe, count, sign, {0: [OWN_BOX]})
    sys.stdout.write(f"{dict(seen)}\n")
    assert seen["changed"] >= count / 20
