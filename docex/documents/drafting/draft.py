"""The content of a document's form, as it is stored, and its faults: everything at once."""

from dataclasses import dataclass
from datetime import date

from directory import queries as directory
from directory.actor import Actor, Role
from docex.edxml.codes import KIND_BY_SLUG, Steering
from docex.edxml.values import plain
from docex.official.paper import CopyForm
from kernel import clock
from kernel.db import Tx
from kernel.text import Phrase, one_line, phrase

SUBJECT_LENGTH = 500
BODY_LENGTH = 100_000
LINE_LENGTH = 200
PLACES_LENGTH = 1000
MAX_RECIPIENTS = 2000
NOT_WRITTEN_HERE = frozenset({"invitation", "minutes"})
"""Types whose form needs more than a body: invitations and minutes are written by the meetings room."""


@dataclass(frozen=True)
class Draft:
    """The content of a document's form; texts as typed. `recipients` are agency ids.

    `reviewer_id` checks it before the leader. `answers_id` is the received document that it answers; with `finishes`
    that one is closed when this one is sent. `replaces_id` is the own document that falls when this one is sent.
    `copy_form` makes it a copy (`SY`, `SL`, `TrS`), of the received document `copied_id` when that is here.
    """

    kind: str
    subject: str
    signer_id: int
    recipients: tuple[int, ...]
    body: str = ""
    addressees: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    urgency: int = 0
    due_on: date | None = None
    unit_mark: str = ""
    authority: str = ""
    reviewer_id: int | None = None
    answers_id: int | None = None
    finishes: bool = False
    replaces_id: int | None = None
    change_reason: str = ""
    copy_form: str = ""
    copied_id: int | None = None
    steering: int = 0


def tidied(draft: Draft) -> Draft:
    """The draft as it is stored."""
    return Draft(
        kind=draft.kind,
        subject=one_line(draft.subject),
        signer_id=draft.signer_id,
        recipients=tuple(dict.fromkeys(draft.recipients)),
        body=plain(draft.body).strip(),
        addressees=_lines(draft.addressees),
        places=_lines(draft.places),
        urgency=draft.urgency,
        due_on=draft.due_on,
        unit_mark=one_line(draft.unit_mark).replace(" ", ""),
        authority=one_line(draft.authority),
        reviewer_id=draft.reviewer_id,
        answers_id=draft.answers_id,
        finishes=draft.finishes,
        replaces_id=draft.replaces_id,
        change_reason=draft.change_reason,
        copy_form=draft.copy_form,
        steering=draft.steering,
        copied_id=draft.copied_id,
    )


def wrong_in(tx: Tx, actor: Actor, draft: Draft, *, needs_body: bool) -> dict[str, Phrase]:
    """By field, what must be put right before it is stored."""
    wrong = {**_wrong_texts(draft, needs_body), **_wrong_choices(tx, actor, draft)}
    if draft.copy_form and (draft.copy_form not in tuple(CopyForm) or needs_body):
        wrong["copy_form"] = phrase("Bản sao được tạo từ tệp PDF, theo hình thức sao y, sao lục hoặc trích sao.")
    return wrong


def _lines(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(line for line in map(one_line, lines) if line)


def _wrong_texts(draft: Draft, needs_body: bool) -> dict[str, Phrase]:
    wrong: dict[str, Phrase] = {}
    if not draft.subject:
        wrong["subject"] = phrase("Cần nhập trích yếu.")
    elif len(draft.subject) > SUBJECT_LENGTH:
        wrong["subject"] = phrase(
            "Trích yếu dài {length} ký tự, nhiều nhất {limit} ký tự.",
            length=len(draft.subject),
            limit=SUBJECT_LENGTH,
        )
    if needs_body and not draft.body:
        wrong["body"] = phrase("Cần nhập nội dung văn bản.")
    elif len(draft.body) > BODY_LENGTH:
        wrong["body"] = phrase("Nội dung dài quá {limit} ký tự.", limit=BODY_LENGTH)
    if any(len(line) > LINE_LENGTH for line in draft.addressees):
        wrong["addressees"] = phrase("Mỗi dòng nhiều nhất {limit} ký tự.", limit=LINE_LENGTH)
    if sum(map(len, draft.places)) > PLACES_LENGTH:
        wrong["places"] = phrase("Nơi nhận dài quá {limit} ký tự.", limit=PLACES_LENGTH)
    if len(draft.unit_mark) > 15 or "/" in draft.unit_mark:
        wrong["unit_mark"] = phrase("Ký hiệu đơn vị soạn nhiều nhất 15 ký tự và không có dấu gạch chéo.")
    if len(draft.authority) > 100:
        wrong["authority"] = phrase("Quyền hạn ký dài quá {limit} ký tự.", limit=100)
    return wrong


def _wrong_choices(tx: Tx, actor: Actor, draft: Draft) -> dict[str, Phrase]:
    wrong: dict[str, Phrase] = {}
    if draft.kind not in KIND_BY_SLUG:
        wrong["kind"] = phrase("Cần chọn loại văn bản.")
    if draft.steering not in set(Steering):
        wrong["steering"] = phrase("Cần chọn văn bản có phải là chỉ đạo hay báo cáo không.")
    if draft.urgency not in (0, 1, 2, 3):
        wrong["urgency"] = phrase("Cần chọn độ khẩn.")
    if draft.due_on is not None and draft.due_on < clock.today():
        wrong["due_on"] = phrase("Hạn trả lời đã qua.")
    leaders = {card.id for card in directory.people_with_role(tx, actor.agency_id, Role.LEADER)}
    if draft.signer_id not in leaders:
        wrong["signer_id"] = phrase("Cần chọn người ký là lãnh đạo của cơ quan.")
    chiefs = {card.id for card in directory.people_with_role(tx, actor.agency_id, Role.OFFICE_CHIEF)}
    if draft.reviewer_id is not None and draft.reviewer_id not in chiefs:
        wrong["reviewer_id"] = phrase("Cần chọn chánh văn phòng của cơ quan để kiểm tra.")
    if not draft.recipients and not draft.copy_form:  # a copy on paper goes to whoever asked for it
        wrong["recipients"] = phrase("Cần chọn ít nhất một nơi nhận.")
    elif len(draft.recipients) > MAX_RECIPIENTS:
        wrong["recipients"] = phrase("Nhiều nhất {limit} nơi nhận.", limit=MAX_RECIPIENTS)
    else:
        cards = directory.agencies(tx, draft.recipients)
        if any(i not in cards or not cards[i].is_current for i in draft.recipients):
            wrong["recipients"] = phrase("Có nơi nhận không còn trong danh bạ, xin chọn lại.")
        elif actor.agency_id in draft.recipients:
            wrong["recipients"] = phrase("Cơ quan của bạn là nơi gửi, không thể là nơi nhận.")
    return wrong
