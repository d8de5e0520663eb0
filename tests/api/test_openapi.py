"""The description is OpenAPI 3.1, tells of every call, and is what the answers are."""

import csv
import io
import json
import re
import zipfile
from typing import Any

import jsonschema
import pytest
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from accounts.models import Account
from billing.invoices.actions import bill_account
from tests.api.calls import CALLS, EVENT, NAMES, Call, reserve, webhook
from tests.api.conftest import Caller
from tests.api.test_walk import month_ago
from tests.factories import make_member


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Client().get("/api/v1/openapi.json").content)
    return found


def test_it_is_openapi_31_and_open_to_everyone(description: dict[str, Any]) -> None:
    assert description["openapi"].startswith("3.1")
    scheme = description["components"]["securitySchemes"]["key"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert "Problem" in description["components"]["schemas"]
    for methods in description["paths"].values():
        for operation in methods.values():
            assert operation["security"] == [{"key": []}], operation["operationId"]
            assert operation["description"]
            assert "application/problem+json" in operation["responses"]["default"]["content"]


def test_every_address_is_described(description: dict[str, Any]) -> None:
    urls = next(one for one in get_resolver().url_patterns if str(one.pattern) == "api/v1/")
    routes = {re.sub(r"<\w+:(\w+)>", r"{\1}", str(one.pattern)) for one in urls.url_patterns}
    assert {f"/api/v1/{route}" for route in routes - {"openapi.json"}} == set(description["paths"])


def test_every_body_refuses_what_it_does_not_name(description: dict[str, Any]) -> None:
    """Mass assignment: what a body may hold is listed, field by field."""
    for name, schema in description["components"]["schemas"].items():
        if name.endswith("Request"):
            assert schema["properties"], name


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_answer_is_as_described(root: Caller, acme: Account, description: dict[str, Any], call: Call) -> None:
    start = month_ago()
    subscription = root.ok(
        "POST", "/accounts/acme/subscriptions", {"plan": "team", "start": start.isoformat()}, 201
    )
    sent = [
        {
            **EVENT,
            "id": f"e{n}",
            "time": start.isoformat(),
            "type": "llm.completion",
            "data": {"tokens": "900"},
        }
        for n in range(3)
    ]
    root.ok("POST", "/events", sent)
    bill_account(acme, timezone.now())
    if call.name == "DELETE /subscriptions/{s}/changes":
        root.ok(
            "POST", f"/subscriptions/{subscription['id']}/changes", {"plan": "free", "when": "period_end"}
        )
    if call.path.endswith("/portal-links"):
        make_member(acme, email=call.body["user_email"])
    if call.path.endswith("/reactivate"):
        root.ok("DELETE", f"/subscriptions/{subscription['id']}")
    invoice = root.ok("GET", "/accounts/acme/invoices?limit=200")["results"][-2]
    line = invoice["lines"][0]
    path = call.path.format(
        a="acme",
        s=subscription["id"],
        n=invoice["number"],
        l=line["id"],
        r=reserve(root, "acme"),
        **dict(zip("wd", webhook(root, "acme"), strict=True)),
    )
    body = {
        "name": "X",
        "code": "x",
        "currency": "EUR",
        "timezone": "UTC",
        "locale": "en",
        "country": "FR",
        "email": "a@b.example",
    }
    response = root(call.method, path, body if call.name == "POST /accounts" else call.body)
    route = "/api/v1" + call.path.partition("?")[0].format(**NAMES)
    described = description["paths"][route][call.method.lower()]["responses"]
    if response.status_code == 204:
        assert "204" in described
        return
    media = response.headers["Content-Type"].partition(";")[0]
    if response.status_code >= 400:
        assert call.name == "POST /accounts/{a}/subscriptions"
        schema = described["default"]["content"][media]["schema"]
    else:
        schema = described[str(response.status_code)]["content"][media]["schema"]
    if media == "application/pdf":
        assert response.content.startswith(b"%PDF-")
        return
    if media == "application/zip":
        assert zipfile.ZipFile(io.BytesIO(response.content)).testzip() is None
        return
    if media in ("application/xml", "application/atom+xml"):
        assert response.content.startswith(b"<?xml ")
        return
    if media == "text/csv":
        rows = list(csv.reader(io.StringIO(response.content.decode(), newline="")))
        assert {len(row) for row in rows} == {len(rows[0])}
        return
    jsonschema.validate(response.json(), {**schema, "components": description["components"]})
    assert_whole(response.json(), schema, description)


def assert_whole(value: Any, schema: dict[str, Any], description: dict[str, Any]) -> None:
    """No key in an answer that the description does not name."""
    while "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    components = {"components": description["components"]}
    fitting = [
        one
        for one in schema.get("oneOf", [])
        if jsonschema.Draft202012Validator({**one, **components}).is_valid(value)
    ]
    for one in fitting + schema.get("allOf", []):
        if value is not None and one.get("type") != "null":
            assert_whole(value, one, description)
    if isinstance(value, dict) and "properties" in schema:
        assert value.keys() <= schema["properties"].keys()
        for key, item in value.items():
            assert_whole(item, schema["properties"][key], description)
    if isinstance(value, list) and "items" in schema:
        for item in value:
            assert_whole(item, schema["items"], description)


def test_page_for_people_keeps_the_sites_policy() -> None:
    response = Client().get("/api/docs/")
    page = response.content.decode()
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style", page)
