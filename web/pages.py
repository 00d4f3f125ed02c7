"""What every page gets: navigation, links, filters; and the start page."""

from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app, g, has_request_context, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from directory.actor import Actor, Role
from directory.models import Agency
from kernel import clock, dashboard, streams
from kernel.catalogue import LOCALES
from kernel.db import Tx
from kernel.localpaths import own_path
from kernel.text import Phrase, phrase
from web import formats
from web.locale import COOKIE as LOCALE_COOKIE
from web.services import services

YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True)
class NavItem:
    """One entry of the rail: `endpoint` makes its URL, `roles` who sees it (empty: everybody)."""

    label: Phrase
    icon: str
    endpoint: str
    group: str = "main"
    roles: frozenset[Role] = frozenset()
    url: str = ""
    active: bool = False
    count: int | None = None


_ADMIN = frozenset({Role.ADMIN})
_NAV = (
    NavItem(phrase("Hôm nay"), "sun", "web.start"),
    NavItem(phrase("Văn bản đến"), "inbox", "docex.inbox"),
    NavItem(phrase("Văn bản đi"), "send", "docex.outbox"),
    NavItem(phrase("Họp"), "people", "meetings.index"),
    NavItem(phrase("Công việc"), "check2-square", "tasks.index"),
    NavItem(phrase("Tra cứu"), "search", "docex.search"),
    NavItem(phrase("Cơ quan"), "building", "directory.agencies", "admin", _ADMIN),
    NavItem(phrase("Người dùng"), "person-badge", "directory.people", "admin", _ADMIN),
    NavItem(phrase("Ứng dụng kết nối"), "plug", "directory.clients", "admin", _ADMIN),
    NavItem(phrase("Trục liên thông"), "arrow-left-right", "hub_pages.exchange", "admin", _ADMIN),
    NavItem(phrase("Kho tin cậy"), "shield-check", "signing.trust", "admin", _ADMIN),
    NavItem(phrase("Ủy quyền ký"), "pen", "signing.delegations", "admin", _ADMIN),
    NavItem(phrase("Chứng thư thiết bị"), "usb-symbol", "signing.certificates", "admin", _ADMIN),
    NavItem(phrase("Lịch làm việc"), "calendar-week", "directory.calendar", "admin", _ADMIN),
    NavItem(phrase("Nhật ký"), "journal-check", "directory.audit", "admin", _ADMIN),
    NavItem(phrase("Tin đã gửi"), "mailbox", "notify.mailbox", "admin"),
)
_LINKS = {
    "home": "web.start",
    "search": "docex.search",
    "language": "web.choose_language",
    "sign_in": "directory.sign_in_page",
    "sign_out": "directory.sign_out",
    "account": "directory.account",
    "certificates": "signing.own_certificates",
}


def install(app: Flask) -> None:
    """Filters and the variables that every template may use."""
    formats.install(app)
    app.context_processor(_context)


def _context() -> dict[str, Any]:
    actor: Actor | None = getattr(g, "actor", None) if has_request_context() else None
    known = set(current_app.view_functions)
    links = {name: url_for(endpoint) for name, endpoint in _LINKS.items() if endpoint in known}
    person = actor is not None and actor.kind == "person"
    return {
        "actor": actor if person else None,
        "agency_name": _agency_name(g.tx, actor.agency_id) if person and actor is not None and "tx" in g else None,
        "nav": _nav(actor, known) if person and actor is not None else [],
        "links": links,
        "limits": {"upload": services().config.upload_max_bytes},
        "demo": services().config.mode == "demo",
    }


def _nav(actor: Actor, known: set[str]) -> list[NavItem]:
    shown = []
    for item in _NAV:
        if item.endpoint in known and (not item.roles or actor.has(*item.roles)) and _has_page(item):
            url = url_for(item.endpoint)
            active = request.path == url or (url != "/" and request.path.startswith(url.rstrip("/") + "/"))
            shown.append(replace(item, url=url, active=active))
    return shown


def _has_page(item: NavItem) -> bool:
    return item.endpoint != "notify.mailbox" or services().config.mode == "demo"


def start(tx: Tx, actor: Actor) -> str:
    """What waits for the signed-in person today."""
    own = [f"person:{actor.person_id}", f"agency:{actor.agency_id}/clerks"]
    names = [name for name in own if streams.may_join(tx, actor, name)]
    template = "today/_sections.html" if request.headers.get("X-Fragment") else "today/today.html"
    return render_template(
        template,
        sections=dashboard.sections(tx, actor),
        today=clock.today(),
        stream=" ".join(names),
        fragment_url=url_for("web.start"),
        heads=streams.heads(tx, names),
    )


def choose_language(tx: Tx, actor: Actor | None) -> Response:
    """Remember the reader's language in this browser and go back to the page."""
    response = redirect(own_path(request.form.get("next", ""), url_for("web.start")))
    chosen = request.form.get("locale", "")
    if chosen in LOCALES:
        secure = services().config.base_url.startswith("https:")
        response.set_cookie(LOCALE_COOKIE, chosen, max_age=YEAR_S, samesite="Lax", httponly=True, secure=secure)
    return response


def _agency_name(tx: Tx, agency_id: int) -> str | None:
    return tx.session.scalar(sa.select(Agency.name).where(Agency.id == agency_id))
