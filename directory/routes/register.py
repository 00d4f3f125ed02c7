"""The administrators' register of agencies and their units."""

from typing import Any

from flask import Response, request

from directory import access, listing, queries
from directory import agencies as register
from directory.actor import Actor
from directory.forms import AgencyForm, AliasForm, MergeForm, UnitForm
from directory.routes.desk import Errors, done, late, number, page, routes
from kernel.db import Tx
from kernel.errors import Invalid, Stale, WrongState
from kernel.text import phrase


@routes.get("/admin/agencies")
def agencies(tx: Tx, actor: Actor) -> Response:
    """The register of register."""
    q, state = request.args.get("q", ""), request.args.get("state", "current")
    leaf = listing.agencies(tx, actor, q, state, number("page", 1))
    return page("agencies", leaf=leaf, q=q, state=state, is_top=access.is_instance_admin(tx, actor))


@routes.get("/admin/agencies/new")
def new_agency(tx: Tx, actor: Actor) -> Response:
    """An empty agency."""
    access.require_instance_admin(tx, actor)
    return page("agency_new", form=AgencyForm().offer(queries.agencies_for_choice(tx)))


@routes.post("/admin/agencies/new")
def found_agency(tx: Tx, actor: Actor) -> Response:
    """Enter a new agency."""
    form = AgencyForm(request.form).offer(queries.agencies_for_choice(tx))
    try:
        facts = form.facts()
        row = register.found_agency(tx, actor, facts)
    except Invalid as refusal:
        return page("agency_new", refusal.fields, form=form)
    said = next(iter(register.warnings(facts)), phrase("Đã thêm cơ quan."))
    return done(actor, said, "directory.agency", agency_id=row.id)


@routes.get("/admin/agencies/<int:agency_id>")
def agency(tx: Tx, actor: Actor, agency_id: int) -> Response:
    """One agency with its codes, units and mergers."""
    return _agency(tx, actor, agency_id)


def _agency(tx: Tx, actor: Actor, agency_id: int, errors: Errors | None = None, **forms: Any) -> Response:
    profile = listing.agency_profile(tx, actor, agency_id)
    others = [card for card in queries.agencies_for_choice(tx) if card.id != agency_id]
    context = {
        "profile": profile,
        "form": AgencyForm(obj=profile.facts, rev=profile.rev).offer(others),
        "alias": AliasForm(),
        "merger": MergeForm().offer(others),
        "unit": UnitForm(prefix="unit-").offer(listing.choice_of_units(tx, agency_id)),
        "is_top": access.is_instance_admin(tx, actor),
        "section": "",
    }
    for form in forms.values():
        if isinstance(form, AgencyForm | MergeForm):
            form.offer(others)
    return page("agency", errors, **{**context, **forms})


@routes.post("/admin/agencies/<int:agency_id>")
def change_agency(tx: Tx, actor: Actor, agency_id: int) -> Response:
    """Change an agency's facts."""
    form = AgencyForm(request.form).offer(queries.agencies_for_choice(tx))
    try:
        facts = form.facts()
        register.change_agency(tx, actor, agency_id, facts, form.number("rev"))
    except Invalid as refusal:
        return _agency(tx, actor, agency_id, refusal.fields, form=form, section="facts")
    except Stale as overtaken:
        return late(_agency(tx, actor, agency_id, form.overtaken(overtaken), form=form, section="facts"))
    return done(actor, phrase("Đã lưu thông tin cơ quan."), "directory.agency", agency_id=agency_id)


@routes.post("/admin/agencies/<int:agency_id>/aliases")
def add_alias(tx: Tx, actor: Actor, agency_id: int) -> Response:
    """Add another code."""
    form = AliasForm(request.form)
    try:
        register.add_alias(tx, actor, agency_id, form.alias.data or "")
    except Invalid as refusal:
        return _agency(tx, actor, agency_id, refusal.fields, alias=form, section="alias")
    return done(actor, phrase("Đã thêm mã khác."), "directory.agency", agency_id=agency_id)


@routes.post("/admin/agencies/<int:agency_id>/aliases/<int:alias_id>/remove")
def remove_alias(tx: Tx, actor: Actor, agency_id: int, alias_id: int) -> Response:
    """Remove another code."""
    register.remove_alias(tx, actor, agency_id, alias_id)
    return done(actor, phrase("Đã gỡ mã khác."), "directory.agency", agency_id=agency_id)


@routes.post("/admin/agencies/<int:agency_id>/merge")
def merge(tx: Tx, actor: Actor, agency_id: int) -> Response:
    """Let an agency go into another."""
    form = MergeForm(request.form)
    try:
        register.merge(tx, actor, agency_id, form.number("into_id"), form.last_day())
    except Invalid as refusal:
        return _agency(tx, actor, agency_id, refusal.fields, merger=form, section="merger")
    return done(actor, phrase("Đã ghi nhận sáp nhập."), "directory.agency", agency_id=agency_id)


@routes.post("/admin/agencies/<int:agency_id>/unmerge")
def undo_merger(tx: Tx, actor: Actor, agency_id: int) -> Response:
    """Take a merger back."""
    register.undo_merger(tx, actor, agency_id)
    return done(actor, phrase("Đã hủy ghi nhận sáp nhập."), "directory.agency", agency_id=agency_id)


@routes.post("/admin/agencies/<int:agency_id>/units")
def add_unit(tx: Tx, actor: Actor, agency_id: int) -> Response:
    """Add a unit."""
    form = UnitForm(request.form, prefix="unit-").offer(listing.choice_of_units(tx, agency_id))
    try:
        register.add_unit(tx, actor, agency_id, form.facts())
    except Invalid as refusal:
        return _agency(tx, actor, agency_id, refusal.fields, unit=form, section="unit")
    return done(actor, phrase("Đã thêm đơn vị."), "directory.agency", agency_id=agency_id)


@routes.get("/admin/units/<int:unit_id>")
def unit(tx: Tx, actor: Actor, unit_id: int) -> Response:
    """One unit."""
    return _unit(tx, actor, unit_id)


def _unit(tx: Tx, actor: Actor, unit_id: int, errors: Errors | None = None, form: UnitForm | None = None) -> Response:
    profile = listing.unit_profile(tx, actor, unit_id)
    above = listing.choice_of_units(tx, profile.agency.id, without=unit_id)
    shown = (form or UnitForm(obj=profile, prefix="unit-")).offer(above)
    return page("unit", errors, profile=profile, form=shown)


@routes.post("/admin/units/<int:unit_id>")
def change_unit(tx: Tx, actor: Actor, unit_id: int) -> Response:
    """Change a unit."""
    form = UnitForm(request.form, prefix="unit-")
    try:
        row = register.change_unit(tx, actor, unit_id, form.facts())
    except Invalid as refusal:
        return _unit(tx, actor, unit_id, refusal.fields, form)
    return done(actor, phrase("Đã lưu đơn vị."), "directory.agency", agency_id=row.agency_id)


@routes.post("/admin/units/<int:unit_id>/remove")
def remove_unit(tx: Tx, actor: Actor, unit_id: int) -> Response:
    """Remove an empty unit."""
    agency_id = access.unit_for(tx, actor, unit_id).agency_id
    try:
        register.remove_unit(tx, actor, unit_id)
    except WrongState as refusal:
        return _unit(tx, actor, unit_id, {"": refusal.message})
    return done(actor, phrase("Đã gỡ đơn vị."), "directory.agency", agency_id=agency_id)
