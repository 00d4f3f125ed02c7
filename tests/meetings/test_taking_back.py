"""Invitations that wait for a provider that is down: nobody is asked to come after they heard that they need not."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from directory.actor import Actor
from kernel.config import Config
from kernel.db import Database
from kernel.queue.worker import drain
from meetings import convening, planning
from notify.models import Message
from notify.sinks.smtp import SmtpSink
from notify.sinks.twilio import TwilioSink
from tests.cast import Cast
from tests.meetings import stage as at
from tests.meetings.stage import Stage
from tests.notify.test_mail import again_now

ASKED, CALLED_OFF = "meeting.invitation", "meeting.cancelled"
pytestmark = pytest.mark.usefixtures("sending")


@pytest.fixture
def waiting(db: Database, cast: Cast, sending: Config, mail_sink: SmtpSink, sms_sink: TwilioSink) -> Stage:
    """A meeting that was convened while both providers were down: all six invitations were tried and wait."""
    stage = at.convened(db, cast)
    mail_sink.journal.next_faults(*["451"] * 6)
    sms_sink.journal.next_faults(*["503"] * 6)
    assert drain(db) == 12
    assert heard(db) == {}
    assert mail_sink.journal.entries() == sms_sink.journal.entries() == []
    return stage


def back(db: Database) -> None:
    """The providers are back, and everything that waits is tried again."""
    again_now(db)
    drain(db)


def heard(db: Database) -> dict[int | None, list[tuple[str, str]]]:
    """What left, by person: kinds and channels in the order of their making."""
    found: dict[int | None, list[tuple[str, str]]] = {}
    with db.read() as tx:
        for message in tx.session.scalars(sa.select(Message).where(Message.state == "handed").order_by(Message.id)):
            found.setdefault(message.person_id, []).append((message.kind, message.channel))
    return found


def on_both(*kinds: str) -> list[tuple[str, str]]:
    return [(kind, channel) for kind in kinds for channel in ("email", "sms")]


def cancel(db: Database, cast: Cast, stage: Stage) -> None:
    with db.write(cast.thu.by) as tx:
        convening.cancel(tx, cast.thu, stage.id, "Chủ trì đi công tác")


def drop(db: Database, cast: Cast, stage: Stage, who: str) -> None:
    with db.write(cast.thu.by) as tx:
        convening.drop_person(tx, cast.thu, stage.id, stage.people[who])


def move(db: Database, cast: Cast, stage: Stage) -> None:
    stands = at.meeting(db, stage)
    facts = at.facts(cast, starts_at=stands.starts_at + timedelta(days=1), ends_at=stands.ends_at + timedelta(days=1))
    with db.write(cast.thu.by) as tx:
        convening.change(tx, cast.thu, stage.id, facts, stands.rev)


def everybody(cast: Cast, stage: Stage) -> dict[str, Actor]:
    return {name: getattr(cast, name) for name in stage.people}


def test_nobody_is_asked_to_come_to_a_meeting_that_was_cancelled_meanwhile(
    db: Database, cast: Cast, waiting: Stage, mail_sink: SmtpSink, sms_sink: TwilioSink
) -> None:
    cancel(db, cast, waiting)
    back(db)
    assert heard(db) == {actor.person_id: on_both(CALLED_OFF) for actor in everybody(cast, waiting).values()}
    assert len(mail_sink.journal.entries()) == len(sms_sink.journal.entries()) == 6


def test_who_was_taken_off_the_list_is_not_asked_to_come_and_the_others_are(
    db: Database, cast: Cast, waiting: Stage
) -> None:
    drop(db, cast, waiting, "lan")
    back(db)
    wanted = {actor.person_id: on_both(ASKED) for actor in everybody(cast, waiting).values()}
    assert heard(db) == wanted | {cast.lan.person_id: on_both(CALLED_OFF)}


@pytest.mark.parametrize("then", ["move", "cancel"])
def test_who_was_taken_off_the_list_hears_it_whatever_becomes_of_the_meeting(
    db: Database, cast: Cast, waiting: Stage, then: str
) -> None:
    drop(db, cast, waiting, "lan")
    (move if then == "move" else cancel)(db, cast, waiting)
    back(db)
    others = on_both(ASKED if then == "move" else CALLED_OFF)
    wanted = {actor.person_id: others for actor in everybody(cast, waiting).values()}
    assert heard(db) == wanted | {cast.lan.person_id: on_both(CALLED_OFF)}


@pytest.mark.parametrize("who", ["lan", "phuc"])
def test_who_is_put_on_the_list_again_is_invited_and_not_called_off_afterwards(
    db: Database, cast: Cast, waiting: Stage, who: str
) -> None:
    person_id = getattr(cast, who).person_id
    drop(db, cast, waiting, who)
    with db.write(cast.thu.by) as tx:
        planning.add_people(tx, cast.thu, waiting.id, [person_id])
    with db.write(cast.thu.by) as tx:
        convening.convene(tx, cast.thu, waiting.id)
    back(db)
    assert heard(db)[person_id] == on_both(ASKED)


def test_what_had_left_already_stays_and_is_called_off(db: Database, cast: Cast, waiting: Stage) -> None:
    back(db)
    drop(db, cast, waiting, "lan")
    cancel(db, cast, waiting)
    back(db)
    assert set(map(tuple, heard(db).values())) == {tuple(on_both(ASKED, CALLED_OFF))}
