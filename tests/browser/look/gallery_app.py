"""A tiny application that renders the house's own parts with made-up content: no database, no rooms.

`.venv/bin/python -m tests.browser.look.gallery_app 9300` serves it for looking at.
"""

import sys
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from flask import Flask, Response, redirect, render_template, request
from flask_babel import Babel
from flask_bootstrap import Bootstrap5
from jinja2 import ChoiceLoader, FileSystemLoader
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    FileField,
    Form,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    validators,
)
from wtforms.fields.choices import SelectChoice

from kernel.clock import VN
from kernel.text import Phrase, phrase
from web import files, formats
from web.locale import current_locale

ROOT = Path(__file__).resolve().parents[3]
LONG = (
    "Về việc triển khai thực hiện Quyết định phê duyệt Đề án chuyển đổi số toàn diện trong hoạt động của các cơ quan, "
    "đơn vị trực thuộc thành phố giai đoạn 2026–2030, định hướng đến năm 2035; rà soát, cập nhật, bổ sung danh mục thủ "
    "tục hành chính đủ điều kiện cung cấp dịch vụ công trực tuyến toàn trình; bố trí kinh phí, nhân lực, hạ tầng kỹ "
    "thuật và tổ chức tập huấn cho đội ngũ cán bộ, công chức, viên chức, người hoạt động không chuyên trách ở phường "
    "trước ngày 15 tháng 12 năm 2026 để báo cáo Ủy ban nhân dân thành phố xem xét."
)


@dataclass(frozen=True)
class NavItem:
    """As web/pages.py gives it."""

    label: Phrase
    url: str
    icon: str
    active: bool = False
    count: int | None = None
    group: str = "main"


@dataclass(frozen=True)
class Chip:
    """A state on the start page."""

    word: Phrase
    tone: str
    icon: str | None = None


@dataclass(frozen=True)
class Act:
    """The one thing to press beside an item."""

    label: Phrase
    url: str


@dataclass(frozen=True)
class Item:
    """One thing that waits."""

    title: str
    url: str
    meta: list[str]
    due_at: datetime | None = None
    late: str | None = None
    chip: Chip | None = None
    act: Act | None = None
    urgency: str | None = None


@dataclass(frozen=True)
class Section:
    """One kind of waiting things."""

    title: Phrase
    empty: Phrase
    icon: str
    items: list[Item] = field(default_factory=list)


@dataclass(frozen=True)
class Person:
    """Who is signed in."""

    name: str


def _choices(**words: str) -> list[SelectChoice]:
    return [SelectChoice(value, Phrase(word)) for value, word in words.items()]


class SampleForm(Form):  # type: ignore[misc]
    """Every kind of control that pages use."""

    subject = TextAreaField(phrase("Trích yếu"), [validators.InputRequired(phrase("Xin nhập trích yếu."))])
    number = StringField(phrase("Số ký hiệu"), [validators.InputRequired(phrase("Xin nhập số ký hiệu."))])
    kind = SelectField(phrase("Loại văn bản"), choices=_choices(cv="Công văn", qd="Quyết định"))
    urgency = RadioField(phrase("Độ khẩn"), choices=_choices(thuong="Thường", khan="Khẩn", hoa_toc="Hỏa tốc"))
    reply = BooleanField(phrase("Yêu cầu văn bản trả lời"))
    file = FileField(phrase("Tệp văn bản (PDF)"))


def gallery_app() -> Flask:
    """The application; its templates stand in tests/browser/look/gallery/."""
    app = Flask("lienthong", root_path=str(ROOT), template_folder="templates", static_folder="static")
    own = FileSystemLoader(str(Path(__file__).parent / "gallery"))
    app.jinja_loader = ChoiceLoader([FileSystemLoader(str(ROOT / "templates")), own])
    app.config.update(SECRET_KEY="gallery", BOOTSTRAP_SERVE_LOCAL=True, BABEL_DEFAULT_LOCALE="vi")
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(ROOT / "translations")
    Babel(app, locale_selector=current_locale)
    Bootstrap5(app)
    files.install(app)
    formats.install(app)
    app.jinja_env.finalize = lambda v: v.in_locale(current_locale()) if isinstance(v, Phrase) else v
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(_frame)
    _add_pages(app)
    return app


