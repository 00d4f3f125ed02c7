"""What people type into the directory's pages, read into the verbs' own facts."""

from collections.abc import Iterable
from datetime import date

from wtforms import BooleanField, HiddenField, PasswordField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from directory.actor import Role
from directory.agencies import NAME_MAX, AgencyFacts, UnitFacts
from directory.clients import Contact
from directory.codeforms import FORMS
from directory.fields import Checks, Choice, Choices, Day, DirectoryForm, day_of, must_be_readable, offered
from directory.people import PersonFacts, Placement
from directory.queries import AgencyCard
from kernel.errors import Invalid
from kernel.forms import Needed
from kernel.text import phrase

_NONE = ("", phrase("Không có"))
_LANGUAGES = [SelectChoice("vi", "Tiếng Việt"), SelectChoice("en", "English")]


class SignInForm(DirectoryForm):
    """The first step."""

    name = StringField(phrase("Thư điện tử"), render_kw={"autocomplete": "username", "inputmode": "email"})
    password = PasswordField(phrase("Mật khẩu"), render_kw={"autocomplete": "current-password"})


class CodeForm(DirectoryForm):
    """The second step, and the first code of an enrolment."""

    code = StringField(
        phrase("Mã xác thực"), [Needed()], render_kw={"autocomplete": "one-time-code", "autocapitalize": "none"}
    )
    secret = HiddenField()


class NewPasswordForm(DirectoryForm):
    """A new password, typed twice; `current` only where it is asked for."""

    current = PasswordField(phrase("Mật khẩu hiện tại"), [Needed()], render_kw={"autocomplete": "current-password"})
    new = PasswordField(phrase("Mật khẩu mới"), [Needed()], render_kw={"autocomplete": "new-password"})
    again = PasswordField(phrase("Nhập lại mật khẩu mới"), [Needed()], render_kw={"autocomplete": "new-password"})

    def chosen(self) -> str:
        """The new password; Invalid when the two differ."""
        if self.new.data != self.again.data:
            raise Invalid({"again": phrase("Hai lần nhập chưa giống nhau.")})
        return self.new.data or ""


class LanguageForm(DirectoryForm):
    """The language of pages and messages."""

    locale = RadioField(
        phrase("Ngôn ngữ"),
        choices=_LANGUAGES,
        validate_choice=False,
    )


class AgencyForm(DirectoryForm):
    """An agency's facts."""

    code = StringField(phrase("Mã định danh"), [Needed()], description=phrase("Theo QĐ 20/2020/QĐ-TTg, ví dụ H29.01"))
    old_code = StringField(phrase("Mã cũ"), description=phrase("Theo QCVN 102:2016, ví dụ 000.00.01.H29"))
    name = StringField(phrase("Tên cơ quan"), [Needed()], render_kw={"maxlength": NAME_MAX})
    short_name = StringField(phrase("Tên viết tắt"), description=phrase("Dùng trong số, ký hiệu văn bản"))
    parent_id = Choice(phrase("Cơ quan cấp trên"))
    place = StringField(phrase("Nơi ban hành"), description=phrase("Địa danh ghi trên văn bản"))
    is_local = BooleanField(phrase("Cơ quan này dùng hệ thống này"))
    email = StringField(phrase("Thư điện tử"), render_kw={"inputmode": "email"})
    phone = StringField(phrase("Điện thoại"), render_kw={"inputmode": "tel"})
    address = StringField(phrase("Địa chỉ"))
    valid_from_on = Day(phrase("Hiệu lực từ"))
    valid_until_on = Day(phrase("Hiệu lực đến hết ngày"))
    rev = HiddenField()

    def offer(self, agencies: Iterable[AgencyCard]) -> "AgencyForm":
        """Fill the choice of the agency above."""
        self.parent_id.choices = offered([_NONE, *((str(a.id), a.name) for a in agencies)])
        return self

    def facts(self) -> AgencyFacts:
        """What was typed; Invalid when a date cannot be read."""
        must_be_readable(self, "valid_from_on", "valid_until_on")
        return AgencyFacts(
            code=self.code.data or "",
            old_code=self.old_code.data or "",
            name=self.name.data or "",
            short_name=self.short_name.data or "",
            parent_id=self.number("parent_id") or None,
            place=self.place.data or "",
            is_local=bool(self.is_local.data),
            email=self.email.data or "",
            phone=self.phone.data or "",
            address=self.address.data or "",
            valid_from_on=self.valid_from_on.data,
            valid_until_on=self.valid_until_on.data,
        )


class AliasForm(DirectoryForm):
    """Another code of an agency."""

    alias = StringField(phrase("Mã khác"), [Needed()])


class MergeForm(DirectoryForm):
    """A merger."""

    into_id = Choice(phrase("Cơ quan tiếp nhận"), [Needed()])
    last_on = Day(phrase("Ngày cuối cùng còn hoạt động"), [Needed()])

    def offer(self, agencies: Iterable[AgencyCard]) -> "MergeForm":
        """Fill the choice of the successor."""
        self.into_id.choices = offered([_NONE, *((str(a.id), a.name) for a in agencies)])
        return self

    def last_day(self) -> date:
        """The day; Invalid when it is missing."""
        return day_of(self, "last_on")


