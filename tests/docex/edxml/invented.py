"""Strategies: any message that the writer may be asked to write, with texts that nobody would choose."""

from datetime import UTC, date, datetime
from typing import TypeVar

from hypothesis import strategies as st

from docex.edxml import Envelope, StatusMessage
from docex.edxml.codes import STATUSES, BusinessKind, Priority, StatusCode
from docex.edxml.model import (
    Attachment,
    Business,
    DocumentType,
    EnvelopeSignature,
    Organ,
    OtherInfo,
    ReceiverChange,
    Replacement,
    ResponseFor,
    SignedReference,
    Signer,
    Staff,
    Trace,
    UpdateInfo,
)
from docex.edxml.papers import plain_name
from docex.edxml.values import clean

T = TypeVar("T")

_VIETNAMESE = "aàảãáạăằẳẵắặâầẩẫấậđeèẻẽéẹêềểễếệiìỉĩíịoòỏõóọôồổỗốộơờởỡớợuùủũúụưừửữứựyỳỷỹýỵĐƠƯ "
_AWKWARD = "<>&\"'\t\n\r]]>;/\\,.-–“”\u00a0\u200b\u0301\u0323\u2028\ufeff\x00\x0b\x85😀𝔄"
_LETTERS = st.one_of(st.sampled_from(_VIETNAMESE), st.sampled_from(_AWKWARD), st.characters(exclude_categories=()))


def texts(most: int, *, least: int = 0) -> st.SearchStrategy[str]:
    """Texts as they read back: cleaned, and still within their length."""
    return st.text(_LETTERS, max_size=most).map(clean).filter(lambda t: least <= len(t) <= most)


codes = st.from_regex(r"[0-9A-Z]{1,4}(\.[0-9A-Z]{1,4}){0,5}", fullmatch=True)
ids = st.one_of(st.uuids().map(str), texts(60, least=1))
dates = st.dates(date(1900, 1, 1), date(9998, 12, 30))
instants = st.integers(-2_000_000_000, 7_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
hashes = st.binary(min_size=1, max_size=32).map(bytes.hex)
uris = st.one_of(st.just(""), st.sampled_from(["http://www.w3.org/2001/04/xmlenc#sha256", "cid:x", 'a"b<c>&d']))
organs = st.builds(
    Organ,
    codes,
    texts(30, least=1),
    texts(30),
    texts(30),
    texts(20),
    texts(20),
    texts(20),
    texts(20),
)
staff = st.builds(Staff, texts(20), texts(20), texts(20), texts(12), texts(9), texts(9)).filter(lambda s: s != Staff())


def tuples(items: st.SearchStrategy[T], least: int = 0) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(items, min_size=least, max_size=3).map(tuple)


answers = st.builds(ResponseFor, codes, texts(20, least=1), ids, st.none() | dates)
updates = st.builds(UpdateInfo, st.booleans(), st.booleans(), tuples(st.builds(ReceiverChange, codes, st.booleans())))
_plain = {"reason": texts(40, least=1), "paper": st.booleans(), "staff": tuples(staff)}
businesses = st.one_of(
    st.builds(Business, st.just(BusinessKind.NEW), **_plain),
    st.builds(Business, st.just(BusinessKind.RECALL), document_id=ids, **_plain),
    st.builds(Business, st.just(BusinessKind.UPDATE), document_id=ids, updates=tuples(updates), **_plain),
    st.builds(
        Business,
        st.just(BusinessKind.REPLACE),
        replacements=tuples(st.builds(Replacement, ids, tuples(codes)), least=1),
        **_plain,
    ),
)
others = st.builds(
    OtherInfo,
    st.sampled_from(Priority),
    texts(20),
    texts(10),
    st.none() | st.integers(0, 999),
    st.none() | st.integers(0, 999),
    st.booleans(),
    tuples(texts(20, least=1)),
    texts(10),
    texts(10),
)
signatures = st.builds(
    EnvelopeSignature,
    uris,
    uris,
    tuples(st.builds(SignedReference, uris, uris, hashes, tuples(uris))),
    hashes,
    hashes,
    texts(20),
)
_ENDINGS = (
    "pdf",
    "PDF",
    "doc",
    "docx",
    "xlsx",
    "pptx",
    "odt",
    "zip",
    "rar",
    "7z",
    "jar",
    "txt",
    "png",
    "p7m",
    "",
    "lạ",
)
names = (
    st.tuples(texts(40, least=1), st.sampled_from(_ENDINGS))
    .map(lambda parts: plain_name(f"{parts[0]}.{parts[1]}"))
    .filter(lambda name: name and clean(name) == name and not name.endswith((".ZIP", ".Zip")))
)
_contents = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([b"%PDF-1.7 x", b"PK\x03\x04 no archive", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 locked", b"<?xml?>"]),
)
papers = st.builds(Attachment, st.uuids().map(str), names, _contents, texts(20))

envelopes = st.builds(
    Envelope,
    sender=organs,
    receivers=tuples(organs, least=1),
    document_id=ids,
    number=texts(11, least=1),
    notation=texts(30, least=1),
    place=texts(30, least=1),
    promulgated_on=dates,
    type=st.builds(DocumentType, texts(20, least=1), st.integers(0, 99), st.none() | st.integers(-1, 99)),
    subject=texts(200, least=1),
    signer=st.builds(Signer, texts(30, least=1), texts(30), texts(30)),
    traces=tuples(st.builds(Trace, codes, st.none() | instants), least=1),
    business=businesses,
    content=texts(200),
    due_on=st.none() | dates,
    other=others,
    responses=tuples(answers),
    steering=st.integers(0, 2),
    task_codes=tuples(texts(20, least=1)),
    application=texts(20),
    places=tuples(texts(40, least=1)),
    signature=st.none() | signatures,
    attachments=st.lists(papers, max_size=2, unique_by=lambda a: a.content_id).map(tuple),
)
statuses = st.sampled_from(StatusCode).flatmap(
    lambda code: st.builds(
        StatusMessage,
        organs,
        answers,
        st.just(code),
        texts(100, least=1 if STATUSES[code].reason_required else 0),
        instants,
        st.just(Staff()) | staff,
    )
)
messages = st.one_of(envelopes, statuses)
