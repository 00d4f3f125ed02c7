"""A city in use, on real processes: whoever has its database, its logs and its files has none of its secrets.

What an earlier release kept as it is, is planted before the first worker starts, and must be gone like the rest.
"""

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import fields
from html import unescape
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import pyotp
import pytest
import requests
import sqlalchemy as sa

from directory import signin
from directory.demo import PASSWORD, email_of
from directory.models import ApiClient, Person
from docex.documents.models import Document
from docex.documents.states import DocumentState
from docex.exchange.hub.models import Webhook
from kernel.config import PREFIX, Config
from kernel.sealing import MARK
from meetings import walls
from signing.remote_signing.models import Handoff, HandoffState
from tests.forks.instance import ForkedInstance
from tests.leaks import Secrets, files_in
from tests.postgres import TestServer
from web.tour.browser import Browser
from web.tour.documents import until
from web.tour.instance import Instance
from web.tour.reading import hidden, link, option

#: Those that are addresses, or that the instance needs as they are.
_GIVEN = {"database_url", "smtp_url", "twilio_auth_token", "keys"}
SETTINGS = {
    PREFIX + item.name.upper(): f"setting-{token_urlsafe(16)}"
    for item in fields(Config)
    if item.metadata["secret"] and item.name not in _GIVEN
}
TYPED_AS_NAME, NEW_PASSWORD = "mat-khau-go-nham-cho-ten", "mật-khẩu-mới-của-Hà-2026"
OLD_TOTP, OLD_WEBHOOK = pyotp.random_base32(), token_urlsafe(32)
TRIES = 3


@pytest.fixture
def url(database_kind: str, request: pytest.FixtureRequest) -> str:
    """An empty database; "" is the embedded one."""
    if database_kind == "sqlite":
        return ""
    server: TestServer = request.getfixturevalue("postgres")
    return server.create(server.fresh_name())


def codes_of(page: str) -> list[str]:
    """What a page shows to be copied."""
    return [unescape(code) for code in re.findall(r"<code[^>]*>([^<]+)</code>", page)]


def come_in(instance: Instance, secrets: Secrets, name: str) -> Browser:
    browser = Browser(instance.url).sign_in(name)
    secrets.add(f"session of {name}", browser.session.cookies[signin.COOKIE].encode())
    return browser


def use_accounts(instance: Instance, secrets: Secrets, admin: Browser) -> None:
    """A second step, recovery codes, a new password, a temporary one, a password typed where the name belongs."""
    ha = come_in(instance, secrets, "ha")
    offered = codes_of(ha.get("/account/second-step"))[0].replace(" ", "")
    shown = ha.post("/account/second-step", secret=offered, code=pyotp.TOTP(offered).now())
    secrets.add("second step", offered.encode())
    for number, code in enumerate(codes_of(shown)):
        secrets.add(f"recovery code {number}", code.encode())
    ha.get("/account")
    ha.post("/account/password", current=PASSWORD, new=NEW_PASSWORD, again=NEW_PASSWORD)
    secrets.add("password", NEW_PASSWORD.encode())
    (given,) = codes_of(admin.post(link(_of(admin, "Lê Thị Lan"), r"/admin/people/\d+/password")))
    secrets.add("temporary password", given.encode())
    stranger = Browser(instance.url)
    stranger.get("/sign-in")
    for _ in range(TRIES):
        stranger.post("/sign-in", name=TYPED_AS_NAME, password="x", expect=422)
    secrets.add("typed as a name", TYPED_AS_NAME.encode())


def _of(admin: Browser, name: str) -> str:
    """The page of a person."""
    found = admin.session.get(f"{admin.url}/admin/people", params={"q": name}, timeout=30).text
    return admin.get(link(found, r"/admin/people/\d+"))


def use_systems(instance: Instance, secrets: Secrets, admin: Browser) -> str:
    """Two systems with tokens and webhooks, one of them tried by the operator; one of the VXP shape. Answers the one
    whose webhook an earlier release has made."""
    names = []
    for agency, what in (("Sở Nội vụ", "a system"), ("Sở Tài chính", "another system")):
        form = admin.get("/admin/clients/new")
        scopes = ["docex.submit", "docex.receive"]
        page = admin.post("/admin/clients/new", agency_id=option(form, agency), name="Phần mềm QLVB", scopes=scopes)
        name, secret = codes_of(page)[:2]
        wanted = {"grant_type": "client_credentials"}
        granted = requests.post(f"{instance.url}/api/v1/oauth/token", wanted, auth=(name, secret), timeout=30).json()
        bearer = {"Authorization": f"Bearer {granted['access_token']}"}
        requests.get(f"{instance.url}/api/v1/inbox", headers=bearer, timeout=30).raise_for_status()
        hook = {"url": f"{instance.url}/no-such-endpoint"}
        made = requests.put(f"{instance.url}/api/v1/webhook", json=hook, headers=bearer, timeout=30).json()
        secrets.add(f"secret of {what}", secret.encode())
        secrets.add(f"token of {what}", granted["access_token"].encode())
        secrets.add(f"webhook of {what}", made["secret"].encode())
        names.append(name)
    page = admin.get(link(admin.get("/admin/exchange"), r"/admin/exchange/\d+"))
    admin.post(link(page, r"/admin/exchange/\d+/test"))
    form = admin.get("/admin/clients/vxp/new")
    page = admin.post("/admin/clients/vxp/new", agency_id=option(form, "Sở Nội vụ"), name="QLVB cũ", system_id="")
    secrets.add("VXP system", codes_of(page)[-1].encode())
    return names[-1]


