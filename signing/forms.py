"""What administrators type into the pages of this room."""

from typing import Any

from wtforms import DateField, FileField, Form, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import CheckboxInput, ListWidget

from kernel.errors import Invalid
from kernel.forms import Needed
from kernel.text import phrase
from signing.remote_signing.delegation import FORMS, TEXT_LENGTH, Wanted
from signing.trust.admin_pages import PURPOSES
from signing.trust.anchors import REASON_LENGTH
from signing.trust.trust_store import Purpose


class _Boxes(SelectMultipleField):  # type: ignore[misc]
    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class RootForm(Form):  # type: ignore[misc]
    """A root to be trusted."""

    certificate = FileField(
        phrase("Tệp chứng thư gốc"), [Needed()], description=phrase("Tệp .crt, .cer, .pem hoặc .p7b.")
    )
    purposes = _Boxes(
        phrase("Tin cậy để kiểm tra"),
        [Needed()],
        choices=[SelectChoice(purpose.value, word) for purpose, word in PURPOSES.items()],
        validate_choice=False,
        default=[Purpose.PERSON.value, Purpose.SEAL.value, Purpose.TSA.value],
    )
    reason = TextAreaField(
        phrase("Lý do và nguồn của tệp"),
        [Needed()],
        description=phrase("Ví dụ: tải từ ca.gov.vn, đã đối chiếu dấu vân tay với công văn của Ban Cơ yếu."),
        render_kw={"rows": 2, "maxlength": REASON_LENGTH},
    )

    def wanted(self) -> list[Purpose]:
        """The purposes that were ticked; anything else is read over."""
        ticked: list[Any] = self.purposes.data or []
        return [purpose for purpose in Purpose if purpose.value in ticked]


class ConfirmForm(Form):  # type: ignore[misc]
    """The second person's yes."""

    fingerprint = TextAreaField(
        phrase("Dấu vân tay SHA-256, đủ 64 chữ số, theo nguồn chính thức của bạn"),
        [Needed()],
        description=phrase("Khoảng trắng và dấu hai chấm không tính, chữ hoa chữ thường như nhau."),
        render_kw={
            "rows": 3,
            "maxlength": 200,
            "class": "fingerprint",
            "autocomplete": "off",
            "autocapitalize": "none",
            "spellcheck": "false",
        },
    )


class FileForm(Form):  # type: ignore[misc]
    """A certificate of an issuing authority, or a revocation list."""

    certificate = FileField(phrase("Tệp chứng thư"), [Needed()], description=phrase("Tệp .crt, .cer hoặc .pem."))
    list = FileField(phrase("Tệp danh sách thu hồi"), [Needed()], description=phrase("Tệp .crl do CA ký."))


class DelegationForm(Form):  # type: ignore[misc]
    """Who may sign for whom, by which decision."""

    delegate = SelectField(phrase("Người được giao ký"), [Needed()], validate_choice=False)
    form = SelectField(
        phrase("Hình thức ký"),
        choices=[SelectChoice(form.value, word) for form, word in FORMS.items()],
        validate_choice=False,
    )
    principal = StringField(
        phrase("Ký thay chức vụ"),
        [Needed()],
        description=phrase("Như in trên văn bản, ví dụ CHỦ TỊCH hoặc CHÁNH VĂN PHÒNG."),
        render_kw={"maxlength": TEXT_LENGTH},
    )
    decision = StringField(
        phrase("Theo quyết định"),
        [Needed()],
        description=phrase("Số, ngày và cơ quan ban hành, ví dụ 12/QĐ-UBND ngày 05/01/2026."),
        render_kw={"maxlength": TEXT_LENGTH},
    )
    since_on = DateField(phrase("Từ ngày"), [Needed()])
    until_on = DateField(phrase("Đến hết ngày"), description=phrase("Để trống nếu không thời hạn."))

    def offer(self, people: list[tuple[str, str]]) -> None:
        """Fill the choices."""
        self.delegate.choices = [SelectChoice("", phrase("Chọn lãnh đạo"))] + [SelectChoice(*one) for one in people]

    def wanted(self) -> Wanted:
        """What was typed, as a command; Invalid when a date is none."""
        no_dates = [
            field.name
            for field in (self.since_on, self.until_on)
            if field.data is None and any(text.strip() for text in field.raw_data or ())
        ]
        if no_dates:
            raise Invalid(dict.fromkeys(no_dates, phrase("Ngày không đúng, xin nhập ngày/tháng/năm.")))
        agency, _, person = (self.delegate.data or "").partition(":")
        known = agency.isdecimal() and person.isdecimal() and len(agency) < 18 and len(person) < 18
        if not known:
            raise Invalid({"delegate": phrase("Cần chọn người được giao ký là lãnh đạo của cơ quan.")})
        return Wanted(
            agency_id=int(agency),
            form=self.form.data or "",
            principal=self.principal.data or "",
            delegate_id=int(person),
            decision=self.decision.data or "",
            since_on=self.since_on.data,
            until_on=self.until_on.data,
        )
