"""`lienthong first-exchange`: a fresh temporary instance, two agencies' systems, one letter between them, its receipt.

What the systems do is done with the client of the folder agent (docex/agent/hub.py) over real HTTP, as a vendor would.
"""

import re
import uuid
from collections import deque
from dataclasses import replace
from pathlib import Path

import click

from directory import demo
from docex import edxml
from docex.agent.credentials import Credentials
from docex.agent.http_client import Reach
from docex.agent.hub import RECEIVE, SUBMIT, Hub
from docex.edxml.model import Organ
from kernel import clock
from web.tour.browser import Browser
from web.tour.documents import HOME_AFFAIRS, sample_envelope, until
from web.tour.instance import Instance
from web.tour.reading import option
from web.tour.report import Report, Step

FRIEND = Organ("H98.07", "Sở Giao thông tỉnh Bạn")
"""An agency that has no pages here: what is sent to it waits for its own system."""


def run(begun: float | None = None) -> int:
    """Do it and print each step, the signed receipt and the seconds since `begun` (Unix time; None is now). Answers the
    exit code: 0 when every step held."""
    begun = clock.now().timestamp() if begun is None else begun
    report = Report()
    receipt = ""
    instance = Instance()
    try:
        with report.step("a fresh instance: SQLite, web, worker") as step:
            instance.__enter__()
            step.check(True, instance.url)
        receipt = _exchange(instance, report)
    except Exception as error:
        click.echo(f"\n{type(error).__name__}: {error}")
        click.echo(f"web: {instance.log('web')[-1500:]}\nworker: {instance.log('worker')[-1500:]}")
    finally:
        instance.__exit__(None, None, None)
    held = report.close() and bool(receipt)
    if receipt:
        click.echo(f"\n{receipt}\n")
    seconds = clock.now().timestamp() - begun
    click.echo(f"{'first exchange' if held else 'no exchange'} after {seconds:.0f} s, set-up included")
    return 0 if held else 1


def _exchange(instance: Instance, report: Report) -> str:
    with report.step("an administrator registers the systems of two agencies") as step:
        admin = Browser(instance.url).sign_in("quantri")
        admin.get("/admin/agencies/new")
        admin.post("/admin/agencies/new", code=FRIEND.code, name=FRIEND.name, parent_id="")
        sender = _system(instance, admin, HOME_AFFAIRS, SUBMIT)
        receiver = _system(instance, admin, FRIEND.name, RECEIVE)
        receiver.waiting(0)
        step.check(True, f"{HOME_AFFAIRS} may send, {FRIEND.name} may fetch")
    with report.step(f"the system of {HOME_AFFAIRS} hands in a letter with a PDF") as step:
        data = edxml.write(replace(sample_envelope(), receivers=(FRIEND,)))
        taken = sender.submit(data, uuid.uuid4().hex)
        sender.check(taken["receipt"]["jws"], kind="submitted", sha256=taken["sha256"])
        step.check(True, f"taken over as {taken['id']}, with a receipt signed by the hub")
    with report.step(f"the system of {FRIEND.name} fetches and acknowledges it") as step:
        receipt = _fetched(receiver, data, instance.folder, step)
    with report.step(f"{HOME_AFFAIRS} sees that it arrived, and has the same receipt") as step:
        (delivery,) = sender.states(int(taken["id"]))["deliveries"]
        step.check(delivery["state"] == "01", "status 01")
        step.check(receipt in [one["jws"] for one in sender.receipts(int(taken["id"]))], "byte for byte")
        said = sender.check(receipt, kind="retrieved", sha256=taken["sha256"], sender=demo.HOME_AFFAIRS)
        step.check(said["receivers"] == [FRIEND.code], f"{said['kind']} at {said['at']}, signed with ES256")
    return receipt


def _fetched(receiver: Hub, data: bytes, folder: Path, step: Step) -> str:
    until(lambda: bool(receiver.waiting(25).items), "the letter waits for its receiver")
    (one,) = receiver.waiting(0).items
    token, file = receiver.lease(one.id), folder / "fetched.edxml"
    deque(receiver.download(one, file), maxlen=0)
    step.check(file.read_bytes() == data, f"{one.size} bytes, the very ones that were handed in")
    receipt = receiver.acknowledge(one.id, token, one.sha256)
    step.check(receipt, "its receipt is signed with a key that the hub publishes")
    return receipt


def _system(instance: Instance, admin: Browser, agency: str, scope: str) -> Hub:
    form = admin.get("/admin/clients/new")
    choice, name = option(form, agency), f"Phần mềm của {agency}"
    page = admin.post("/admin/clients/new", agency_id=choice, name=name, scopes=[scope])
    client_id, secret = re.findall(r"<code[^>]*>([^<]+)</code>", page)[:2]
    return Hub(Reach(instance.url, Credentials(client_id, secret)))
