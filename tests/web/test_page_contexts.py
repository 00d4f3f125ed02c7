"""The rule that no row reaches a template sees rows wherever they hide."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask, render_template_string

from kernel.config import Config
from kernel.db import Database
from kernel.text import Phrase, phrase
from meetings.models import Meeting
from tests.web.application import create_app
from tests.web.page_contexts import rows_in
from web.services import Services

ROW = Meeting(id=4, title="Họp giao ban")


@dataclass(frozen=True)
class Page:
    """A context with something in it."""

    inner: Any


@pytest.mark.parametrize(
    ("context", "path"),
    [
        ({"row": ROW}, "row"),
        ({"page": Page(ROW)}, "page.inner"),
        ({"page": Page([Page((ROW,))])}, "page.inner[].inner[]"),
        ({"groups": {"a": [ROW]}}, "groups{}[]"),
        ({"groups": {ROW: 1}}, "groups{}"),
    ],
)
def test_a_row_is_found_wherever_it_hides(context: dict[str, Any], path: str) -> None:
    assert rows_in(context) == {(path, "Meeting")}


def test_plain_values_pass() -> None:
    words: Phrase = phrase("Dự thảo")
    assert (
        rows_in({"page": Page([1, "a", words, datetime(2026, 11, 23, tzinfo=UTC), None]), "Meeting": Meeting}) == set()
    )


def test_the_application_of_the_suite_refuses_to_render_a_row(config: Config, db: Database) -> None:
    app: Flask = create_app(config, Services(config, db, Services.from_config(config).blobs))
    with app.test_request_context(), pytest.raises(AssertionError, match=r"page\.inner"):
        render_template_string("{{ page.inner.title }}", page=Page(ROW))
