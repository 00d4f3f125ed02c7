"""The demo city with a day's work in it, on real processes: what the page walk and the pictures look at."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext

from directory import signin
from kernel import clock
from tests.forks.instance import ForkedInstance
from web.tour import documents
from web.tour.browser import Browser
from web.tour.instance import Instance
from web.tour.reading import link, option
from web.tour.report import Report

CAST = ("ha", "binh", "lan", "thu", "quantri")
OTHERS = ("quynh",)
WORK = "Rà soát các điểm ngập, đề xuất phương án xử lý trước mùa mưa"


@dataclass(frozen=True)
class City:
    """A running instance and the people who are signed in to it."""

    instance: Instance
    people: dict[str, Browser]

    @property
    def url(self) -> str:
        """Where it answers."""
        return self.instance.url

    def window(self, chromium: Chromium, mailbox: str | None, width: int, height: int) -> BrowserContext:
        """A Vietnamese browser window, signed in as `mailbox` or as nobody."""
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            locale="vi-VN",
            timezone_id="Asia/Ho_Chi_Minh",
            reduced_motion="reduce",
        )
        if mailbox:
            token = self.people[mailbox].session.cookies[signin.COOKIE]
            context.add_cookies([{"name": signin.COOKIE, "value": token, "url": self.url}])
        return context


@contextmanager
def running_city(*cast: str) -> Iterator[City]:
    """A fresh instance with these people signed in; everything goes with the test."""
    with ForkedInstance() as instance:
        yield City(instance, {name: Browser(instance.url).sign_in(name) for name in cast or CAST + OTHERS})


def live_a_day(city: City) -> None:
    """A letter signed, sent, registered and refused, a foreign envelope; the meeting in progress gets a conclusion."""
    documents.drive(city.instance, Report(), city.people)
    binh = city.people["binh"]
    meeting = link(binh.get("/meetings"), r"/meetings/\d+")
    binh.get(meeting)
    page = binh.get(f"{meeting}/plain")
    lead = option(page, "Vũ Hoàng Nam")
    due = f"{clock.today() + timedelta(days=4):%d/%m/%Y} 17:00"
    conclusion = {"text": WORK, "lead_id": lead, "due": due, "assign": "y", "command_id": "day-1"}
    binh.post_json(f"{meeting}/conclusions", **conclusion)
