"""Browsers of the cast, signed in."""

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from directory import demo, signin
from directory.attempts import Limits
from directory.models import Person
from web.services import Services

VISIT = signin.Visit(address="127.0.0.1", browser="tests", hours=12, limits=Limits(tries=10))


def sign_in(app: Flask, mailbox: str, *, csrf: bool = False) -> FlaskClient:
    """A browser with a session of this person of the demo city.

    CSRF is switched off unless the test is about it: the token of a page is the page's business.
    """
    app.config["WTF_CSRF_ENABLED"] = csrf
    parts: Services = app.extensions["lienthong"]
    with parts.db.write() as tx:
        person = tx.session.scalars(sa.select(Person).where(Person.email == demo.email_of(mailbox))).one()
        token = signin.enter(tx, person, VISIT).token
    client = app.test_client()
    client.set_cookie(signin.COOKIE, token)
    return client
