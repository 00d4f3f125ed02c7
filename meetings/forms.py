"""Requests as commands. Forms only read; the verbs check, and the page shows their refusals at the fields."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from wtforms import (
    BooleanField,
    DateField,
    Form,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
    URLField,
)
from wtforms.fields.choices import SelectChoice

from directory.queries import PersonCard
from kernel import clock
from kernel.forms import Needed
from kernel.text import phrase
from meetings.concluding import ConclusionWords
from meetings.models import Meeting
from meetings.planning import ItemFacts, MeetingFacts
from meetings.queries import KIND_WORDS
from meetings.states import MeetingKind


def number(text: Any) -> int | None:
    """A whole number that a column can hold, or None."""
    text = str(text or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def numbers(texts: Iterable[str]) -> list[int]:
    """The whole numbers of a repeated field, without what is none."""
    return [n for text in texts if (n := number(text)) is not None]


def moment(on: date | None, at: time | None) -> datetime | None:
    """An instant from a date and a time in Vietnam."""
    if on is None or at is None:
        return None
    try:
        return datetime.combine(on, at, clock.VN).astimezone(UTC)
    except (OverflowError, ValueError):
        return None


class MeetingForm(Form):  # type: ignore[misc]
    """The facts of a meeting."""

    title = TextAreaField(phrase("Tên cuộc họp"), [Needed()], render_kw={"rows": 2, "maxlength": 500})
    kind = RadioField(
        phrase("Hình thức"),
        choices=[SelectChoice(str(kind), KIND_WORDS[kind]) for kind in MeetingKind],
        default=MeetingKind.ROOM,
    )
    place = StringField(phrase("Địa điểm"), render_kw={"maxlength": 200})
    online_url = URLField(phrase("Đường dẫn họp trực tuyến"))
    starts_on = DateField(phrase("Ngày họp"), [Needed()])
    starts_at = TimeField(phrase("Bắt đầu"), [Needed()])
    ends_at = TimeField(phrase("Kết thúc"), [Needed()])
    chair_id = SelectField(phrase("Chủ trì họp"), [Needed()], validate_choice=False)

    def offer(self, people: list[PersonCard]) -> "MeetingForm":
        """Fill the choice of chairs, by agency."""
        cards = sorted(people, key=lambda card: card.agency_name)
        self.chair_id.choices = [SelectChoice("", phrase("Chọn người chủ trì"))] + [
            SelectChoice(
                str(card.id),
                f"{card.name}, {card.title}" if card.title else card.name,
                optgroup=card.agency_name or None,
            )
            for card in cards
        ]
        return self

    def show(self, meeting: Meeting) -> "MeetingForm":
        """Fill the form from what stands."""
        starts, ends = meeting.starts_at.astimezone(clock.VN), meeting.ends_at.astimezone(clock.VN)
        self.title.data, self.kind.data, self.place.data = meeting.title, meeting.kind, meeting.place
        self.online_url.data, self.chair_id.data = meeting.online_url, str(meeting.chair_id)
        self.starts_on.data, self.starts_at.data, self.ends_at.data = starts.date(), starts.time(), ends.time()
        return self

    def facts(self) -> MeetingFacts:
        """What was typed. A meeting that ends before it starts on the clock ends on that day all the same:
        the verb refuses it."""
        kind = self.kind.data if self.kind.data in set(MeetingKind) else MeetingKind.ROOM
        return MeetingFacts(
            kind=MeetingKind(kind),
            title=self.title.data or "",
            place=self.place.data or "",
            online_url=self.online_url.data or "",
            starts_at=moment(self.starts_on.data, self.starts_at.data),
            ends_at=moment(self.starts_on.data, self.ends_at.data),
            chair_id=number(self.chair_id.data),
        )


class ItemForm(Form):  # type: ignore[misc]
    """One point of the agenda."""

    title = TextAreaField(phrase("Nội dung họp"), [Needed()], render_kw={"rows": 2, "maxlength": 500})
    presenter = StringField(phrase("Người trình bày"), render_kw={"maxlength": 200})
    minutes = IntegerField(
        phrase("Số phút"), [Needed()], default=15, render_kw={"min": 1, "max": 600, "inputmode": "numeric"}
    )

    def facts(self) -> ItemFacts:
        """What was typed."""
        minutes = self.minutes.data
        return ItemFacts(
            self.title.data or "",
            self.presenter.data or "",
            minutes if isinstance(minutes, int) and abs(minutes) < 10**6 else None,
        )


class ConclusionForm(Form):  # type: ignore[misc]
    """What was decided, who leads it with whom, and until when."""

    text = TextAreaField()
    item = StringField()
    lead_id = StringField()
    co_id = SelectMultipleField(validate_choice=False, choices=[])
    due = StringField()
    assign = BooleanField()

    def words(self) -> ConclusionWords:
        """What was typed."""
        return ConclusionWords(
            text=self.text.data or "",
            item_id=number(self.item.data),
            lead_id=number(self.lead_id.data),
            co_ids=tuple(numbers(self.co_id.data or [])),
            due=self.due.data or "",
        )


def tomorrow_morning() -> tuple[date, time, time]:
    """What a new meeting proposes: the next day, 08:00 to 11:00."""
    return clock.today() + timedelta(days=1), time(8, 0), time(11, 0)