def _frame() -> dict[str, Any]:
    here = request.path
    nav = [
        NavItem(phrase("Hôm nay"), "/today/full", "house-door", here.startswith("/today"), 7),
        NavItem(phrase("Văn bản đến"), "/list/500", "inbox", here.startswith("/list"), 128),
        NavItem(phrase("Văn bản đi"), "/list/1", "send"),
        NavItem(phrase("Họp"), "/document", "people", here.startswith("/document"), 2),
        NavItem(phrase("Công việc"), "/form", "check2-square", here.startswith("/form")),
        NavItem(phrase("Tra cứu"), "/list/0", "search"),
        NavItem(phrase("Cơ quan"), "/parts", "building", here.startswith("/parts"), group="admin"),
        NavItem(phrase("Người dùng"), "/parts", "person-badge", group="admin"),
    ]
    links = {"home": "/today/full", "search": "/list/0", "language": "/language", "sign_out": "/", "account": "/form"}
    person = Person("Nguyễn Thị Thanh Hà")
    bare = here.startswith("/bare")
    return {
        "nav": [] if bare else nav,
        "links": {} if bare else links,
        "actor": None if bare else person,
        "agency_name": "Văn phòng Ủy ban nhân dân thành phố",
        "csrf_token": lambda: "gallery",
    }


def _sections(full: bool) -> list[Section]:
    now = datetime.now(VN)
    many = full
    sign = [
        Item(LONG, "/document", ["Dự thảo 42", "Nguyễn Thị Thanh Hà"], urgency="hoa_toc"),
        Item("Kế hoạch tiếp công dân quý I năm 2027", "/document", ["Dự thảo 43", "Trần Văn Long"]),
    ]
    do = [
        Item(
            "Báo cáo tình hình giải ngân vốn đầu tư công",
            "/document",
            ["Giao bởi Lê Quang Bình"],
            now - timedelta(days=3),
            "quá hạn 3 ngày",
            Chip(phrase("Quá hạn"), "bad"),
        ),
        Item(
            "Góp ý dự thảo quy chế làm việc",
            "/document",
            ["Giao bởi Lê Quang Bình"],
            now + timedelta(days=2),
            None,
            Chip(phrase("Đang làm"), "waiting"),
        ),
    ]
    meet = [
        Item(
            "Họp giao ban tuần 48",
            "/document",
            ["14:00–16:00", "Phòng họp số 2, trực tiếp và trực tuyến"],
            chip=Chip(phrase("Đang họp"), "good", "broadcast"),
            act=Act(phrase("Vào họp"), "/document"),
        )
    ]
    return [
        Section(phrase("Chờ ký"), phrase("Không có văn bản chờ ký."), "pen", sign if many else []),
        Section(phrase("Chờ tiếp nhận"), phrase("Không có văn bản chờ tiếp nhận."), "inbox", []),
        Section(phrase("Chờ trả lời"), phrase("Không có giấy mời chờ trả lời."), "envelope", []),
        Section(phrase("Cần làm"), phrase("Không có việc đến hạn."), "check2-square", do if many else []),
        Section(phrase("Cuộc họp hôm nay"), phrase("Hôm nay không có cuộc họp."), "people", meet if many else []),
    ]


