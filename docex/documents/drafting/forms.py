"""Requests as commands. Forms only read; the verbs check, and the page shows their refusals at the fields."""

from collections.abc import Iterable
from typing import Any

from wtforms import (
    BooleanField,
    DateField,
    FileField,
    Form,
    HiddenField,
    MultipleFileField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    widgets,
)
from wtforms.fields.choices import SelectChoice

from directory.queries import AgencyCard, PersonCard
from docex.documents.drafting.draft import BODY_LENGTH, NOT_WRITTEN_HERE, SUBJECT_LENGTH, Draft
from docex.documents.drafting.recipient_groups import RecipientGroup
from docex.documents.labels import COPY_FORMS, STEERING, URGENCY
from docex.documents.models import Document, Incoming, Reply
from docex.documents.papers.uploads import ENDINGS
from docex.edxml.codes import KINDS
from docex.official.paper import CopyForm
from kernel.errors import Invalid
from kernel.forms import Needed, whole_number
from kernel.refs import row_id
from kernel.text import phrase
from notify.wording import brief


def number(text: Any) -> int:
    """A whole number that a column can hold; 0, which is nobody's id, for anything else."""
    return whole_number(text)


class _Boxes(SelectMultipleField):  # type: ignore[misc]
    """Several choices as a list of boxes to tick."""

    widget = widgets.ListWidget(prefix_label=False)
    option_widget = widgets.CheckboxInput()


