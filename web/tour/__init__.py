"""`lienthong tour`: a fresh temporary instance, driven over real HTTP and Socket.IO from a letter to a reminder."""

import click

from web.tour import documents, meetings
from web.tour.browser import Browser
from web.tour.instance import Instance
from web.tour.report import Report

PEOPLE = ("ha", "binh", "lan", "quynh", "thu", "son", "nam", "quantri")


def run(*, keep: bool = False, busy: bool = False) -> int:
    """Drive everything and print the table. Answers the exit code: 0 when every step held; `busy` gives the SMS a
    minute."""
    report = Report()
    instance = Instance(keep=keep)
    try:
        with report.step("a fresh instance: SQLite, web, worker, SMTP sink, Twilio-shaped server") as step:
            instance.__enter__()
            step.check(True, f"{instance.url}, {instance.folder}" if keep else instance.url)
        with report.step("the people of the demo city sign in") as step:
            people = {name: Browser(instance.url).sign_in(name) for name in PEOPLE}
            step.check(len(people) == len(PEOPLE), f"{len(people)} browsers")
        documents.drive(instance, report, people)
        meetings.drive(instance, report, people, must_s=meetings.BUSY_S if busy else meetings.MUST_S)
    except Exception as error:
        click.echo(f"\n{type(error).__name__}: {error}")
        click.echo(f"web: {instance.log('web')[-1500:]}\nworker: {instance.log('worker')[-1500:]}")
    finally:
        instance.__exit__(None, None, None)
    return 0 if report.close() else 1
