"""The OpenAPI document: valid, whole, and what people read on the page."""

import re
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

from kernel.endpoints import Guard
from kernel.errors import DomainError
from web import rooms
from web.openapi import specification


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    answer = app.test_client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.get_json()
    return found


def test_the_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_operation_for_systems_is_in_it_with_its_scope(document: dict[str, Any]) -> None:
    told = {op["operationId"]: op for methods in document["paths"].values() for op in methods.values()}
    for endpoint in (
        endpoint for endpoint in rooms.load_pages() if specification.belongs(endpoint) and endpoint.method != "HEAD"
    ):
        operation = told[endpoint.name]
        assert operation["security"] == [{"client": [scope]} for scope in endpoint.scopes]
        assert operation["summary"]
        scopes = document["components"]["securitySchemes"]["client"]["flows"]["clientCredentials"]["scopes"]
        assert set(endpoint.scopes) <= scopes.keys()


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    names = set(re.findall(r"#/components/schemas/([^'\"]+)", str(document)))
    assert names <= document["components"]["schemas"].keys()
    assert {"Problem", "HandedIn"} <= names


def test_headers_of_answers_that_a_client_needs_are_told(document: dict[str, Any]) -> None:
    def told(path: str, method: str = "get") -> dict[str, set[str]]:
        answers = document["paths"][path][method]["responses"]
        return {status: set(answer["headers"]) for status, answer in answers.items() if "headers" in answer}

    later = {"429": {"Retry-After"}}
    file = {"200": {"ETag"}, "206": {"ETag", "Content-Range"}, "416": {"Content-Range"}, **later}
    assert told("/api/v1/inbox/{parcel_id}/envelope") == file
    assert told("/api/v1/documents/{dispatch_id}/evidence/{pack_id}") == file
    assert told("/api/v1/directory") == {"200": {"ETag"}, "304": {"ETag"}, **later}
    assert told("/api/v1/oauth/token", "post") == {"429": {"Retry-After"}}
    assert set(document["components"]["responses"]["Problem"]["headers"]) == {"Retry-After"}


def test_two_models_of_one_name_are_not_mixed_up() -> None:
    models: dict[str, type] = {}
    for endpoint in rooms.load_pages():
        says = endpoint.says
        for model in [says.get("takes"), says.get("query"), says.get("form"), *says.get("answers", {}).values()]:
            if isinstance(model, type):
                assert models.setdefault(model.__name__, model) is model


def test_the_page_explains_every_operation_in_both_languages(app: Flask, document: dict[str, Any]) -> None:
    stranger = app.test_client()
    page = stranger.get("/api/docs")
    assert page.status_code == 200
    for path in document["paths"]:
        assert path in page.text
    assert "Nộp một phong bì edXML" in page.text
    assert 'script src="http' not in page.text
    stranger.set_cookie("lt_locale", "en")
    assert "Hand in an edXML envelope" in stranger.get("/api/docs").text


def test_a_problem_leads_to_its_explanation(app: Flask) -> None:
    stranger = app.test_client()
    kind = stranger.get("/api/v1/nothing").get_json()["type"]
    assert kind.endswith("/api/docs#not_found")
    assert 'id="not_found"' in stranger.get("/api/docs").text


def test_every_code_of_a_refusal_is_explained(app: Flask) -> None:
    """Those of rooms that no operation reaches are left out."""

    def below(kind: type[DomainError]) -> set[type[DomainError]]:
        return {kind}.union(*(below(one) for one in kind.__subclasses__()))

    rooms.load_pages()
    mine = {
        one.code
        for one in below(DomainError)
        if one.__module__.startswith(("kernel.", "docex.exchange.hub", "docex.exchange.intake"))
    }
    page = app.test_client().get("/api/docs").text
    assert {code for code in mine if f'id="{code}"' not in page} == {DomainError.code}


def test_each_operation_lists_the_statuses_with_which_it_refuses(document: dict[str, Any]) -> None:
    endpoints = {endpoint.name: endpoint for endpoint in rooms.load_pages() if specification.belongs(endpoint)}
    for path, methods in document["paths"].items():
        for operation in methods.values():
            listed, endpoint = set(operation["responses"]), endpoints[operation["operationId"]]
            assert {"500", "503"} <= listed, path
            if endpoint.guard is Guard.CLIENT:
                assert {"401", "403", "429"} <= listed, path
            if "{" in path:
                assert "404" in listed, path
            if operation.get("requestBody"):
                assert {"413", "422"} <= listed, path
            if "application/json" in operation.get("requestBody", {}).get("content", {}):
                assert {"400", "415"} <= listed, path
            for status in listed - {"2XX", "4XX", "5XX"}:
                assert operation["responses"][status]["description"], (path, status)
