"""What a child says is read as what its work is declared to answer. Nothing else that it says does anything here."""

import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Any, cast, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docex.documents.papers.signature_placement import spot_for
from docex.documents.search import text_probe
from docex.official import pdf_probe, rendering
from kernel.text import Phrase, phrase
from signing.evidence import pack_check, pack_parts
from signing.log import jobs as log_jobs
from signing.pdf import deferred_signing, pades
from signing.remote_signing import return_check
from signing.sandbox import result_codec
from signing.sandbox.result_codec import Unreadable, declared_by, read, written
from signing.verdicts.verdict import Level, Value, Verdict
from signing.verification import envelope_verification, file_verification, long_term
from tests.signing.conftest import Office
from tests.signing.sandbox import escapes

WORKS = (
    file_verification.verify,
    envelope_verification.verify_envelope,
    return_check.check_returned,
    long_term.look_into,
    log_jobs.time_proved,
    pack_parts.parts_of,
    pack_check._check_bytes,
    deferred_signing.prepare,
    pades.prepare_timestamp,
    pades.sign_person,
    pades.sign_seal,
    pades.sign_copy,
    rendering.render_pdf,
    text_probe.read,
    pdf_probe.facts,
    spot_for,
)
"""All that is done apart."""


@dataclass(frozen=True)
class Inner:
    level: Level
    at: datetime | None = None


@dataclass(frozen=True)
class Outer:
    name: str
    inner: tuple[Inner, ...]
    parts: Mapping[str, float]
    pair: tuple[int, bytes]
    on: date | str
    long: timedelta
    words: Phrase
    seen: frozenset[str] = frozenset()
    loose: Any = None


OUTER = Outer(
    "Ủy ban",
    (Inner(Level.B_T, datetime(2026, 1, 2, 3, 4, 5, 6, UTC)), Inner(Level.OTHER)),
    {"x": 1.5, "y": 2},
    (-(1 << 200), b"\x00\xff"),
    date(2026, 1, 2),
    timedelta(days=-1, microseconds=3),
    phrase("Không hợp lệ: {reason}", reason=phrase("Tệp này không phải là PDF.")),
    frozenset({"a", "\ud800"}),
    {"list": [1, None, True, {"deep": "er"}]},
)


def test_what_was_written_is_read(office: Office, sealed: bytes) -> None:
    assert read(written(OUTER), Outer) == OUTER
    verdict = office.verify(sealed)
    assert read(written(verdict), Verdict) == verdict
    assert read(written(verdict), Verdict).to_json() == verdict.to_json()


@pytest.mark.parametrize("work", WORKS, ids=lambda work: f"{work.__module__}.{work.__name__}")
def test_all_that_is_declared_can_be_read(work: Callable[..., Any]) -> None:
    for kind in _within(declared_by(work), set()):
        known = is_dataclass(kind) or (isinstance(kind, type) and issubclass(kind, Enum))
        assert known or kind in result_codec._PLAIN or kind in (Any, object, Mapping), kind


def _within(declared: Any, seen: set[Any]) -> Iterator[Any]:
    for kind in result_codec._options(declared):
        plain: Any = get_origin(kind) or kind
        if plain in seen or plain is Ellipsis:
            continue
        yield plain
        for part in get_args(kind):
            yield from _within(part, seen)
        if is_dataclass(plain):
            seen.add(plain)
            hints = result_codec._hints_of(cast(Any, plain))
            yield from (found for field in fields(plain) for found in _within(hints[field.name], seen))


def nested(levels: int) -> bytes:
    """A list in a list, and so on."""
    return b"a\x00\x00\x00\x01" * levels + b"n"


def sentence(msgid: str, **params: Any) -> bytes:
    return written(Phrase(msgid, params))


def doubled(levels: int) -> Phrase:
    """Sentences of the house in each other, each of which says the inner one twice."""
    said = phrase("Tệp này không phải là PDF.")
    for _ in range(levels):
        said = phrase(
            "Chưa biết khoá {kid} có đúng là của {issuer} không. Hãy đối chiếu với {issuer}/api/v1/keys.",
            kid="",
            issuer=said,
        )
    return said


LIES: dict[str, tuple[bytes, Any]] = {
    "nothing": (b"", Any),
    "a pickle that changes our own members": (escapes.poison(), Value),
    "another type": (written("valid"), Value),
    "no member": (b"e" + written("fine"), Value),
    "another record": (written(Inner(Level.B_T)), Outer),
    "a record where plain data is declared": (written(Inner(Level.B_T)), Any),
    "a field of another type": (written(Inner(Level.B_T))[:-1] + b"1", Inner),
    "a field too few": (written(Inner(Level.B_T)).replace(b"\x00\x02e", b"\x00\x01e"), Inner),
    "more than one": (written(1) + written(1), int),
    "cut off": (written("text")[:-1], str),
    "more than there is": (b"s\xff\xff\xff\xfftext", str),
    "without end in depth": (nested(100_000), Any),
    "without end in width": (b"a\x00\xff\xff\xff" + b"n" * 0xFFFFFF, Any),
    "a number without end": (written(1 << 100_000), int),
    "no number": (written(float("nan")), float),
    "numbers that collide as keys": (written({0: 0, (1 << 61) - 1: 0}), dict[int, int]),
    "a year that is none": (b"w\x00\x00\x00\x0a2026-13-01", datetime),
    "a moment of no place": (written(datetime(2026, 1, 2)), datetime),  # noqa: DTZ001
    "a strange sentence": (sentence("{x:>9999999999}", x=""), Phrase),
    "a sentence that reaches inside": (sentence("{x.__class__}", x=""), Phrase),
    "a sentence without its values": (sentence("Không hợp lệ: {reason}", other=1), Phrase),
    "sentences that double": (written(doubled(10)), Phrase),
    "a strange sentence in plain data": (sentence("{x:>9999999999}", x=""), Any),
}


@pytest.mark.parametrize(("body", "declared"), LIES.values(), ids=LIES.keys())
def test_anything_else_is_refused(body: bytes, declared: Any) -> None:
    with pytest.raises(Unreadable):
        read(body, declared)
    assert Value.INVALID.value == "invalid"


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_no_bytes_do_more_than_be_refused(body: bytes) -> None:
    for declared in (Any, Outer):
        with suppress(Unreadable):
            read(body, declared)


@given(st.integers(0, 400), st.binary(min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_damage_is_refused_or_still_of_the_declared_types(at: int, damage: bytes) -> None:
    whole = written(OUTER)
    try:
        found = read(whole[:at] + damage + whole[at + len(damage) :], Outer)
    except Unreadable:
        return
    assert type(found) is Outer
    assert {type(one) for one in found.inner} <= {Inner}
    assert {type(one.level) for one in found.inner} <= {Level}


def test_only_data_is_written() -> None:
    for thing in (object(), int, len, Outer):
        with pytest.raises(TypeError):
            written(thing)
    assert pickle.loads(pickle.dumps(OUTER)) == OUTER  # noqa: S301 - which would have taken all of these
