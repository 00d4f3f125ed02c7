"""What browsers load: kept for a year under the name of its release, small, and the same file as on the disk."""

import gzip
import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from kernel.config import Config
from web.app import create_app
from web.files import FOREVER

ROOT = Path(__file__).resolve().parents[2]
ASKED = re.compile(r"""(?:from|import|import\()\s*["'](\.[^"']+)["']|url\("?([^")#]+)""")
GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return create_app(Config(data_dir=tmp_path_factory.mktemp("files")))


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


def named(app: Flask, filename: str) -> str:
    with app.test_request_context():
        return app.url_for("static", filename=filename)


def on_disk(url: str) -> Path:
    return ROOT / "static" / url.split("/", 3)[3]


def plain(answer: TestResponse) -> bytes:
    return gzip.decompress(answer.data) if answer.content_encoding == "gzip" else answer.data


def test_whatever_a_page_asks_for_is_kept_for_a_year(app: Flask, browser: FlaskClient) -> None:
    """Also what modules and style sheets name in their turn: nothing is asked for again on the next page."""
    page = browser.get("/sign-in").get_data(as_text=True)
    waiting = {urlsplit(url).path for url in re.findall(r'(?:src|href|data-icons)="(/static/[^"#]+)', page)}
    waiting |= {named(app, f.relative_to(ROOT / "static").as_posix()) for f in (ROOT / "static" / "js").rglob("*.js")}
    seen: set[str] = set()
    while waiting:
        url = waiting.pop()
        seen.add(url)
        answer = browser.get(url, headers=GZIP)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, FOREVER), url
        assert plain(answer) == on_disk(url).read_bytes()
        if url.endswith((".js", ".css")) and "/vendor/" not in url:
            found = (a or b for a, b in ASKED.findall(plain(answer).decode()))
            waiting |= {urljoin(url, one) for one in found if not one.startswith("data:")} - seen
    assert {urlsplit(url).path.rsplit("/", 1)[1] for url in seen} >= {"say.js", "store.js", "bootstrap.min.css"}
    assert sum("/vendor/fonts/" in url for url in seen) == 8


@pytest.mark.parametrize("encoding", ["", "gzip", "gzip;q=0", "br", "gzip, br;q=0.5"])
def test_text_is_sent_small_to_whom_can_read_it(app: Flask, browser: FlaskClient, encoding: str) -> None:
    url = named(app, "vendor/bootstrap/bootstrap.min.css")
    answer = browser.get(url, headers={"Accept-Encoding": encoding})
    is_small = encoding in ("gzip", "gzip, br;q=0.5")
    assert (answer.content_encoding == "gzip") == is_small
    assert answer.mimetype == "text/css"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert plain(answer) == on_disk(url).read_bytes()
    assert (len(answer.data) < on_disk(url).stat().st_size / 5) == is_small


def test_what_is_small_already_goes_as_it_is(app: Flask, browser: FlaskClient) -> None:
    answer = browser.get(named(app, "vendor/fonts/be-vietnam-pro-latin-400.woff2"), headers=GZIP)
    assert answer.content_encoding is None
    assert answer.data.startswith(b"wOF2")


def test_a_page_of_another_release_gets_the_file_of_this_one_and_asks_again(browser: FlaskClient) -> None:
    answer = browser.get("/static/v-000000000000/js/forms.js", headers=GZIP)
    assert plain(answer) == (ROOT / "static" / "js" / "forms.js").read_bytes()
    assert answer.headers["Cache-Control"] == "no-cache"
    assert browser.get("/static/js/forms.js").headers["Cache-Control"] == "no-cache"


def test_libraries_have_a_name_of_their_own(app: Flask) -> None:
    """A release of the house leaves fonts and pdf.js where browsers have them."""
    ours, fonts, style = (named(app, f).split("/")[2] for f in ("js/house.js", "vendor/icons.svg", "css/fonts.css"))
    assert ours != fonts == style


@pytest.mark.parametrize(
    "path", ["js/none.js", "../web/files.py", "%2e%2e/web/files.py", "js/", "/etc/passwd", "js/a%00.js"]
)
def test_nothing_else_is_found(app: Flask, browser: FlaskClient, path: str) -> None:
    release = named(app, "js/house.js").split("/")[2]
    assert browser.get(f"/static/{release}/{path}", headers=GZIP).status_code == 404
