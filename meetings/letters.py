"""What a meeting tells its people by e-mail, calendar and SMS. All faces are made here from the same rows."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from directory import queries as directory
from directory.queries import PersonCard
from directory.streams import person_stream
from kernel.db import Tx
from kernel.refs import Ref
from kernel.text import Phrase, phrase, sms_size, sms_text
from meetings import streams
from meetings.inviting.agenda import agenda_lines
from meetings.inviting.calendars import Attendee, Organizer, calendar_of, description_lines
from meetings.live import InvitationChange
from meetings.models import Meeting, Participant
from meetings.places import place_words
from meetings.states import LEADING, Answer, Role
from notify import addresses, links, messages
from notify.calendar import Method
from notify.kinds import Kind, MeetingCancelled, MeetingChanged, MeetingInvitation
from notify.messages import Invite, Recipient
from notify.models import Link, Message
from notify.rendering import Words, mail_words, sms_words
from notify.states import MessageState

ANSWER_LINK = "meeting.answer"
#: What asks somebody to come, and what says that they need not.
_ASKING = (MeetingInvitation, MeetingChanged)
_CALLING_OFF = (MeetingCancelled,)
#: A short link has about this many characters; used to say what an SMS will cost before there is one.
_LINK_SHAPE = "https://lienthong.example/l/12345-" + "x" * 22


def ref_of(meeting: Meeting) -> Ref:
    """The name under which messages and links know the meeting."""
    return Ref("meeting", meeting.id)


@dataclass(frozen=True)
class Preview:
    """What one person will get, before it is sent: the e-mail, the SMS without its accents, and its segments."""

    mail: Words
    sms: str
    segments: int


def _opening(role: str, host: str) -> Phrase | None:
    """The first sentence of a letter to who is not simply invited."""
    if role == Role.CHAIR:
        return phrase("{host} kính trình lịch cuộc họp do đồng chí chủ trì.", host=host)
    if role == Role.SECRETARY:
        return phrase("{host} gửi lịch cuộc họp mà đồng chí làm thư ký.", host=host)
    if role == Role.GUEST:
        return phrase("{host} trân trọng kính mời dự họp với tư cách khách mời.", host=host)
    return None


def _addressee(participant: Participant) -> str:
    """Position and agency of the invited, as a letter names them."""
    return ", ".join(filter(None, [participant.position, participant.agency]))


class Letters:
    """The messages of one version of one meeting."""

    def __init__(self, tx: Tx, meeting: Meeting) -> None:
        self.tx = tx
        self.meeting = meeting
        self.host = directory.agency(tx, meeting.agency_id)
        self.chair = directory.person(tx, meeting.chair_id)
        secretary = directory.person(tx, meeting.secretary_id)
        # Replies by calendar mail go to the host agency's mailbox, or to the secretary where it has none.
        self.organizer = Organizer(self.host.name, self.host.email or secretary.email)
        self.agenda = agenda_lines(tx, meeting)
        self.path = f"/meetings/{meeting.id}"

    def invite(self, people: Iterable[Participant]) -> None:
        """Invite each by e-mail with a calendar request and by SMS with their own answer link. Who was taken off the
        list and is on it again does not hear afterwards that they need not come."""
        people = list(people)
        self._take_back(_CALLING_OFF, people=[p.person_id for p in people])
        for participant, card in self._cards(people):
            link = self._answer_place(participant)
            self._tell(participant, card, self._invitation(participant, link), Method.REQUEST, link)
            participant.invited_sequence = self.meeting.sequence

    def tell_changes(self, changes: list[Phrase], *, ask_again: bool) -> None:
        """Send the new version to everybody invited. What was still waiting to ask for older versions is taken
        back; who never got an invitation gets one now."""
        self._take_back(_ASKING, before_version=self.meeting.sequence)
        everybody = self.tx.session.scalars(
            sa.select(Participant)
            .where(Participant.meeting_id == self.meeting.id, Participant.invited_sequence.is_not(None))
            .order_by(Participant.id)
        )
        reached = self._already_reached()
        for participant, card in self._cards(everybody):
            if ask_again and participant.answer != Answer.NONE and participant.role not in LEADING:
                participant.answer = Answer.NONE
                participant.rev += 1
                streams.tell_answer(self.tx, participant)
            link = self._answer_place(participant)
            knows = participant.person_id in reached
            kind = self._changed(participant, changes, link) if knows else self._invitation(participant, link)
            self._tell(participant, card, kind, Method.REQUEST, link)
            participant.invited_sequence = self.meeting.sequence

    def call_off(self, people: Iterable[Participant], reason: str) -> None:
        """Tell those who were invited that they need not come, and take the meeting out of their calendars.

        What still waits to ask them to come is taken back. They are told all the same: a try that seemed to fail
        may have reached them, and a calendar that never had the meeting drops nothing.
        """
        invited = [p for p in people if p.invited_sequence is not None]
        self._take_back(_ASKING, people=[p.person_id for p in invited])
        for participant, card in self._cards(invited):
            kind = MeetingCancelled(
                title=self.meeting.title,
                starts_at=self.meeting.starts_at,
                place=place_words(self.meeting),
                host=self.host.name,
                reason=reason,
            )
            self._tell(participant, card, kind, Method.CANCEL)

    def _take_back(
        self, kinds: Iterable[type[Kind]], *, people: Collection[int] | None = None, before_version: int | None = None
    ) -> None:
        for kind in kinds:
            ref = ref_of(self.meeting)
            messages.cancel(self.tx, ref, kind=kind.name, people=people, before_version=before_version)

    def _cards(self, people: Iterable[Participant]) -> list[tuple[Participant, PersonCard]]:
        people = list(people)
        cards = directory.people(self.tx, [p.person_id for p in people])
        return [(p, cards[p.person_id]) for p in people]

    def _answer_place(self, participant: Participant) -> str:
        """What stands for the participant's answer link; empty for who leads the meeting, whom nobody asks."""
        return "" if participant.role in LEADING else links.place(self._answer_link(participant))

    def _answer_link(self, participant: Participant) -> Link:
        """The participant's one link; it moves with the meeting and is dead when the meeting is over."""
        ref = ref_of(self.meeting)
        query = sa.select(Link).where(
            Link.ref == str(ref),
            Link.purpose == ANSWER_LINK,
            Link.person_id == participant.person_id,
            Link.revoked_at.is_(None),
        )
        link = self.tx.session.scalars(query).first()
        if link is None:
            return links.make(
                self.tx, ANSWER_LINK, ref, person_id=participant.person_id, expires_at=self.meeting.ends_at
            )
        link.expires_at = self.meeting.ends_at
        return link

    def _already_reached(self) -> set[int]:
        query = sa.select(Message.person_id).where(
            Message.ref == str(ref_of(self.meeting)),
            Message.kind == MeetingInvitation.name,
            Message.state.not_in([MessageState.CANCELLED, MessageState.EXPIRED]),
        )
        return {i for i in self.tx.session.scalars(query) if i is not None}

    def _tell(
        self, participant: Participant, card: PersonCard, kind: Kind, method: Method, answer_link: str = ""
    ) -> None:
        meeting = self.meeting
        messages.tell(
            self.tx,
            kind,
            Recipient.of(card),
            ref=ref_of(meeting),
            version=meeting.sequence,
            slot=str(participant.id),
            useful_until=meeting.ends_at,
            invite=Invite(method.value, self._calendar(participant, card, method, answer_link)),
            stream=streams.desk(meeting.id),
        )
        invitation = InvitationChange(meeting.id, meeting.rev, meeting.state)
        self.tx.publish(person_stream(participant.person_id), "invitation", invitation)

    def calendar_copy(self, locale: str) -> str:
        """The meeting for the calendar of who downloads it on its page, with the agenda."""
        page, lines = addresses.place_of(self.path), self._description(locale)
        return calendar_of(self.meeting, Method.PUBLISH, self.organizer, None, description=lines, url=page)

    def bare_calendar_copy(self) -> str:
        """The same for who has a link and is not signed in: title, time and place only."""
        return calendar_of(self.meeting, Method.PUBLISH, self.organizer, None)

    def _calendar(self, participant: Participant, card: PersonCard, method: Method, answer_link: str) -> str:
        attendee = Attendee(
            card.name,
            card.email,
            Answer(participant.answer),
            required=participant.role != Role.GUEST,
            asks=bool(answer_link),
        )
        lines, url = self._description(card.locale, answer_link), answer_link or addresses.place_of(self.path)
        return calendar_of(self.meeting, method, self.organizer, attendee, description=lines, url=url)

    def _description(self, locale: str, answer_link: str = "") -> list[str]:
        """What stands in a calendar below time and place."""
        return description_lines(
            locale,
            host=self.host.name,
            chair=self.chair.name,
            letter="",
            agenda=self.agenda,
            answer_link=answer_link,
            path=addresses.place_of(self.path),
        )

    def _invitation(self, participant: Participant, answer_link: str) -> MeetingInvitation:
        meeting = self.meeting
        return MeetingInvitation(
            title=meeting.title,
            starts_at=meeting.starts_at,
            ends_at=meeting.ends_at,
            place=place_words(meeting),
            chair=self.chair.name,
            host=self.host.name,
            letter="",
            note="",
            answer_link=answer_link,
            addressee=_addressee(participant),
            opening=_opening(participant.role, self.host.name),
            agenda=self.agenda,
            path=self.path,
        )

    def _changed(self, participant: Participant, changes: list[Phrase], answer_link: str) -> MeetingChanged:
        meeting = self.meeting
        return MeetingChanged(
            title=meeting.title,
            starts_at=meeting.starts_at,
            ends_at=meeting.ends_at,
            place=place_words(meeting),
            chair=self.chair.name,
            host=self.host.name,
            changes=tuple(changes),
            answer_link=answer_link,
            addressee=_addressee(participant),
            agenda=self.agenda,
            path=self.path,
        )

    def preview(self, participant: Participant) -> Preview:
        """What this participant gets when the meeting is convened as it stands; nothing is sent and nothing kept."""
        (_, card), *_ = self._cards([participant])
        link = "" if participant.role in LEADING else _LINK_SHAPE
        kind = self._invitation(participant, link)
        sms = sms_text(sms_words(kind, card.name, card.locale).text)
        return Preview(mail_words(kind, card.name, card.locale), sms, sms_size(sms).segments)

    def sms_preview(self) -> tuple[str, int]:
        """The SMS of an invitation without its accents, and how many segments one costs."""
        someone = Participant(role=Role.DELEGATE, name=self.chair.name, position="", agency="")
        words = sms_words(self._invitation(someone, _LINK_SHAPE), self.chair.name, "vi")
        text = sms_text(words.text)
        return text, sms_size(text).segments
