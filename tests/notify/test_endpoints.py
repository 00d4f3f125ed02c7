"""The endpoints of this room: links that expire, the provider's reports, the mailbox of the demo."""

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from twilio.request_validator import RequestValidator
from werkzeug.serving import make_server

from kernel import clock
from kernel.audit import AuditEntry
from kernel.config import Config
from kernel.db import Database, Tx
from kernel.errors import Invalid
from kernel.queue.worker import drain
from kernel.refs import Ref
from kernel.storage.blobs import BlobStore
from kernel.text import phrase
from notify import jobs, links
from notify.calendar import request
from notify.kinds import MeetingInvitation
from notify.links import LinkPage, LinkPurpose, link_purpose
from notify.messages import Invite, Recipient, tell
from notify.models import Link, Message
from notify.sinks.twilio import TwilioSink
from tests.cast import Cast
from tests.notify.samples import END, GIVER, HOST, PLACE, START
from tests.notify.test_calendar import MEETING
from tests.notify.test_mail import state_of
from tests.notify.test_sms import told
from tests.web.people import sign_in
from web.app import create_app
from web.services import Services

REF = Ref("meeting", 1)


@link_purpose("test.answer")
class Answer(LinkPurpose):
    """Writes the answer into the link's name; refuses an empty one."""

    def page(self, tx: Tx, link: Link) -> LinkPage:
        return LinkPage("Họp giao ban", ((phrase("Người nhận"), link.name),), button=phrase("Đã nhận"))

    def act(self, tx: Tx, link: Link, form: Mapping[str, str]) -> None:
        if "refuse" in form:
            raise Invalid({"": phrase("Xin chọn.")})
        link.name = "answered"
        tx.audit("system", "test.answered", REF, {})


@pytest.fixture
def app(config: Config, db: Database, blobs: BlobStore, cast: Cast) -> Flask:
    return create_app(config, Services(config, db, blobs))


def link_of(db: Database, config: Config, **changes: object) -> tuple[int, str]:
    with db.write() as tx:
        soon = clock.now() + timedelta(hours=1)
        link = links.make(tx, "test.answer", REF, person_id=None, name="Khách", expires_at=soon)
        for name, value in changes.items():
            setattr(link, name, value)
        return link.id, f"/l/{links.token(link, config.signing_secret())}"


def test_a_link_acts_on_post_alone(app: Flask, db: Database, config: Config) -> None:
    link_id, path = link_of(db, config)
    phone = app.test_client()
    for _ in range(50):
        assert phone.get(path).status_code == phone.head(path).status_code == phone.options(path).status_code == 200
    with db.read() as tx:
        link = tx.session.get_one(Link, link_id)
        assert (link.name, link.used_at) == ("Khách", None)
    assert phone.post(path, data={"refuse": "1"}).status_code == 422
    with db.read() as tx:
        assert tx.session.get_one(Link, link_id).used_at is None
    assert phone.post(path).status_code == 303
    with db.read() as tx:
        link = tx.session.get_one(Link, link_id)
        first = link.used_at
        assert link.name == "answered"
    assert phone.post(path).status_code == 303
    with db.read() as tx:
        assert tx.session.get_one(Link, link_id).used_at == first


def test_a_link_acts_for_its_person_whoever_is_signed_in(app: Flask, db: Database, config: Config, cast: Cast) -> None:
    _, path = link_of(db, config, person_id=cast.nam.person_id)
    browser = sign_in(app, "ha")
    assert browser.post(path).status_code == 303
    with db.read() as tx:
        entries = sa.select(AuditEntry.by).where(AuditEntry.action == "test.answered")
        assert tx.session.scalars(entries).all() == [f"link:{cast.nam.person_id}"]


def test_an_expired_or_revoked_link_says_so_and_does_nothing(app: Flask, db: Database, config: Config) -> None:
    phone = app.test_client()
    past = clock.now() - timedelta(seconds=1)
    for change in ({"expires_at": past}, {"revoked_at": past}, {"purpose": "gone"}):
        link_id, path = link_of(db, config, **change)
        if "purpose" in change:
            with db.read() as tx:
                path = f"/l/{links.token(tx.session.get_one(Link, link_id), config.signing_secret())}"
        for answer in (phone.get(path), phone.post(path)):
            assert answer.status_code == 410
            assert "không còn dùng được" in answer.text
        with db.read() as tx:
            assert tx.session.get_one(Link, link_id).name == "Khách"


