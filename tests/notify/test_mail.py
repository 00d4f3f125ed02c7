"""E-mail over real SMTP: what the receiver reads, and what a refusal becomes."""

import io
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_string, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from kernel.config import Config
from kernel.db import Database
from kernel.outbox import OutboxRow
from kernel.queue.worker import drain
from kernel.refs import Ref
from kernel.storage.blobs import BlobStore
from notify import jobs, links, messages
from notify.calendar import request
from notify.kinds import MeetingCancelled, MeetingInvitation
from notify.mail.mime import File, Letter, built
from notify.messages import Attached, Channel, Invite, Recipient, tell
from notify.models import Message
from notify.sinks.journal import Journal
from notify.sinks.smtp import SmtpSink
from tests.notify.samples import END, HOST, PLACE, START
from tests.notify.test_calendar import MEETING, check_octets

BINH = Recipient("Nguyễn Thị Bình", email="binh@mau.example")
CANCELLED = MeetingCancelled("Họp giao ban", START, PLACE, HOST, "")
MEETING_REF = Ref("meeting", 42)


def received(sink: SmtpSink) -> list[EmailMessage]:
    """What the sink took, parsed by the standard library."""
    return [message_from_string(e["raw"], policy=policy.default) for e in sink.journal.entries()]


def state_of(db: Database, message_id: int) -> str:
    with db.read() as tx:
        return tx.session.get_one(Message, message_id).state


def again_now(db: Database) -> None:
    """Bring every waiting retry forward."""
    with db.write() as tx:
        for row in tx.session.query(OutboxRow).filter(OutboxRow.state == "waiting"):
            row.due_at = datetime(2020, 1, 1, tzinfo=UTC)


def test_an_invitation_arrives_with_text_html_calendar_and_file(
    db: Database, sending: Config, blobs: BlobStore, mail_sink: SmtpSink
) -> None:
    paper = blobs.put(io.BytesIO(b"%PDF-1.7 giay moi"))
    with db.write() as tx:
        link = links.make(tx, "meeting.answer", MEETING_REF, person_id=None, expires_at=END)
        invitation = MeetingInvitation("Họp giao ban", START, END, PLACE, "Bình", HOST, "", "", links.place(link))
        [message_id] = tell(
            tx,
            invitation,
            BINH,
            ref=MEETING_REF,
            invite=Invite("REQUEST", request(MEETING)),
            attachments=[Attached("Giấy mời số 1.pdf", "application/pdf", paper.sha256)],
        )
    assert drain(db) == 1
    assert state_of(db, message_id) == "handed"
    [mail] = received(mail_sink)
    shape = [(p.get_content_type(), p.get_filename()) for p in mail.walk()]
    assert shape == [
        ("multipart/mixed", None),
        ("multipart/alternative", None),
        ("text/plain", None),
        ("text/html", None),
        ("text/calendar", None),
        ("application/ics", "invite.ics"),
        ("application/pdf", "Giấy mời số 1.pdf"),
    ]
    parts = list(mail.walk())
    assert parts[4].get_param("method") == "REQUEST"
    ics = parts[4].get_payload(decode=True)
    assert isinstance(ics, bytes)
    check_octets(ics.decode(), "REQUEST")
    assert parts[5].get_payload(decode=True) == ics
    assert parts[6].get_payload(decode=True) == b"%PDF-1.7 giay moi"
    address = links.address(link, sending.signing_secret(), sending.base_url)
    assert address in parts[2].get_content()
    assert address in parts[3].get_content()
    assert mail["To"].addresses[0].display_name == "Nguyễn Thị Bình"
    assert mail["From"].addresses[0].addr_spec == "no-reply@mau.example"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "meeting.invitation.mau.example" in mail["List-Id"]
    assert mail["Date"].datetime.tzinfo is not None


def test_telling_twice_sends_once(db: Database, sending: Config, mail_sink: SmtpSink) -> None:
    for _ in range(2):
        with db.write() as tx:
            tell(tx, CANCELLED, BINH, ref=MEETING_REF)
        drain(db)
    with db.write() as tx:
        tell(tx, CANCELLED, BINH, ref=MEETING_REF, version=2)
    drain(db)
    assert len(mail_sink.journal.entries()) == 2
    assert len({e["message_id"] for e in mail_sink.journal.entries()}) == 2


def test_a_message_taken_back_before_it_left_does_not_leave(db: Database, sending: Config, mail_sink: SmtpSink) -> None:
    with db.write() as tx:
        [old] = tell(tx, CANCELLED, BINH, ref=MEETING_REF, version=1)
        [new] = tell(tx, CANCELLED, BINH, ref=MEETING_REF, version=2)
        assert messages.cancel(tx, MEETING_REF, before_version=2) == 1
    drain(db)
    assert (state_of(db, old), state_of(db, new)) == ("cancelled", "handed")
    assert len(mail_sink.journal.entries()) == 1