class LetterForm(Form):  # type: ignore[misc]
    """A document that is written here; with `file`, one that is uploaded."""

    kind = SelectField(phrase("Loại văn bản"), validate_choice=False, default="letter")
    urgency = SelectField(
        phrase("Độ khẩn"),
        choices=[SelectChoice(str(n), URGENCY[n]) for n in range(4)],
        default="0",
        validate_choice=False,
    )
    subject = TextAreaField(phrase("Trích yếu"), [Needed()], render_kw={"rows": 2, "maxlength": SUBJECT_LENGTH})
    recipients = _Boxes(phrase("Nơi nhận trên trục"), [Needed()], validate_choice=False)
    addressees = TextAreaField(
        phrase("Kính gửi"),
        description=phrase("Mỗi dòng một nơi. Để trống thì lấy tên các nơi nhận."),
        render_kw={"rows": 2},
    )
    body = TextAreaField(
        phrase("Nội dung"),
        [Needed()],
        description=phrase("Mỗi dòng là một đoạn. Hệ thống trình bày theo Nghị định 30/2020."),
        render_kw={"rows": 14, "maxlength": BODY_LENGTH},
    )
    places = TextAreaField(
        phrase("Dòng “Nơi nhận”"),
        description=phrase("Mỗi dòng một nơi. Để trống thì ghi “Như trên”. Dòng Lưu do hệ thống thêm."),
        render_kw={"rows": 3},
    )
    due_on = DateField(phrase("Hạn trả lời"))
    unit_mark = StringField(
        phrase("Ký hiệu đơn vị soạn"),
        description=phrase("Đứng sau ký hiệu cơ quan, ví dụ TH."),
        render_kw={"maxlength": 15},
    )
    signer_id = SelectField(phrase("Người ký"), [Needed()], validate_choice=False)
    authority = StringField(
        phrase("Quyền hạn ký"),
        description=phrase("Ví dụ: KT. CHÁNH VĂN PHÒNG. Có thể để trống."),
        render_kw={"maxlength": 100},
    )
    steering = SelectField(
        phrase("Chỉ đạo, báo cáo"),
        choices=[SelectChoice(str(int(kind)), label) for kind, label in STEERING.items()],
        default="0",
        validate_choice=False,
    )
    groups = _Boxes(
        phrase("Nhóm nơi nhận"), description=phrase("Thêm mọi cơ quan của nhóm vào nơi nhận."), validate_choice=False
    )
    reviewer_id = SelectField(
        phrase("Người kiểm tra trước khi ký"),
        description=phrase("Chánh văn phòng xem trước khi trình lãnh đạo. Có thể để trống."),
        validate_choice=False,
    )
    copy_form = SelectField(
        phrase("Bản sao"),
        description=phrase("Bản sao lấy số ở sổ bản sao; cơ quan ký số ở góc trên bên phải, lãnh đạo chỉ duyệt."),
        choices=[
            SelectChoice("", phrase("Không phải bản sao")),
            *(SelectChoice(form, label) for form, label in COPY_FORMS.items()),
        ],
        validate_choice=False,
    )
    copies = HiddenField()
    answers = HiddenField()
    finishes = BooleanField(
        phrase("Gửi xong thì kết thúc xử lý văn bản đến"),
        description=phrase("Cơ quan gửi thấy trạng thái “Đã xử lý xong” ngay khi văn bản trả lời được gửi."),
        default=True,
    )
    file = FileField(phrase("Tệp PDF"), render_kw={"accept": "application/pdf,.pdf"})
    attachments = MultipleFileField(phrase("Tệp đính kèm"), render_kw={"accept": ENDINGS, "multiple": True})

    def offer(
        self, agencies: Iterable[AgencyCard], leaders: Iterable[PersonCard], own_id: int, *, upload: bool
    ) -> None:
        """Fill the choices."""
        barred = frozenset() if upload else NOT_WRITTEN_HERE
        self.kind.choices = [SelectChoice(k.slug, k.label) for k in KINDS if k.slug not in barred]
        self.recipients.choices = [SelectChoice(str(card.id), card.name) for card in agencies if card.id != own_id]
        self.signer_id.choices = [
            SelectChoice("", phrase("Chọn người ký")),
            *(SelectChoice(str(c.id), f"{c.name}, {c.title}" if c.title else c.name) for c in leaders),
        ]

    def offer_desk(self, groups: Iterable[RecipientGroup], chiefs: Iterable[PersonCard]) -> None:
        """Fill the choices of groups and of those who check."""
        self.groups.choices = [SelectChoice(str(group.id), group.name) for group in groups]
        self.reviewer_id.choices = [
            SelectChoice("", phrase("Không cần kiểm tra")),
            *(SelectChoice(str(c.id), f"{c.name}, {c.title}" if c.title else c.name) for c in chiefs),
        ]

    def group_ids(self) -> tuple[int, ...]:
        """The groups that were ticked."""
        return tuple(number(i) for i in self.groups.data or ())

    def answer(self, incoming: Incoming) -> "LetterForm":
        """Fill the form of a reply: to whom, about what."""
        self.answers.data, self.recipients.data = str(incoming.id), [str(incoming.sender_id)]
        subject = phrase("Trả lời văn bản số {code}: {subject}", code=incoming.code, subject=incoming.subject)
        self.subject.data = brief(subject.vi, SUBJECT_LENGTH)
        self.urgency.data = str(min(incoming.urgency, 3))
        return self

    def copy(self, incoming: Incoming) -> "LetterForm":
        """Fill the form of a copy: of what, in which form."""
        self.copies.data, self.copy_form.data = str(incoming.id), CopyForm.FULL.value
        self.subject.data = incoming.subject
        same = (k.slug for k in KINDS if k.label.vi == incoming.kind_name)
        self.kind.data, self.urgency.data = next(same, "letter"), str(min(incoming.urgency, 3))
        return self

    def show(self, document: Document, reply: Reply | None = None, copied_id: int | None = None) -> "LetterForm":
        """Fill the form from what stands."""
        self.copy_form.data, self.copies.data = document.copy_form, str(copied_id or "")
        self.answers.data, self.finishes.data = (str(reply.incoming_id), reply.finishes) if reply else ("", False)
        self.reviewer_id.data = str(document.reviewer_id or "")
        self.kind.data, self.urgency.data, self.subject.data = document.kind, str(document.urgency), document.subject
        self.recipients.data = [str(i) for i in document.recipients]
        self.addressees.data, self.places.data = "\n".join(document.addressees), "\n".join(document.places)
        self.body.data, self.due_on.data, self.unit_mark.data = document.body, document.due_on, document.unit_mark
        self.signer_id.data, self.authority.data = str(document.signer_id), document.authority
        self.steering.data = str(document.steering)
        return self

    def draft(self, of_groups: tuple[int, ...] = ()) -> Draft:
        """The typed draft as a command, with the agencies of the groups; Invalid when a date is none."""
        if self.due_on.data is None and any(text.strip() for text in self.due_on.raw_data or ()):
            raise Invalid({"due_on": phrase("Ngày không đúng, xin nhập ngày/tháng/năm.")})
        return Draft(
            kind=self.kind.data or "",
            subject=self.subject.data or "",
            signer_id=number(self.signer_id.data),
            recipients=(*(number(i) for i in self.recipients.data or ()), *of_groups),
            body=self.body.data or "",
            addressees=tuple((self.addressees.data or "").splitlines()),
            places=tuple((self.places.data or "").splitlines()),
            urgency=number(self.urgency.data) if row_id(str(self.urgency.data or "")) is not None else -1,
            due_on=self.due_on.data,
            unit_mark=self.unit_mark.data or "",
            authority=self.authority.data or "",
            reviewer_id=number(self.reviewer_id.data) or None,
            answers_id=number(self.answers.data) or None,
            finishes=bool(self.finishes.data),
            copy_form=self.copy_form.data or "",
            copied_id=number(self.copies.data) or None,
            steering=number(self.steering.data) if row_id(str(self.steering.data or "")) is not None else -1,
        )
