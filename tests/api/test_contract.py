"""Every operation, called with what its description allows and with what it does not: no 5xx, no answer that differs.

A short run; raise EXAMPLES for a long one.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.schemas import OpenApiSchema

from directory import clients, demo
from directory.attempts import Limits
from kernel.config import Config
from kernel.db import Database
from kernel.schema import Base
from tests.cast import meet
from tests.web.application import create_app
from web import openapi, rooms
from web.services import Services

EXAMPLES = 12
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
OPERATIONS = sorted(door.endpoint for door in rooms.load_pages() if openapi.belongs(door) and door.method != "HEAD")


@pytest.fixture(scope="module")
def city_at_work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OpenApiSchema, str]]:
    """The description of a small city on SQLite, and the token of a system that may do everything."""
    folder: Path = tmp_path_factory.mktemp("contract")
    own = 999_999  # a cap of its own, so that no other test has the same application
    config = Config(data_dir=folder, secret_key="of this test", api_rate="", sign_in_tries=10**6, request_max_bytes=own)
    db = Database(config.sql_url)
    rooms.load_pages()
    Base.metadata.create_all(db.engine)
    with db.write() as tx:
        demo.seed(tx)
        cast = meet(tx)
        made = clients.register(tx, cast.admin, cast.city.id, "Hợp đồng", frozenset(clients.scopes))
        granted = clients.grant(tx, made.client_id, made.secret, "", "", Limits(tries=10))
        assert isinstance(granted, clients.Granted)
    app = create_app(config, Services(config, db, Services.from_config(config).blobs))
    yield schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app), granted.token
    db.close()


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_an_operation_keeps_to_its_description(
    city_at_work: tuple[OpenApiSchema, str], operation_id: str, mode: GenerationMode
) -> None:
    schema, token = city_at_work
    operation = schema.find_operation_by_id(operation_id)

    met: set[int] = set()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Case[Any]) -> None:
        if "wait" in (case.query or {}):  # a long poll would be long
            case.query["wait"] = 0
        checks = [*CHECKS, negative_data_rejection] if mode is GenerationMode.NEGATIVE else CHECKS
        met.add(case.call_and_validate(checks=checks, headers={"Authorization": f"Bearer {token}"}).status_code)

    with contextlib.suppress(Unsatisfiable):  # where anything goes, nothing is wrong
        call()
    if operation_id != "directory_api.token":
        assert met != {401}
