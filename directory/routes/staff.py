"""The administrators' pages of people, their places and roles."""

from flask import Response, request

from directory import listing
from directory import people as staff
from directory.access import agency_for
from directory.actor import Actor
from directory.forms import PersonForm, PlaceForm
from directory.listing import Place
from directory.queries import card_of
from directory.routes.desk import Errors, done, late, number, once, page, routes
from kernel.db import Tx
from kernel.errors import Invalid, Stale
from kernel.text import phrase


@routes.get("/admin/people")
def people(tx: Tx, actor: Actor) -> Response:
    """The people of one's agencies."""
    q, state, agency_id = request.args.get("q", ""), request.args.get("state", "active"), number("agency")
    leaf = listing.people(tx, actor, q, agency_id, state, number("page", 1))
    return page(
        "people", leaf=leaf, q=q, state=state, agency_id=agency_id, agencies=listing.choice_of_agencies(tx, actor)
    )


@routes.get("/admin/people/new")
def new_person(tx: Tx, actor: Actor) -> Response:
    """An empty person; the agency comes first, because its units follow from it."""
    agency_id = number("agency") or actor.agency_id
    agency_for(tx, actor, agency_id)
    return page("person_new", form=PersonForm(), place=_place_form(tx, actor, agency_id), agency_id=agency_id)


@routes.post("/admin/people/new")
def add_person(tx: Tx, actor: Actor) -> Response:
    """Enter a person with their first place."""
    form, place = PersonForm(request.form), PlaceForm(request.form)
    agency_id = place.number("agency_id")
    place.offer(listing.choice_of_agencies(tx, actor), listing.choice_of_units(tx, agency_id))
    try:
        row = staff.add_person(tx, actor, form.facts(), place.placement())
    except Invalid as refusal:
        return page("person_new", refusal.fields, form=form, place=place, agency_id=agency_id)
    return done(
        actor, phrase("Đã thêm người dùng. Hãy cấp mật khẩu tạm để họ đăng nhập."), "directory.person", person_id=row.id
    )


@routes.get("/admin/people/<int:person_id>")
def person(tx: Tx, actor: Actor, person_id: int) -> Response:
    """One person with places, roles and credentials."""
    return _person(tx, actor, person_id)


def _person(
    tx: Tx,
    actor: Actor,
    person_id: int,
    errors: Errors | None = None,
    form: PersonForm | None = None,
    section: str = "",
) -> Response:
    profile = listing.person_profile(tx, actor, person_id)
    return page(
        "person",
        errors,
        profile=profile,
        form=form or PersonForm(obj=profile),
        agencies=listing.choice_of_agencies(tx, actor),
        section=section,
    )


@routes.post("/admin/people/<int:person_id>")
def change_person(tx: Tx, actor: Actor, person_id: int) -> Response:
    """Change a person's facts."""
    form = PersonForm(request.form)
    try:
        staff.change_person(tx, actor, person_id, form.facts(), form.number("rev"))
    except Invalid as refusal:
        return _person(tx, actor, person_id, refusal.fields, form, "facts")
    except Stale as overtaken:
        return late(_person(tx, actor, person_id, form.overtaken(overtaken), form, "facts"))
    return done(actor, phrase("Đã lưu thông tin người dùng."), "directory.person", person_id=person_id)


@routes.get("/admin/people/<int:person_id>/places/<int:agency_id>")
def place(tx: Tx, actor: Actor, person_id: int, agency_id: int) -> Response:
    """A person's place in one agency, present or to be given."""
    return _place(tx, actor, person_id, agency_id)


def _place(
    tx: Tx, actor: Actor, person_id: int, agency_id: int, errors: Errors | None = None, form: PlaceForm | None = None
) -> Response:
    profile = listing.person_profile(tx, actor, person_id)
    agency = card_of(agency_for(tx, actor, agency_id))
    present = next((p for p in profile.places if p.agency.id == agency_id), None)
    shown = form or _place_form(tx, actor, agency_id, present)
    shown.offer([], listing.choice_of_units(tx, agency_id))
    return page("place", errors, profile=profile, agency=agency, present=present, form=shown)


@routes.post("/admin/people/<int:person_id>/places/<int:agency_id>")
def settle(tx: Tx, actor: Actor, person_id: int, agency_id: int) -> Response:
    """Give a person a place and roles, or change them."""
    form = PlaceForm(request.form)
    try:
        staff.settle(tx, actor, person_id, form.placement(agency_id))
    except Invalid as refusal:
        return _place(tx, actor, person_id, agency_id, refusal.fields, form)
    return done(actor, phrase("Đã lưu vị trí và vai trò."), "directory.person", person_id=person_id)


@routes.post("/admin/people/<int:person_id>/places/<int:agency_id>/leave")
def leave(tx: Tx, actor: Actor, person_id: int, agency_id: int) -> Response:
    """End a person's place."""
    staff.leave(tx, actor, person_id, agency_id)
    return done(actor, phrase("Đã gỡ khỏi cơ quan."), "directory.person", person_id=person_id)


@routes.post("/admin/people/<int:person_id>/password")
def give_password(tx: Tx, actor: Actor, person_id: int) -> Response:
    """Make a temporary password and show it once."""
    password = staff.give_password(tx, actor, person_id)
    profile = listing.person_profile(tx, actor, person_id)
    return once(page("password_given", profile=profile, password=password))


@routes.post("/admin/people/<int:person_id>/second-step/lift")
def lift_totp(tx: Tx, actor: Actor, person_id: int) -> Response:
    """Take the second step away from somebody who lost it."""
    staff.lift_totp(tx, actor, person_id)
    return done(actor, phrase("Đã gỡ xác thực hai bước."), "directory.person", person_id=person_id)


@routes.post("/admin/people/<int:person_id>/sessions/end")
def end_sessions(tx: Tx, actor: Actor, person_id: int) -> Response:
    """End all sessions of a person."""
    count = staff.end_sessions(tx, actor, person_id)
    return done(actor, phrase("Đã kết thúc {count} phiên.", count=count), "directory.person", person_id=person_id)


def _place_form(tx: Tx, actor: Actor, agency_id: int, present: Place | None = None) -> PlaceForm:
    form = PlaceForm(
        agency_id=str(agency_id),
        unit_id=str(present.unit_id) if present and present.unit_id else "",
        title=present.title if present else "",
        roles=[role.value for role in present.roles] if present else [],
        is_primary=present.is_primary if present else False,
    )
    return form.offer(listing.choice_of_agencies(tx, actor), listing.choice_of_units(tx, agency_id))