def _documents(count: int) -> list[dict[str, Any]]:
    states = [("Chờ tiếp nhận", "waiting"), ("Đã tiếp nhận", "good"), ("Từ chối", "bad"), ("Đang xử lý", "info")]
    subjects = [LONG, "Mời họp", "Về việc báo cáo công tác phòng cháy, chữa cháy và cứu nạn, cứu hộ năm 2026"]
    return [
        {
            "id": n,
            "subject": subjects[n % 3],
            "number": f"{1200 + n}/UBND-VP",
            "agency": "Sở Tài chính" if n % 2 else "Ủy ban nhân dân phường Hải Châu",
            "at": datetime(2026, 11, 20, 7, 30, tzinfo=VN) - timedelta(hours=n),
            "state": states[n % 4],
            "urgency": [None, "khan", "thuong_khan", "hoa_toc", None][n % 5],
            "unread": n % 4 == 0,
        }
        for n in range(count)
    ]


def _add_pages(app: Flask) -> None:
    _add_reading_pages(app)
    _add_forms(app)
    _add_answers(app)


def _add_reading_pages(app: Flask) -> None:
    """Pages that only show something."""

    @app.get("/today/<kind>")
    def today(kind: str) -> str:
        return render_template("today/today.html", sections=_sections(kind == "full"), today=date(2026, 11, 27))

    @app.get("/list/<int:count>")
    def listing(count: int) -> str:
        return render_template("list.html", documents=_documents(count), count=count)

    @app.get("/document")
    def document() -> str:
        return render_template("document.html", long=LONG, at=datetime(2026, 11, 27, 14, 30, tzinfo=VN))

    @app.get("/parts")
    def parts() -> str:
        return render_template("parts.html", long=LONG, at=datetime(2026, 11, 20, 14, 30, tzinfo=VN))

    @app.get("/dark")
    def dark() -> str:
        return render_template("dark.html", long=LONG, at=datetime(2026, 11, 20, 14, 30, tzinfo=VN))

    @app.get("/alone")
    def alone() -> str:
        return render_template("alone.html")


def _add_forms(app: Flask) -> None:
    """Pages that take something in and refuse what is wrong."""

    @app.route("/form", methods=["GET", "POST"])
    def form() -> Response:
        typed = request.form if request.method == "POST" else MultiDict({"urgency": "thuong"})
        sample = SampleForm(typed)
        wrong = request.method == "POST" and not sample.validate()
        if request.method == "POST" and not wrong:
            return Response(status=303, headers={"Location": "/list/1"})
        return Response(render_template("form.html", form=sample), status=422 if wrong else 200)

    @app.route("/ask", methods=["GET", "POST"])
    def ask() -> Response:
        reason = request.form.get("reason", "")
        if request.method == "POST" and reason.strip():
            return Response(status=303, headers={"Location": "/list/1"})
        error = phrase("Cần nêu lý do.") if request.method == "POST" else None
        return Response(render_template("ask.html", error=error, typed=reason, long=LONG), status=422 if error else 200)

    @app.post("/language")
    def language() -> Response:
        answer = redirect(request.form.get("next", "/"))
        answer.set_cookie("lt_locale", request.form["locale"])
        return answer  # type: ignore[return-value]


def _add_answers(app: Flask) -> None:
    """Answers that are no page of their own: errors and a paper."""

    @app.get("/error/<int:status>")
    @app.get("/bare/<int:status>")
    def error(status: int) -> Response:
        page = render_template("errors/error.html", status=status, message=None, request_id="a1b2c3d4")
        return Response(page, status=status)

    @app.get("/paper.pdf")
    def paper() -> Response:
        return Response(_paper(), mimetype="application/pdf")


def _paper() -> bytes:
    """A short letter, so that the viewer has something true to show."""
    from weasyprint import HTML

    text = "".join(f"<p>Đoạn {n}. {LONG}</p>" for n in range(1, 16))
    out = BytesIO()
    page = "<style>body{font:13pt 'Tinos','Liberation Serif',serif}</style><h1>Công văn</h1>" + text
    HTML(string=page).write_pdf(out)
    return out.getvalue()


if __name__ == "__main__":
    gallery_app().run(port=int(sys.argv[1]))
