"""The endpoints of this room: my tasks, one task with its acts, and the form of a new one."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import redirect, render_template, request, url_for

from directory.actor import Actor
from directory.streams import person_stream
from kernel import clock, streams
from kernel.db import Tx
from kernel.endpoints import Routes
from kernel.errors import Invalid, WrongState
from kernel.text import Phrase, phrase
from tasks import deadlines, extending, finishing, giving, queries, receiving
from tasks.forms import GiveForm, lead_of
from tasks.streams import task_stream

routes = Routes("tasks")

Errors = dict[str, Phrase]


@routes.get("/tasks")
def index(tx: Tx, actor: Actor) -> str:
    """My tasks: to do, given by me, followed, closed; what is late first."""
    stream = person_stream(actor.person_id)
    return render_template(
        "tasks/_index.html" if request.args.get("fragment") else "tasks/index.html",
        lists=queries.lists(tx, actor),
        stream=stream,
        heads=streams.heads(tx, [stream]),
        may_give=actor.has(*giving.GIVERS),
    )


@routes.get("/tasks/new")
def new(tx: Tx, actor: Actor) -> str:
    """The form of a new task."""
    return _new_page(GiveForm().offer(tx, actor))


@routes.post("/tasks")
def give(tx: Tx, actor: Actor) -> Any:
    """Give the task: its lead hears at once."""
    form = GiveForm(request.form).offer(tx, actor)
    try:
        task = giving.give(tx, actor, form.command(actor))
    except Invalid as error:
        return _new_page(form, error.fields), error.status
    return redirect(url_for("tasks.task", task_id=task.id), 303)


def _new_page(form: GiveForm, errors: Errors | None = None) -> str:
    return render_template("tasks/new.html", form=form, errors=errors or {})


@routes.get("/tasks/<int:task_id>")
def task(tx: Tx, actor: Actor, task_id: int) -> str:
    """One task: facts, timeline, and the acts that this reader has now."""
    return _task_page(tx, actor, task_id)


def _task_page(
    tx: Tx, actor: Actor, task_id: int, failed: str = "", errors: Errors | None = None, late: Phrase | None = None
) -> str:
    stream = task_stream(task_id)
    view = queries.task_page(tx, actor, task_id)
    return render_template(
        "tasks/_task.html" if request.args.get("fragment") else "tasks/task.html",
        task=view,
        stream=stream,
        heads=streams.heads(tx, [stream]),
        choices=GiveForm().offer(tx, actor).lead if "give_again" in view.acts else None,
        failed=failed,
        errors=errors or {},
        typed=request.form if failed else {},
        late=late,
        words=request.form.get("reason") or request.form.get("note") or "",
    )


def _done(tx: Tx, actor: Actor, task_id: int, name: str, act: Callable[[], object]) -> Any:
    """Do it and show the task; a refusal of a field, or of an act that came too late, shows the page with what was
    typed."""
    try:
        with tx.attempt():
            act()
    except Invalid as error:
        return _task_page(tx, actor, task_id, name, error.fields), error.status
    except WrongState as error:
        return _task_page(tx, actor, task_id, late=error.message), error.status
    return redirect(url_for("tasks.task", task_id=task_id), 303)


def _typed_deadline() -> tuple[datetime | None, str]:
    found = deadlines.read(request.form.get("deadline", ""), clock.now())
    return (found.at, found.rule) if found else (None, "")


def _reason() -> str:
    return request.form.get("reason", "")


@routes.post("/tasks/<int:task_id>/receive")
def receive(tx: Tx, actor: Actor, task_id: int) -> Any:
    """Say that the task has arrived."""
    return _done(tx, actor, task_id, "receive", lambda: receiving.receive(tx, actor, task_id))


@routes.post("/tasks/<int:task_id>/report")
def report(tx: Tx, actor: Actor, task_id: int) -> Any:
    """Say how far it is."""

    def act() -> None:
        text = request.form.get("progress", "").strip()
        if not (text.isascii() and text.isdecimal() and len(text) <= 3):
            raise Invalid({"progress": phrase("Tiến độ từ 0 đến 100 phần trăm.")})
        finishing.report(tx, actor, task_id, int(text), request.form.get("note", ""))

    return _done(tx, actor, task_id, "report", act)


@routes.post("/tasks/<int:task_id>/finish")
def finish(tx: Tx, actor: Actor, task_id: int) -> Any:
    """Say that it is done."""
    return _done(
        tx, actor, task_id, "finish", lambda: finishing.finish(tx, actor, task_id, request.form.get("note", ""))
    )


@routes.post("/tasks/<int:task_id>/accept")
def accept(tx: Tx, actor: Actor, task_id: int) -> Any:
    """The giver is content."""
    return _done(tx, actor, task_id, "accept", lambda: finishing.accept(tx, actor, task_id))


@routes.post("/tasks/<int:task_id>/send-back")
def send_back(tx: Tx, actor: Actor, task_id: int) -> Any:
    """The giver says what is missing."""
    return _done(tx, actor, task_id, "send_back", lambda: finishing.send_back(tx, actor, task_id, _reason()))


@routes.post("/tasks/<int:task_id>/return")
def return_task(tx: Tx, actor: Actor, task_id: int) -> Any:
    """Give the task back to the giver."""
    return _done(tx, actor, task_id, "return", lambda: receiving.return_task(tx, actor, task_id, _reason()))


@routes.post("/tasks/<int:task_id>/give-again")
def give_again(tx: Tx, actor: Actor, task_id: int) -> Any:
    """Give a returned task to a lead again."""
    lead, note = lead_of(request.form.get("lead", "")), request.form.get("note", "")
    return _done(tx, actor, task_id, "give_again", lambda: giving.give_again(tx, actor, task_id, lead, note))


@routes.post("/tasks/<int:task_id>/extension")
def ask_extension(tx: Tx, actor: Actor, task_id: int) -> Any:
    """Ask for a later deadline."""

    def act() -> None:
        extending.ask_extension(tx, actor, task_id, _typed_deadline()[0], _reason())

    return _done(tx, actor, task_id, "ask_extension", act)


@routes.post("/tasks/<int:task_id>/extension/grant")
def grant_extension(tx: Tx, actor: Actor, task_id: int) -> Any:
    """Grant the asked deadline."""
    return _done(tx, actor, task_id, "grant", lambda: extending.decide_extension(tx, actor, task_id, True))


@routes.post("/tasks/<int:task_id>/extension/refuse")
def refuse_extension(tx: Tx, actor: Actor, task_id: int) -> Any:
    """Keep the old deadline, with a reason."""

    def act() -> None:
        extending.decide_extension(tx, actor, task_id, False, _reason())

    return _done(tx, actor, task_id, "refuse_extension", act)


@routes.post("/tasks/<int:task_id>/deadline")
def move_deadline(tx: Tx, actor: Actor, task_id: int) -> Any:
    """Set another deadline, or none."""

    def act() -> None:
        deadline_at, rule = _typed_deadline()
        giving.move_deadline(tx, actor, task_id, deadline_at, rule, _reason())

    return _done(tx, actor, task_id, "move_deadline", act)


@routes.post("/tasks/<int:task_id>/pause")
def pause(tx: Tx, actor: Actor, task_id: int) -> Any:
    """Stop the reminders for a while."""
    return _done(tx, actor, task_id, "pause", lambda: giving.pause(tx, actor, task_id, _reason()))


@routes.post("/tasks/<int:task_id>/resume")
def resume(tx: Tx, actor: Actor, task_id: int) -> Any:
    """Go on."""
    return _done(tx, actor, task_id, "resume", lambda: giving.resume(tx, actor, task_id))


@routes.post("/tasks/<int:task_id>/cancel")
def cancel(tx: Tx, actor: Actor, task_id: int) -> Any:
    """End a task that is not wanted any more."""
    return _done(tx, actor, task_id, "cancel", lambda: giving.cancel(tx, actor, task_id, _reason()))