class UnitForm(DirectoryForm):
    """A unit's facts."""

    name = StringField(phrase("Tên đơn vị"), [Needed()])
    short_name = StringField(phrase("Tên viết tắt"))
    parent_id = Choice(phrase("Đơn vị cấp trên"))

    def offer(self, units: Choices) -> "UnitForm":
        """Fill the choice of the unit above."""
        self.parent_id.choices = offered([_NONE, *units])
        return self

    def facts(self) -> UnitFacts:
        """What was typed."""
        return UnitFacts(self.name.data or "", self.short_name.data or "", self.number("parent_id") or None)


class PersonForm(DirectoryForm):
    """A person's facts."""

    name = StringField(phrase("Họ và tên"), [Needed()], render_kw={"autocomplete": "off"})
    email = StringField(
        phrase("Thư điện tử"),
        [Needed()],
        description=phrase("Cũng là tên đăng nhập"),
        render_kw={"inputmode": "email", "autocomplete": "off"},
    )
    phone = StringField(
        phrase("Điện thoại di động"),
        description=phrase("Nhận tin nhắn nhắc việc và giấy mời"),
        render_kw={"inputmode": "tel", "autocomplete": "off"},
    )
    is_active = BooleanField(phrase("Tài khoản đang hoạt động"), default=True)
    rev = HiddenField()

    def facts(self) -> PersonFacts:
        """What was typed."""
        return PersonFacts(
            self.name.data or "", self.email.data or "", self.phone.data or "", bool(self.is_active.data)
        )


class PlaceForm(DirectoryForm):
    """A person's place and roles in an agency."""

    agency_id = Choice(phrase("Cơ quan"))
    unit_id = Choice(phrase("Đơn vị"))
    title = StringField(phrase("Chức vụ"), description=phrase("Ví dụ: Phó Chánh Văn phòng"))
    roles = Checks(phrase("Vai trò"))
    is_primary = BooleanField(phrase("Đây là nơi làm việc chính"))

    def offer(self, agencies: Choices, units: Choices) -> "PlaceForm":
        """Fill the choices of agency, unit and roles."""
        self.agency_id.choices = offered(agencies)
        self.unit_id.choices = offered([_NONE, *units])
        self.roles.choices = offered((role.value, role.label) for role in Role)
        return self

    def placement(self, agency_id: int = 0) -> Placement:
        """What was chosen."""
        known = set(Role)
        return Placement(
            agency_id or self.number("agency_id"),
            self.title.data or "",
            self.number("unit_id") or None,
            frozenset(Role(value) for value in self.roles.data or [] if value in known),
            bool(self.is_primary.data),
        )


class ClientForm(DirectoryForm):
    """A system of an agency."""

    agency_id = Choice(phrase("Cơ quan"), [Needed()])
    name = StringField(phrase("Tên ứng dụng"), [Needed()], description=phrase("Ví dụ: Phần mềm quản lý văn bản của Sở"))
    scopes = Checks(phrase("Được phép"), [Needed()])
    contact_email = StringField(
        phrase("Thư điện tử của người phụ trách kỹ thuật"),
        description=phrase("Được báo khi hệ thống không lấy văn bản. Để trống thì báo quản trị viên của cơ quan."),
        render_kw={"inputmode": "email"},
    )
    contact_phone = StringField(phrase("Điện thoại của người phụ trách kỹ thuật"), render_kw={"inputmode": "tel"})

    def contact(self) -> Contact:
        """Whom to call, as typed."""
        return Contact(self.contact_email.data or "", self.contact_phone.data or "")

    def offer(self, agencies: Choices, scopes: Choices) -> "ClientForm":
        """Fill the choices of agency and scopes."""
        self.agency_id.choices = offered(agencies)
        self.scopes.choices = offered(scopes)
        return self


class CodeFormForm(DirectoryForm):
    """The form in which a system is told agencies' codes."""

    code_form = Choice(
        phrase("Dạng mã cơ quan"),
        [Needed()],
        description=phrase("Mọi câu trả lời cho hệ thống này dùng một dạng mã. Hệ thống gửi lên dạng nào cũng được."),
    )

    def offer(self) -> "CodeFormForm":
        """Fill the choices."""
        self.code_form.choices = offered([(form.value, label) for form, label in FORMS.items()])
        return self


class KeyForm(DirectoryForm):
    """The public key or the certificate of a system."""

    key = TextAreaField(
        phrase("Khóa công khai hoặc chứng thư"),
        [Needed()],
        description=phrase("JWK, bộ JWK (JWKS) hoặc PEM. Chỉ phần công khai; khóa bí mật ở lại với phần mềm."),
    )


class DayForm(DirectoryForm):
    """A day that differs from the public calendar."""

    on = Day(phrase("Ngày"), [Needed()])
    working = RadioField(
        phrase("Ngày đó"),
        choices=[SelectChoice("1", phrase("Làm việc (làm bù)")), SelectChoice("0", phrase("Nghỉ"))],
        default="0",
        validate_choice=False,
    )
    note = StringField(phrase("Ghi chú"), description=phrase("Ví dụ: hoán đổi với thứ Hai 27/4"))

    def day(self) -> date:
        """The day; Invalid when it is missing."""
        return day_of(self, "on")
