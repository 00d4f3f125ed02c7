"""The administrators' form of a document system."""

from wtforms import Form, SelectField, StringField

from kernel.text import phrase


class SystemForm(Form):  # type: ignore[misc]
    """A document system of an agency."""

    agency_id = SelectField(phrase("Cơ quan"), validate_choice=False)
    name = StringField(phrase("Tên phần mềm"), description=phrase("Ví dụ: Phần mềm quản lý văn bản của Sở"))
    system_id = StringField(
        phrase("Mã hệ thống (systemid)"),
        description=phrase("Giữ mã mà phần mềm đang dùng, hoặc bỏ trống để hệ thống đặt."),
    )
