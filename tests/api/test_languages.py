"""The description of the API in two languages, each alone: found from the operations, so new ones are included."""

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from kernel import catalogue
from kernel.config import Config
from kernel.db import Database
from web.app import create_app
from web.services import Services

pytestmark = pytest.mark.one_database("sqlite")

VIETNAMESE = re.compile("[àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ]", re.IGNORECASE)
OF_BOTH = re.compile(r"<pre.*?</pre>|<code>.*?</code>", re.DOTALL)


@pytest.fixture
def app(config: Config, db: Database) -> Flask:
    """An application of its own: other tests mount trial operations on the common one."""
    made = create_app(config)
    made.extensions["lienthong"] = Services(config, db, Services.from_config(config).blobs)
    return made


@pytest.fixture
def documents(app: Flask) -> dict[str, Any]:
    stranger = app.test_client()
    return {one: stranger.get(f"/api/v1/openapi.json?lang={one}").get_json() for one in catalogue.LOCALES}


def said(part: Any) -> Iterator[str]:
    """Every text for people below `part` of a document."""
    if isinstance(part, list):
        for one in part:
            yield from said(one)
    elif isinstance(part, dict):
        for key, value in part.items():
            if isinstance(value, str):
                if key in {"description", "summary"} and value:
                    yield value
            else:
                yield from said(value)


def content(app: Flask, locale: str) -> str:
    """What the page itself says: without the frame, samples and names."""
    reader = app.test_client()
    reader.set_cookie("lt_locale", locale)
    page = reader.get("/api/docs").text
    return html.unescape(OF_BOTH.sub("", page[page.index("<main") : page.index("</main>")]))


def test_every_english_description_has_a_vietnamese_one(documents: dict[str, Any]) -> None:
    in_english = {text for text in said(documents["en"]) if not VIETNAMESE.search(text)}
    assert len(in_english) > 180
    assert [text for text in said(documents["vi"]) if not VIETNAMESE.search(text)] == []


def test_the_english_document_holds_no_vietnamese(documents: dict[str, Any]) -> None:
    assert [text for text in said(documents["en"]) if VIETNAMESE.search(text)] == []


def test_the_vietnamese_page_holds_no_english_description(app: Flask, documents: dict[str, Any]) -> None:
    page = content(app, "vi")
    pieces = {
        piece for text in said(documents["en"]) for piece in re.split(r"`[^`]*`|\n+", text) if " " in piece.strip()
    }
    assert len(pieces) > 180
    assert [piece for piece in pieces if re.search(rf"\b{re.escape(piece.strip())}\b", page)] == []
    assert 'lang="en"' not in page


def test_the_english_page_holds_no_vietnamese(app: Flask) -> None:
    assert [line for line in content(app, "en").splitlines() if VIETNAMESE.search(line)] == []


def test_no_translation_is_left_of_a_description_that_is_gone(documents: dict[str, Any]) -> None:
    in_use = set(said(documents["en"]))
    assert sorted(str(one.id) for one in catalogue.messages("vi") if one.id not in in_use) == []


def test_without_a_wish_the_document_speaks_the_readers_language(app: Flask, documents: dict[str, Any]) -> None:
    reader = app.test_client()
    assert reader.get("/api/v1/openapi.json").get_json() == documents["vi"]
    reader.set_cookie("lt_locale", "en")
    assert reader.get("/api/v1/openapi.json").get_json() == documents["en"]
    assert reader.get("/api/v1/openapi.json?lang=fr").status_code == 422
