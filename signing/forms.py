"""What administrators type into the pages of the trust store."""

from typing import Any

from wtforms import FileField, Form, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import CheckboxInput, ListWidget

from kernel.text import phrase
from signing.anchors import REASON_LENGTH
from signing.trust import Purpose
from signing.trustpages import PURPOSES


class _Boxes(SelectMultipleField):  # type: ignore[misc]
    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class RootForm(Form):  # type: ignore[misc]
    """A root to be trusted."""

    certificate = FileField(phrase("Tệp chứng thư gốc"), description=phrase("Tệp .crt, .cer, .pem hoặc .p7b."))
    purposes = _Boxes(
        phrase("Tin cậy để kiểm tra"),
        choices=[SelectChoice(purpose.value, word) for purpose, word in PURPOSES.items()],
        validate_choice=False,
        default=[Purpose.PERSON.value, Purpose.SEAL.value, Purpose.TSA.value],
    )
    reason = TextAreaField(
        phrase("Lý do và nguồn của tệp"),
        description=phrase("Ví dụ: tải từ ca.gov.vn, đã đối chiếu dấu vân tay với công văn của Ban Cơ yếu."),
        render_kw={"rows": 2, "maxlength": REASON_LENGTH},
    )

    def wanted(self) -> list[Purpose]:
        """The purposes that were ticked; anything else is read over."""
        ticked: list[Any] = self.purposes.data or []
        return [purpose for purpose in Purpose if purpose.value in ticked]


class ConfirmForm(Form):  # type: ignore[misc]
    """The second person's yes."""

    ending = StringField(
        phrase("8 ký tự cuối của dấu vân tay, theo nguồn chính thức của bạn"),
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "maxlength": 120},
    )


class FileForm(Form):  # type: ignore[misc]
    """A certificate of an issuing authority, or a revocation list."""

    certificate = FileField(phrase("Tệp chứng thư"), description=phrase("Tệp .crt, .cer hoặc .pem."))
    list = FileField(phrase("Tệp danh sách thu hồi"), description=phrase("Tệp .crl do CA ký."))
