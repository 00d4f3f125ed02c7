"""Every operation, called with what its description allows and with what it does not, by those who may, by strangers
and by those who lack the right: no 5xx, and no answer that differs from the description.

A short run; raise EXAMPLES for a long one. Most of it is on PostgreSQL, which minds more what it is given.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
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
from directory.models import Agency
from docex.edxml.model import Organ
from docex.exchange.evidence.jobs import register_jobs as register_packs
from docex.exchange.hub.jobs import register_jobs as register_hub
from docex.exchange.hub.uploads import resumable
from docex.jobs.delivery import register_jobs
from kernel import clock
from kernel.config import Config
from kernel.db import Database
from kernel.endpoints import Guard
from kernel.queue import worker
from kernel.schema import Base
from kernel.text import Phrase
from signing.log import evidence_log
from tests.cast import meet
from tests.docex.hub.systems import FAR, a_file
from tests.docex.office import Office
from tests.sampling import sampled
from tests.web.application import create_app
from web import rooms
from web.given import NUL
from web.openapi import specification
from web.services import Services

EXAMPLES = {"sqlite": 4, "postgresql": 12}
ORGAN = Organ(FAR, "Sở Giao thông tỉnh Bạn")
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ENDPOINTS = {
    endpoint.name: endpoint
    for endpoint in rooms.load_pages()
    if specification.belongs(endpoint) and endpoint.method != "HEAD"
}
OPERATIONS = sorted(ENDPOINTS)
GUARDED = sorted(name for name, endpoint in ENDPOINTS.items() if endpoint.guard is Guard.CLIENT)
HOW = settings(
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Site:
    """A small city with its description, the system of an agency that may do everything and receives what it sends
    itself, and one that may do nothing here."""

    schema: OpenApiSchema
    app: Flask
    office: Office
    strong: clients.Credentials
    weak: clients.Credentials
    examples: int
    letters: int = 0
    tokens: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    @property
    def token(self) -> str:
        """That of the system that may do everything."""
        return self._token_of(self.strong)

    @property
    def powerless(self) -> str:
        """That of the one that may do nothing here."""
        return self._token_of(self.weak)

    def _token_of(self, system: clients.Credentials) -> str:
        """Renewed in time: all tests of this file together may take longer than one is good for."""
        token, until = self.tokens.get(system.client_id, ("", clock.now()))
        if until <= clock.now():
            with self.office.db.write() as tx:
                granted = clients.grant(tx, system.client_id, system.secret, "", "", Limits(tries=10))
            assert isinstance(granted, clients.Granted)
            token, until = granted.token, clock.now() + clients.TOKEN_TIME / 2
            self.tokens[system.client_id] = token, until
        return token

    @property
    def bearer(self) -> dict[str, str]:
        """The credential of the system that may do everything."""
        return {"Authorization": f"Bearer {self.token}"}

    def call(self, method: str, path: str, **rest: Any) -> Any:
        """Something that has to be there first."""
        headers = {**self.bearer, **rest.pop("headers", {})}
        answer = self.app.test_client().open(path, method=method, headers=headers, **rest)
        assert answer.status_code < 300, answer.get_data()
        return answer.get_json(silent=True)

    def letter(self) -> bytes:
        """A new one, from the agency to itself."""
        self.letters += 1
        return a_file(self.office, self.letters, sender=ORGAN, receivers=(ORGAN,))

    def handed_in(self) -> dict[str, Any]:
        """An envelope that lies in the mailbox."""
        kind = {"Content-Type": "application/octet-stream"}
        answer: dict[str, Any] = self.call("POST", "/api/v1/edxml", data=self.letter(), headers=kind)
        worker.drain(self.office.db)
        return answer

    def logged(self) -> dict[str, Any]:
        """An envelope that is in the evidence log, under the newest head."""
        answer = self.handed_in()
        with self.office.db.write() as tx:
            evidence_log.sequence(tx)
        return answer

    def parcel(self) -> int:
        """The newest in the mailbox."""
        self.handed_in()
        number: int = self.call("GET", "/api/v1/inbox?limit=500")["items"][-1]["id"]
        return number

    def upload(self, *, whole: bool) -> str:
        """A file that was announced, and that came."""
        self.letters += 1
        data = f"file {self.letters}".encode()
        asked = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        number: str = self.call("POST", "/api/v1/uploads", json=asked)["id"]
        if whole:
            headers = {"Upload-Offset": "0", "Content-Type": "application/octet-stream"}
            self.call("PATCH", f"/api/v1/uploads/{number}", data=data, headers=headers)
        return number


@pytest.fixture(scope="module")
def site(
    database_kind: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("contract")
    own = 999_999  # a cap of its own, so that no other test has the same application
    config = Config(data_dir=folder, secret_key="of this test", api_rate="", sign_in_tries=10**6, request_max_bytes=own)
    if database_kind == "postgresql":
        server = request.getfixturevalue("postgres")
        config = replace(config, database_url=server.create(server.fresh_name()))
    db = Database(config.sql_url)
    rooms.load_pages()
    Base.metadata.create_all(db.engine)
    parts = Services(config, db, Services.from_config(config).blobs)
    register_jobs(config, parts.blobs)
    register_hub(config, parts.blobs)
    register_packs(config, parts.blobs)
    with db.write() as tx:
        demo.seed(tx)
        cast = meet(tx)
        tx.session.add(Agency(code=FAR, name=ORGAN.name, is_local=False))
        tx.session.flush()
        home = tx.session.query(Agency).filter(Agency.code == FAR).one().id
        strong = clients.register(tx, cast.admin, home, "Hợp đồng", frozenset(clients.scopes))
        clients.scope("probe.nothing", Phrase("Không được gì"))
        weak = clients.register(tx, cast.admin, home, "Không quyền", frozenset({"probe.nothing"}))
    app = create_app(config, parts)
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    office = Office(db, parts.blobs, config, cast)
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(resumable, "MAX_OPEN", 10**6)  # a long run announces many files
        yield Site(schema, app, office, strong, weak, EXAMPLES[database_kind])
    db.close()


def _leased(site: Site) -> dict[str, Any]:
    number = site.parcel()
    token = site.call("POST", f"/api/v1/inbox/{number}/lease")["token"]
    return {"path_parameters": {"parcel_id": number}, "body": {"token": token}}


def _with_webhook(site: Site) -> dict[str, Any]:
    site.call("PUT", "/api/v1/webhook", json={"url": "https://hook.example/"})
    return {}


def _piece(site: Site) -> dict[str, Any]:
    return {
        "path_parameters": {"upload_id": site.upload(whole=False)},
        "headers": {"Upload-Offset": "0"},
        "body": b"file",
        "media_type": "application/octet-stream",
    }


def _head(site: Site) -> int:
    site.logged()
    size: int = site.call("GET", "/api/v1/log/head")["size"]
    return size


def _pack(site: Site) -> dict[str, Any]:
    envelope = site.handed_in()["id"]
    pack = site.call("POST", f"/api/v1/documents/{envelope}/evidence")["id"]
    worker.drain(site.office.db)
    return {"path_parameters": {"dispatch_id": envelope, "pack_id": pack}}


def _token_wanted(site: Site) -> dict[str, Any]:
    known = {"client_id": site.strong.client_id, "client_secret": site.strong.secret}
    wanted = {"grant_type": "client_credentials", **known}
    return {"body": wanted, "media_type": "application/x-www-form-urlencoded"}


SUCCEEDS: dict[str, Callable[[Site], dict[str, Any]]] = {
    "desk_api.recalls": lambda site: {},
    "directory_api.token": _token_wanted,
    "docex.document_status": lambda site: {"path_parameters": {"dispatch_id": site.handed_in()["id"]}},
    "docex.submit_edxml": lambda site: {"body": site.letter(), "media_type": "application/octet-stream"},
    "evidence_api.ask": lambda site: {"path_parameters": {"dispatch_id": site.handed_in()["id"]}},
    "evidence_api.listed": lambda site: {"path_parameters": {"dispatch_id": site.handed_in()["id"]}},
    "evidence_api.take": _pack,
    "hub.acknowledge": _leased,
    "hub.add_piece": _piece,
    "hub.begin_upload": lambda site: {"body": {"size": 5, "sha256": "0" * 64}},
    "hub.connection": lambda site: {},
    "hub.directory_document": lambda site: {},
    "hub.envelope": lambda site: {"path_parameters": {"parcel_id": site.parcel()}},
    "hub.finish_upload": lambda site: {"path_parameters": {"upload_id": site.upload(whole=True)}},
    "hub.inbox": lambda site: {"query": {"limit": 3}},
    "hub.lease": lambda site: {"path_parameters": {"parcel_id": site.parcel()}},
    "hub.public_keys": lambda site: {},
    "hub.receipt": lambda site: {"path_parameters": {"receipt_id": site.handed_in()["receipt"]["id"]}},
    "hub.receipt_proof": lambda site: {"path_parameters": {"receipt_id": site.logged()["receipt"]["id"]}},
    "hub.receipts_of_document": lambda site: {"path_parameters": {"dispatch_id": site.handed_in()["id"]}},
    "hub.remove_webhook": _with_webhook,
    "hub.report_status": lambda site: {
        "path_parameters": {"parcel_id": site.parcel()},
        "body": {"code": "03", "description": "Đã tiếp nhận"},
    },
    "hub.set_webhook": lambda site: {"body": {"url": "https://hook.example/"}},
    "hub.upload_state": lambda site: {"path_parameters": {"upload_id": site.upload(whole=False)}},
    "hub.webhook": _with_webhook,
    "log.consistency": lambda site: {"query": {"first": 1, "second": _head(site)}},
    "log.head": lambda site: {"query": {}} if _head(site) else {},
    "log.head_of_size": lambda site: {"path_parameters": {"size": _head(site)}},
    "log.proof": lambda site: {"query": {"kind": "document", "sha256": site.logged()["sha256"]}},
    "web.openapi_document": lambda site: {},
}
"""How to call each operation so that it does what it is for."""


def test_no_operation_is_left_out() -> None:
    assert sorted(SUCCEEDS) == OPERATIONS


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_an_operation_that_succeeds_answers_as_described(site: Site, operation_id: str) -> None:
    with_what = SUCCEEDS[operation_id](site)
    case = site.schema.find_operation_by_id(operation_id).Case(**{"media_type": "application/json", **with_what})
    answer = case.call_and_validate(checks=CHECKS, headers=site.bearer if operation_id in GUARDED else {})
    assert answer.status_code in {200, 202, 204}, answer.text


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("operation_id", sampled(OPERATIONS, one_in=5))
def test_an_operation_keeps_to_its_description(site: Site, operation_id: str, mode: GenerationMode) -> None:
    """Half of the calls name something that is there: else nearly all would end at "not found"."""
    operation = site.schema.find_operation_by_id(operation_id)
    there = SUCCEEDS[operation_id](site).get("path_parameters", {})
    met: set[int] = set()
    turn = iter(range(10**6))

    @settings(HOW, max_examples=site.examples)
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Case[Any]) -> None:
        if "wait" in (case.query or {}):  # a long poll would be long
            case.query["wait"] = 0
        checks = [*CHECKS, negative_data_rejection] if mode is GenerationMode.NEGATIVE else CHECKS
        if there and next(turn) % 2:
            case.path_parameters = dict(there)
            checks = CHECKS  # what was wrong may just have been mended
        met.add(case.call_and_validate(checks=checks, headers=site.bearer).status_code)

    with contextlib.suppress(Unsatisfiable):  # where anything goes, nothing is wrong
        call()
    if operation_id != "directory_api.token":
        assert met != {401}


STRANGERS: dict[str, Callable[[Site], dict[str, str]]] = {
    "no credential": lambda site: {},
    "a made-up token": lambda site: {"Authorization": "Bearer made-up"},
    "another scheme": lambda site: {"Authorization": f"Basic {site.token}"},
    "no token": lambda site: {"Authorization": "Bearer "},
}


@pytest.mark.parametrize("who", STRANGERS)
@pytest.mark.parametrize("operation_id", sampled(GUARDED, one_in=5))
def test_a_stranger_gets_401_whatever_they_send(site: Site, operation_id: str, who: str) -> None:
    _always(site, operation_id, STRANGERS[who](site), 401)


@pytest.mark.parametrize("operation_id", GUARDED)
def test_a_system_without_the_right_gets_403_whatever_it_sends(site: Site, operation_id: str) -> None:
    _always(site, operation_id, {"Authorization": f"Bearer {site.powerless}"}, 403)


def _always(site: Site, operation_id: str, headers: dict[str, str], status: int) -> None:
    """Before it is looked at whether the call is well made: strangers learn nothing about fields. Only a path that is
    none, and a U+0000 anywhere, are refused even before that."""
    operation = site.schema.find_operation_by_id(operation_id)
    exact = operation.Case(**{"media_type": "application/json", **SUCCEEDS[operation_id](site)})
    assert exact.call_and_validate(checks=CHECKS, headers=headers).status_code == status

    @settings(HOW, max_examples=site.examples // 3)
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def call(case: Case[Any]) -> None:
        if case.headers:
            case.headers.pop("Authorization", None)
        answer = case.call_and_validate(checks=CHECKS, headers=headers)
        if answer.status_code == 422:
            assert {text["vi"] for text in answer.json()["fields"].values()} == {NUL.vi}
        else:
            assert answer.status_code in {status, 404}, answer.text

    call()