def use_wall(instance: Instance, secrets: Secrets) -> None:
    """A screen in a meeting room."""
    wall = Browser(instance.url)
    wall.get("/wall")
    wall.post("/wall")
    secrets.add("wall", wall.session.cookies[walls.COOKIE].encode())


def plant(instance: Instance, client: str) -> None:
    """What an earlier release kept as it is."""
    with instance.database() as db, db.write() as tx:
        person = tx.session.scalars(sa.select(Person).where(Person.email == email_of("nam"))).one()
        person.totp_secret = OLD_TOTP
        number = sa.select(ApiClient.id).where(ApiClient.client_id == client).scalar_subquery()
        tx.session.execute(sa.update(Webhook).where(Webhook.client_id == number).values(secret=OLD_WEBHOOK))


def use_worker(instance: Instance, secrets: Secrets) -> None:
    """Links in e-mails and SMS, one of them followed; a paper at a signer's own device; the operator's test is done."""
    binh = come_in(instance, secrets, "binh")
    with instance.database() as db, db.read() as tx:
        number = tx.session.scalars(sa.select(Document.id).where(Document.state == DocumentState.REVIEW)).one()
    paper = f"/documents/out/{number}"
    until(lambda: "<doc-paper" in binh.get(paper), "the letter is laid out")
    binh.post(f"{paper}/device/sign", seen=hidden(binh.get(paper), "seen"))
    until(lambda: _is_ready(instance), "the paper may go to the device")
    call = binh.post_json(f"{paper}/device/open")
    secrets.add("device", call["parameters"]["FileUploadHandler"].rpartition("/")[2].encode())
    until(lambda: len(links_in(instance)) > 5, "links have gone out")
    for link_number, token in enumerate(links_in(instance)):
        secrets.add(f"link {link_number}", token.encode())
    requests.get(f"{instance.url}/l/{next(iter(links_in(instance)))}", timeout=30).raise_for_status()


def _is_ready(instance: Instance) -> bool:
    with instance.database() as db, db.read() as tx:
        return tx.session.scalar(sa.select(Handoff.state)) == HandoffState.READY


def links_in(instance: Instance) -> set[str]:
    """The tokens of one-tap links in all SMS so far."""
    said = "\n".join(text["body"] for text in instance.twilio.journal.entries())
    return set(re.findall(r"/l/([\w-]+)", said))


def dump_of(instance: Instance, url: str, request: pytest.FixtureRequest) -> bytes:
    if url:
        server: TestServer = request.getfixturevalue("postgres")
        return server.dump(url)
    database = sqlite3.connect(instance.folder / "lienthong.db")
    try:
        return "\n".join(database.iterdump()).encode()
    finally:
        database.close()


def outside_the_database(folder: Path) -> Iterator[tuple[str, bytes]]:
    """What lies in the data folder, without the letters that have arrived and what is meant to hold a secret."""
    kept = {"pki/passphrase", "mail.jsonl", "sms.jsonl"}
    return (found for found in files_in(folder, kept) if not found[0].startswith("lienthong.db"))


@pytest.mark.long_proof  # it walks through a whole day first
@pytest.mark.timeout(600)
def test_whoever_has_the_database_the_logs_and_the_files_has_no_secret(
    url: str, request: pytest.FixtureRequest
) -> None:
    secrets, old = Secrets(), Secrets()
    settings: dict[str, Any] = {**SETTINGS, "LIENTHONG_SIGN_IN_TRIES": str(TRIES), "LIENTHONG_WEBHOOKS_ANYWHERE": "1"}
    with ForkedInstance(database_url=url, parts=("web",), LIENTHONG_LOG_LEVEL="DEBUG", **settings) as instance:
        for name, text in SETTINGS.items():
            secrets.add(name, text.encode())
        old.add("second step of an earlier release", OLD_TOTP.encode())
        old.add("webhook of an earlier release", OLD_WEBHOOK.encode())
        admin = come_in(instance, secrets, "quantri")
        use_accounts(instance, secrets, admin)
        client = use_systems(instance, secrets, admin)
        use_wall(instance, secrets)
        raw = b"" if url else b"".join(data for name, data in files_in(instance.folder, set()) if ".db" in name)
        plant(instance, client)
        instance.start("worker")
        use_worker(instance, secrets)
        dump = dump_of(instance, url, request)
        found = [*secrets.found_in("the dump", dump), *old.found_in("the dump", dump), *secrets.found_in("raw", raw)]
        for place, data in outside_the_database(instance.folder):
            found += [*secrets.found_in(place, data), *old.found_in(place, data)]
    assert found == []
    # It was the right database, in use: five secrets are sealed in it, and the acts are on record.
    assert dump.count(MARK.encode()) == 5
    for act in ("totp_enabled", "sign_in_locked", "webhook_set", "hub.tested", "document.hand_open"):
        assert act.encode() in dump, act
