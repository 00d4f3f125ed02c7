"""The form with which the desk prepares a vote."""

from enum import StrEnum
from typing import TypeVar

from wtforms import BooleanField, Form, IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from kernel.forms import Needed
from kernel.text import phrase
from meetings.forms import number
from meetings.quorum import QuorumRule
from meetings.voting.preparing import QUESTION_MAX, VoteFacts
from meetings.voting.states import KIND_WORDS, MAJORITY_WORDS, QUORUM_WORDS, Majority, VoteKind

One = TypeVar("One", bound=StrEnum)


class VoteForm(Form):  # type: ignore[misc]
    """A question and the rules by which it is decided."""

    question = TextAreaField(
        phrase("Nội dung biểu quyết"), [Needed()], render_kw={"rows": 2, "maxlength": QUESTION_MAX}
    )
    kind = RadioField(
        phrase("Cách biểu quyết"),
        # No page makes the keys and ballots of an encrypted vote yet (docs/ballots.md).
        choices=[SelectChoice(str(kind), KIND_WORDS[kind]) for kind in VoteKind if kind is not VoteKind.SECRET],
        default=VoteKind.NAMED,
    )
    options = TextAreaField(
        phrase("Danh sách lựa chọn"),
        description=phrase("Mỗi dòng một lựa chọn. Để trống: tán thành, không tán thành, không biểu quyết."),
        render_kw={"rows": 3, "maxlength": 4200},
    )
    most = IntegerField(phrase("Một phiếu được chọn nhiều nhất"), default=1, render_kw={"min": 1, "max": 20})
    quorum = SelectField(
        phrase("Điều kiện mở biểu quyết"),
        choices=[SelectChoice(str(key), word) for key, word in QUORUM_WORDS.items()],
        default=QuorumRule.HALF,
    )
    majority = SelectField(
        phrase("Điều kiện thông qua"),
        choices=[SelectChoice(str(key), word) for key, word in MAJORITY_WORDS.items()],
        default=Majority.HALF_OF_MEMBERS,
    )
    with_substitutes = BooleanField(phrase("Người dự thay cũng được biểu quyết"))
    seconds = IntegerField(phrase("Thời gian giơ tay (giây)"), default=30, render_kw={"min": 5, "max": 600})
    item = StringField(phrase("Thuộc nội dung"))

    def facts(self) -> VoteFacts:
        """What was typed; the verb checks it."""
        return VoteFacts(
            question=self.question.data or "",
            kind=_one_of(VoteKind, self.kind.data),
            options=tuple((self.options.data or "").splitlines()),
            most=self.most.data,
            quorum=_one_of(QuorumRule, self.quorum.data),
            majority=_one_of(Majority, self.majority.data),
            with_substitutes=bool(self.with_substitutes.data),
            item_id=number(self.item.data),
            seconds=self.seconds.data,
        )


def _one_of(kind: type[One], typed: object) -> One | None:
    return next((one for one in kind if one == typed), None)
