"""The administrators' pages of connected systems, the working calendar and the audit chains."""

from datetime import date

from flask import Response, request

from directory import auditing, codeforms, listing, workdays
from directory import clients as systems
from directory.actor import Actor, chain_of
from directory.clients import Credentials
from directory.forms import ClientForm, CodeFormForm, DayForm, KeyForm
from directory.routes.desk import Errors, done, number, once, page, routes
from kernel import clock
from kernel.db import Tx
from kernel.errors import Invalid, NotFound
from kernel.text import phrase


@routes.get("/admin/clients")
def clients(tx: Tx, actor: Actor) -> Response:
    """The systems of one's agencies."""
    return page("clients", clients=listing.clients_of(tx, actor))


@routes.get("/admin/clients/new")
def new_client(tx: Tx, actor: Actor) -> Response:
    """An empty system."""
    return page("client_new", form=_client_form(tx, actor, ClientForm(agency_id=str(actor.agency_id))))


@routes.post("/admin/clients/new")
def register_client(tx: Tx, actor: Actor) -> Response:
    """Register a system and show its secret once."""
    form = _client_form(tx, actor, ClientForm(request.form))
    try:
        wanted = frozenset(form.scopes.data or [])
        given = systems.register(tx, actor, form.number("agency_id"), form.name.data or "", wanted, form.contact())
    except Invalid as refusal:
        return page("client_new", refusal.fields, form=form)
    return _secret(tx, actor, given)


def _client_form(tx: Tx, actor: Actor, form: ClientForm) -> ClientForm:
    return form.offer(listing.choice_for_clients(tx, actor), sorted(systems.scopes.items()))


def _secret(tx: Tx, actor: Actor, given: Credentials) -> Response:
    return once(page("client_secret", client=listing.client(tx, actor, given.id), secret=given.secret))


@routes.post("/admin/clients/<int:client_id>/secret")
def renew_secret(tx: Tx, actor: Actor, client_id: int) -> Response:
    """Make a new secret and show it once."""
    return _secret(tx, actor, systems.renew_secret(tx, actor, client_id))


@routes.get("/admin/clients/<int:client_id>/key")
def client_key(tx: Tx, actor: Actor, client_id: int) -> Response:
    """Where a system's public key or certificate is pasted."""
    return page("client_key", client=_client(tx, actor, client_id), form=KeyForm())


@routes.post("/admin/clients/<int:client_id>/key")
def register_client_key(tx: Tx, actor: Actor, client_id: int) -> Response:
    """Know a system by its key from now on."""
    form = KeyForm(request.form)
    try:
        systems.register_key(tx, actor, client_id, form.key.data or "")
    except Invalid as refusal:
        return page("client_key", refusal.fields, client=_client(tx, actor, client_id), form=form)
    return done(actor, phrase("Đã lưu khóa. Khóa bí mật cũ không dùng được nữa."), "directory.clients")


@routes.get("/admin/clients/<int:client_id>/contact")
def client_contact(tx: Tx, actor: Actor, client_id: int) -> Response:
    """Who looks after a system."""
    client = _client(tx, actor, client_id)
    form = ClientForm(contact_email=client.contact_email, contact_phone=client.contact_phone)
    return page("client_contact", client=client, form=form)


@routes.post("/admin/clients/<int:client_id>/contact")
def set_client_contact(tx: Tx, actor: Actor, client_id: int) -> Response:
    """Keep who looks after a system."""
    form = ClientForm(request.form)
    try:
        systems.set_contact(tx, actor, client_id, form.contact())
    except Invalid as refusal:
        return page("client_contact", refusal.fields, client=_client(tx, actor, client_id), form=form)
    return done(actor, phrase("Đã lưu người phụ trách kỹ thuật."), "directory.clients")


@routes.get("/admin/clients/<int:client_id>/codes")
def client_codes(tx: Tx, actor: Actor, client_id: int) -> Response:
    """In which form a system is told agencies' codes."""
    form = CodeFormForm(code_form=codeforms.form_of(tx, actor, client_id)).offer()
    return page("client_codes", client=_client(tx, actor, client_id), form=form)


@routes.post("/admin/clients/<int:client_id>/codes")
def set_client_codes(tx: Tx, actor: Actor, client_id: int) -> Response:
    """Tell a system codes in this form from now on."""
    form = CodeFormForm(request.form).offer()
    try:
        codeforms.set_form(tx, actor, client_id, form.code_form.data or "")
    except Invalid as refusal:
        return page("client_codes", refusal.fields, client=_client(tx, actor, client_id), form=form)
    return done(actor, phrase("Đã lưu dạng mã cơ quan."), "directory.clients")


def _client(tx: Tx, actor: Actor, client_id: int) -> listing.ClientCard:
    card = listing.client(tx, actor, client_id)
    if card is None or card.revoked_at is not None:
        raise NotFound()
    return card


@routes.post("/admin/clients/<int:client_id>/revoke")
def revoke_client(tx: Tx, actor: Actor, client_id: int) -> Response:
    """Shut a system out."""
    systems.revoke(tx, actor, client_id)
    return done(actor, phrase("Đã thu hồi ứng dụng."), "directory.clients")


@routes.get("/admin/calendar")
def calendar(tx: Tx, actor: Actor) -> Response:
    """The days off and working weekends of a year."""
    return _calendar(tx, actor, number("year", clock.today().year))


def _calendar(tx: Tx, actor: Actor, year: int, errors: Errors | None = None, form: DayForm | None = None) -> Response:
    days = workdays.year(tx, actor, year)
    return page("calendar", errors, days=days, year=year, form=form or DayForm())


@routes.post("/admin/calendar")
def set_day(tx: Tx, actor: Actor) -> Response:
    """Overrule the public calendar on a day."""
    form = DayForm(request.form)
    try:
        on = form.day()
        workdays.set_day(tx, actor, on, form.working.data == "1", form.note.data or "")
    except Invalid as refusal:
        return _calendar(tx, actor, number("year", clock.today().year), refusal.fields, form)
    return done(actor, phrase("Đã đặt ngày ngoại lệ."), "directory.calendar", year=on.year)


@routes.post("/admin/calendar/<day>/clear")
def clear_day(tx: Tx, actor: Actor, day: str) -> Response:
    """Let the public calendar speak again."""
    try:
        on = date.fromisoformat(day)
    except ValueError:
        raise NotFound() from None
    workdays.clear_day(tx, actor, on)
    return done(actor, phrase("Đã gỡ ngày ngoại lệ."), "directory.calendar", year=on.year)


@routes.get("/admin/audit")
def audit(tx: Tx, actor: Actor) -> Response:
    """Who did what, newest first; `check=1` also proves the chain."""
    chains = auditing.chains(tx, actor)
    name = request.args.get("chain") or next((c.name for c in chains if c.length), chain_of(actor.agency_id))
    leaf = auditing.leaf(tx, actor, name, number("below"))
    checked = request.args.get("check") == "1"
    broken = auditing.first_break(tx, actor, name) if checked else None
    return page("audit", chains=chains, name=name, leaf=leaf, checked=checked, broken=broken, below=number("below"))
