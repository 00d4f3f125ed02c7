"""Single sign-on against a real provider over HTTP."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey
from werkzeug.test import TestResponse

from directory import doctor
from directory.models import ExternalIdentity, Person
from kernel.config import Config
from kernel.db import Database
from kernel.doctor import Health
from tests.cast import Cast
from tests.directory import provider as oidc_provider
from tests.directory.provider import CLIENT_ID, CLIENT_SECRET, Provider
from tests.web.application import create_app
from web.services import Services


@pytest.fixture
def provider() -> Iterator[Provider]:
    with oidc_provider.running() as running:
        yield running


@pytest.fixture
def settings(config: Config, provider: Provider) -> Config:
    return replace(
        config,
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
        base_url="http://localhost",
    )


@pytest.fixture
def app(settings: Config, db: Database, cast: Cast) -> Flask:
    app = create_app(settings, Services(settings, db, Services.from_config(settings).blobs))
    app.config["WTF_CSRF_ENABLED"] = False
    return app


def go(browser: FlaskClient, wanted: str = "/account") -> str:
    """Leave for the provider and answer with the path that it sends the browser back to."""
    leaving = browser.get(f"/sign-in/sso?next={wanted}")
    assert leaving.status_code == 302
    back = requests.get(leaving.location, allow_redirects=False, timeout=30).headers["Location"]
    return back.removeprefix("http://localhost")


def arrive(app: Flask) -> tuple[FlaskClient, TestResponse]:
    browser = app.test_client()
    return browser, browser.get(go(browser))


def test_a_person_comes_in_with_the_providers_word(app: Flask, provider: Provider, db: Database, cast: Cast) -> None:
    browser, answer = arrive(app)
    assert (answer.status_code, answer.location) == (302, "/account")
    assert "Nguyễn Thu Hà" in browser.get("/account").text
    with db.read() as tx:
        linked = tx.session.scalars(sa.select(ExternalIdentity)).one()
    assert (linked.subject, linked.person_id) == ("u-1", cast.ha.person_id)


def test_once_linked_the_subject_counts_and_not_the_address(app: Flask, provider: Provider) -> None:
    arrive(app)
    provider.email = "lan@mau.example"
    browser, _ = arrive(app)
    assert "Nguyễn Thu Hà" in browser.get("/account").text


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email": "khach@mau.example"},
        {"nonce": "another"},
        {"aud": "another-client"},
        {"iss": "https://another.example"},
        {"exp": 1},
        {"azp": "another-client"},
    ],
    ids=lambda claims: next(iter(claims)),
)
def test_a_word_that_cannot_be_relied_on_opens_nothing(
    app: Flask, provider: Provider, claims: dict[str, object]
) -> None:
    provider.claims = claims
    browser, answer = arrive(app)
    assert answer.status_code == 422
    assert "Đăng nhập" in answer.text
    assert browser.get("/account").status_code == 302


def test_a_token_signed_by_another_key_opens_nothing(app: Flask, provider: Provider) -> None:
    provider.signed_by = RSAKey.generate_key(2048, parameters={"kid": "k1"})
    browser, answer = arrive(app)
    assert answer.status_code == 422
    assert browser.get("/account").status_code == 302


def test_a_sign_in_cannot_be_finished_in_another_browser(app: Flask, provider: Provider) -> None:
    back = go(app.test_client())
    other = app.test_client()
    assert other.get(back).status_code == 422
    go(other)
    assert other.get(back).status_code == 422
    assert provider.redeemed == 0


def test_a_code_cannot_be_used_twice(app: Flask, provider: Provider) -> None:
    browser = app.test_client()
    back = go(browser)
    trip = browser.get_cookie("lt_oidc")
    assert trip is not None
    assert browser.get(back).status_code == 302
    thief = app.test_client()
    thief.set_cookie("lt_oidc", trip.value)
    assert thief.get(back).status_code == 422


def test_somebody_inactive_stays_out(app: Flask, provider: Provider, db: Database, cast: Cast) -> None:
    with db.write() as tx:
        tx.session.get_one(Person, cast.ha.person_id).is_active = False
    assert arrive(app)[1].status_code == 422


def test_a_refusal_at_the_provider_is_told(app: Flask, provider: Provider) -> None:
    provider.refuse = True
    _, answer = arrive(app)
    assert answer.status_code == 422
    assert "đã từ chối" in answer.text


def test_a_provider_that_is_away_is_told_and_passwords_still_work(db: Database, cast: Cast, settings: Config) -> None:
    away = replace(settings, oidc_issuer="http://127.0.0.1:9399")
    app = create_app(away, Services(away, db, Services.from_config(away).blobs))
    assert app.test_client().get("/sign-in/sso").status_code == 503
    assert "một lần" in app.test_client().get("/sign-in").text
    assert doctor.single_sign_on(away).health is Health.BAD


def test_a_provider_that_names_itself_otherwise_is_not_used(app: Flask, provider: Provider, settings: Config) -> None:
    assert doctor.single_sign_on(settings).health is Health.GOOD
    provider.declared_issuer = "https://another.example"
    assert app.test_client().get("/sign-in/sso").status_code == 503


def test_without_settings_the_doors_are_shut(db: Database, cast: Cast, config: Config) -> None:
    app = create_app(config, Services(config, db, Services.from_config(config).blobs))
    assert app.test_client().get("/sign-in/sso").status_code == 404
    assert app.test_client().get("/sign-in/oidc/callback?code=x&state=y").status_code == 404
    assert doctor.single_sign_on(config).health is Health.OFF
