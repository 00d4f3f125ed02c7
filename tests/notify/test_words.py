"""Every kind of message has words for every channel, in both languages, within the lengths that are paid for."""

from pathlib import Path

import pytest

from kernel.config import Config
from kernel.db import Database
from kernel.refs import Ref
from kernel.text import sms_size
from notify import kinds, links
from notify.delivery import sms_as_sent
from notify.kinds import Kind
from notify.messages import Channel, Recipient, tell
from notify.models import Message
from notify.rendering import mail_words
from tests.notify.samples import END, HOST, LONG, samples

SON = Recipient("Lê Sơn", phone="+84901234567")
ALL = {kind.name: kind for kind in samples()}


def test_the_samples_cover_the_catalogue() -> None:
    assert set(ALL) == {name for name in kinds.kinds if not name.startswith("test.")}


@pytest.mark.parametrize("locale", ["vi", "en"])
@pytest.mark.parametrize("kind", ALL.values(), ids=ALL.keys())
def test_a_mail_says_the_subject_in_its_head_and_the_matter_in_both_bodies(kind: Kind, locale: str) -> None:
    words = mail_words(kind, "Trần Văn A & <b>", locale)
    assert words.subject
    assert "\n" not in words.subject
    assert len(words.subject) < 200
    assert "Trần Văn A & <b>" in words.text
    assert "Trần Văn A &amp; &lt;b&gt;" in words.html
    assert LONG[:60] in words.html
    assert "\n\n\n" not in words.text


@pytest.mark.parametrize("kind", [k for k in ALL.values() if k.sms], ids=[k.name for k in ALL.values() if k.sms])
def test_an_sms_with_the_longest_real_data_is_at_most_two_segments(db: Database, config: Config, kind: Kind) -> None:
    settings = Config(data_dir=config.data_dir, base_url="https://lienthong.thanhphomau.example")
    with db.write() as tx:
        link = links.make(tx, "task.receive", Ref("task", 1), person_id=1, expires_at=END)
        kind = {k.name: k for k in samples(links.place(link))}[kind.name]
        [message_id] = tell(tx, kind, SON, ref=Ref("task", 1), channels=[Channel.SMS])
        text = sms_as_sent(tx, settings, tx.session.get_one(Message, message_id))
    size = sms_size(text)
    assert size.alphabet == "gsm7"
    assert size.segments <= 2, (size, text)
    assert "⟦" not in text


def test_what_a_person_typed_never_becomes_an_address_of_the_service(db: Database, config: Config) -> None:
    with db.write() as tx:
        foreign = links.make(tx, "task.receive", Ref("task", 5), person_id=5, expires_at=END)
        kind = kinds.MeetingCancelled(f"Họp {links.place(foreign)}", END, "P1", HOST, "")
        [message_id] = tell(tx, kind, SON, ref=Ref("meeting", 1), channels=[Channel.SMS])
        text = sms_as_sent(tx, config, tx.session.get_one(Message, message_id))
    assert "/l/" not in text
    assert links.token(foreign, config.signing_secret()) not in text


def test_every_kind_says_what_its_fields_mean() -> None:
    for kind in kinds.kinds.values():
        assert kind.__doc__
        assert not kind.__doc__.startswith(f"{kind.__name__}("), f"{kind.__name__} has no docstring of its own"


def test_every_template_belongs_to_a_kind() -> None:
    root = Path(__file__).parents[2] / "templates"
    mail = {p.name for p in (root / "mail").iterdir() if p.is_dir()}
    sms = {p.stem for p in (root / "sms").iterdir()}
    assert mail == set(ALL)
    assert sms == {name for name, kind in ALL.items() if kind.sms}