def test_a_link_of_another_service_or_row_is_foreign(app: Flask, db: Database, config: Config) -> None:
    phone = app.test_client()
    link_id, path = link_of(db, config)
    with db.read() as tx:
        foreign = links.token(tx.session.get_one(Link, link_id), "another secret")
    other = f"/l/{link_id + 1}-{path.partition('-')[2]}"
    for wrong in (f"/l/{foreign}", other, path + "x", "/l/-", "/l/1", "/l/١-abc", "/l/99999999999999999999-x"):
        assert phone.get(wrong).status_code == 404, wrong
        assert phone.post(wrong).status_code == 404, wrong


def test_a_signed_report_passes_the_endpoint_behind_a_proxy_and_a_forged_one_does_not(
    app: Flask,
    db: Database,
    cast: Cast,
    sending: Config,
    blobs: BlobStore,
) -> None:
    public = replace(sending, base_url="https://lienthong.mau.example")
    site = create_app(public, Services(public, db, blobs)).test_client()
    message_id = told(db)
    drain(db)
    fields = {"MessageStatus": "delivered"}
    with db.read() as tx:
        fields["MessageSid"] = str(tx.session.get_one(Message, message_id).provider_id)
    url = f"{public.base_url}/notify/twilio/{message_id}"
    good = RequestValidator(public.twilio_auth_token).compute_signature(url, fields)
    path = f"/notify/twilio/{message_id}"
    for signature in ("", "forged", RequestValidator("x").compute_signature(url, fields)):
        answer = site.post(path, data=fields, headers={"X-Twilio-Signature": signature})
        assert answer.status_code == 403
    changed = fields | {"MessageStatus": "failed"}
    assert site.post(path, data=changed, headers={"X-Twilio-Signature": good}).status_code == 403
    assert state_of(db, message_id) == "handed"
    for _ in range(2):
        answer = site.post(path, data=fields, headers={"X-Twilio-Signature": good, "Host": "inside:8080"})
        assert answer.status_code == 204
    assert state_of(db, message_id) == "delivered"


def test_the_mailbox_shows_what_left_and_only_in_the_demo(
    app: Flask, db: Database, showing: Config, config: Config, blobs: BlobStore
) -> None:
    with db.write() as tx:
        invitation = MeetingInvitation("Họp <i>giao ban</i>", START, END, PLACE, GIVER, HOST, "", "", "")
        mail, sms = tell(
            tx, invitation, Recipient("Bình", "b@mau.example", "+84900000001"), ref=REF,
            invite=Invite("REQUEST", request(MEETING)),
        )  # fmt: skip
    drain(db)
    ha = sign_in(app, "ha")
    assert "giao ban" in ha.get("/mailbox").text
    assert f"/mailbox/{mail}" not in ha.get("/mailbox?channel=sms").text
    page = ha.get(f"/mailbox/{mail}")
    assert 'sandbox="allow-popups' in page.text
    assert "BEGIN:VCALENDAR" in page.text
    html = ha.get(f"/mailbox/{mail}/html")
    assert "Họp &lt;i&gt;giao ban" in html.text
    assert "default-src 'none'" in html.headers["Content-Security-Policy"]
    assert ha.get(f"/mailbox/{mail}/invite.ics").text == request(MEETING)
    assert "GSM7" in ha.get(f"/mailbox/{sms}").text
    assert ha.get(f"/mailbox/{sms}/invite.ics").status_code == 404
    assert ha.get("/mailbox/99999").status_code == 404
    for strange in ("9" * 20, "-1", "x", "²"):
        assert ha.get("/mailbox", query_string={"before": strange}).status_code == 200
    assert app.test_client().get("/mailbox").status_code == 302
    serious = replace(config, mode="production", secret_key="x" * 40)
    other = create_app(serious, Services(serious, db, blobs))
    assert sign_in(other, "ha").get("/mailbox").status_code == 404


def test_the_reports_of_a_real_provider_reach_the_ledger(
    db: Database, config: Config, blobs: BlobStore, tmp_path: Path
) -> None:
    site = make_server("127.0.0.1", 0, Flask("not yet"), threaded=True)
    with TwilioSink(tmp_path / "reporting.jsonl") as sink:
        public = replace(
            config,
            base_url=f"http://127.0.0.1:{site.server_port}",
            twilio_account_sid=sink.sid,
            twilio_auth_token=sink.token,
            twilio_base_url=sink.url,
        )
        site.app = create_app(public, Services(public, db, blobs))
        threading.Thread(target=site.serve_forever, args=(0.01,), daemon=True).start()
        jobs.register_jobs(public, blobs)
        message_id = told(db)
        drain(db)
        end = time.monotonic() + 60
        while state_of(db, message_id) != "delivered" and time.monotonic() < end:
            time.sleep(0.02)
        site.shutdown()
        site.server_close()
    assert state_of(db, message_id) == "delivered"
