"""The administrators' form of a document system."""

from wtforms import BooleanField, Form, SelectField, StringField

from kernel.text import phrase


class SystemForm(Form):  # type: ignore[misc]
    """A document system of an agency."""

    agency_id = SelectField(phrase("Cơ quan"), validate_choice=False)
    covers_below = BooleanField(
        phrase("Dùng chung cho cả các cơ quan cấp dưới"),
        description=phrase("Hệ thống gửi và nhận thay mọi cơ quan trực thuộc; cũng dùng khi nối một trục cấp dưới."),
    )
    name = StringField(phrase("Tên phần mềm"), description=phrase("Ví dụ: Phần mềm quản lý văn bản của Sở"))
    system_id = StringField(
        phrase("Mã hệ thống (systemid)"),
        description=phrase("Giữ mã mà phần mềm đang dùng, hoặc bỏ trống để hệ thống đặt."),
    )