def test_a_temporary_refusal_is_tried_again_with_the_same_id_and_says_so(
    db: Database, sending: Config, mail_sink: SmtpSink
) -> None:
    mail_sink.journal.next_faults("451", "drop")
    with db.write() as tx:
        [message_id] = tell(tx, CANCELLED, BINH, ref=MEETING_REF)
    drain(db)
    assert state_of(db, message_id) == "waiting"
    again_now(db)
    drain(db)  # accepted, but the answer is lost
    assert state_of(db, message_id) == "waiting"
    again_now(db)
    drain(db)
    assert state_of(db, message_id) == "handed"
    entries = mail_sink.journal.entries()
    assert [e["attempt"] for e in entries] == [2, 3]
    assert len({e["message_id"] for e in entries}) == 1


def test_a_last_word_of_the_server_is_final_and_kept(db: Database, sending: Config, mail_sink: SmtpSink) -> None:
    mail_sink.journal.next_faults("550")
    with db.write() as tx:
        [message_id] = tell(tx, CANCELLED, BINH, ref=MEETING_REF)
    drain(db)
    with db.read() as tx:
        message = tx.session.get_one(Message, message_id)
        assert message.state == "failed"
        assert message.reason.startswith("550")


def test_a_message_that_is_no_longer_useful_is_dropped_and_shown(
    db: Database, sending: Config, mail_sink: SmtpSink
) -> None:
    with db.write() as tx:
        [message_id] = tell(tx, CANCELLED, BINH, ref=MEETING_REF, useful_until=datetime(2020, 1, 1, tzinfo=UTC))
    drain(db)
    assert state_of(db, message_id) == "expired"
    assert mail_sink.journal.entries() == []


def test_without_a_server_the_mailbox_shows_it(db: Database, showing: Config) -> None:
    with db.write() as tx:
        [message_id] = tell(tx, CANCELLED, BINH, ref=MEETING_REF)
    drain(db)
    assert state_of(db, message_id) == "shown"


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.SMS])
def test_in_production_nothing_is_only_shown(db: Database, config: Config, blobs: BlobStore, channel: Channel) -> None:
    jobs.register_jobs(replace(config, mode="production", secret_key="x" * 40), blobs)
    with db.write() as tx:
        reachable = Recipient("Nguyễn Thị Bình", email="binh@mau.example", phone="+84900000001")
        [message_id] = tell(tx, CANCELLED, reachable, ref=MEETING_REF, channels=[channel])
    drain(db)
    assert state_of(db, message_id) == "failed"
    with db.read() as tx:
        assert tx.session.get_one(Message, message_id).reason.startswith("Hệ thống chưa có")


@pytest.mark.parametrize("channel", list(Channel))
def test_who_has_no_address_is_left_out(db: Database, showing: Config, channel: Channel) -> None:
    with db.write() as tx:
        assert tell(tx, CANCELLED, Recipient("Khách"), ref=MEETING_REF, channels=[channel]) == []


def test_what_a_sink_is_still_writing_is_not_read_yet(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "mail.jsonl")
    journal.add({"subject": "Giấy mời\x85họp"})  # a letter that ends a line for some
    last = '{"subject": "Họp"}'.encode()
    with journal.path.open("ab") as file:
        for place in range(len(last)):
            file.write(last[place : place + 1])
            file.flush()
            assert [entry["subject"] for entry in journal.entries()] == ["Giấy mời\x85họp"]
        file.write(b"\n")
    assert [entry["subject"] for entry in journal.entries()] == ["Giấy mời\x85họp", "Họp"]


def test_nobody_can_add_a_header() -> None:
    letter = Letter(
        message_id="<a@b.example>",
        sender="Liên Thông <a@b.example>",
        to_name="A\r\nBcc: thief@x.example",
        to_address="c@d.example\r\nBcc: thief@x.example",
        subject="Một\r\nBcc: thief@x.example\n" + "dài " * 60,
        date=START,
        list_name="meeting.invitation",
        text="x\r\n.\r\ny",
        files=(File('ten"\r\nX-Evil: 1' + "ế" * 200 + ".pdf", "application/pdf\r\nX-Evil: 1", b"1"),),
    )
    raw = built(letter)
    mail = message_from_string(raw.decode("ascii"), policy=policy.default)
    assert mail["Bcc"] is None
    assert all("X-Evil" not in part for part in mail.walk())
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert mail["Subject"].startswith("Một Bcc: thief@x.example dài dài")
