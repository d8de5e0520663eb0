"""Every error is a problem: what Django answers, what DRF answers, what the database cannot take."""

import json
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError
from django.test import Client

from accounts.models import Account
from portal.api.codes import MEANINGS
from portal.api.problems import Problem
from portal.api.ratelimit import Buckets
from tests.api.conftest import ACCOUNT, Caller, check_problem


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/nothing",
        "/accounts/",
        "/accounts/a/b/c",
        "/subscriptions/1",
        "/invoices/F-1/lines/x/events",
        "/%00",
        "/accounts/%00",
        "/accounts/..%2f..%2fetc",
        "/accounts/%ff%fe",
        "/invoices/%00",
        "/invoices/%00.pdf",
        "/accounts/%F0%9F%92%A9",
        "/accounts/" + "x" * 5000,
        "/invoices/" + "F" * 5000,
    ],
)
def test_unknown_address(root: Caller, path: str) -> None:
    assert root.refused("GET", path, 404)["code"] == "not_found"


@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "X"])
def test_unknown_method(root: Caller, method: str) -> None:
    response = root(method, "/meters")
    assert response.status_code == 405
    assert response.json()["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"1",
        b'"x"',
        b"{",
        b"{} x",
        b'{"code": "a", "code": "b"}',
        b'{"code": "\xff"}',
        b'{"code": "\\ud800"}',
        b'{"code": "a\\u0000b"}',
        b'{"\\u0000": 1}',
        b'{"code": NaN}',
        b'{"code": 1e999999999}',
        b'{"code": -Infinity}',
        b'{"code": ' + b"9" * 5000 + b"}",
        b'{"code": ' + b"[" * 100_000 + b"}",
        b'{"code": ' + b'{"a":' * 50 + b"1" + b"}" * 51,
        b"\xef\xbb\xbf{}",
        b"{" + b",".join(b'"k%d": 1' % n for n in range(50_000)) + b"}",
    ],
    ids=lambda body: str(body[:20]),
)
def test_body_that_is_no_object_of_ours(root: Caller, body: bytes) -> None:
    problem = root.refused("POST", "/accounts", 400, body)
    assert len(json.dumps(problem)) < 20_000
    assert not Account.objects.exists()


@pytest.mark.parametrize(
    "media",
    [
        "text/plain",
        "",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-7",
        "nonsense",
        "application/yaml",
    ],
)
def test_other_media_types(root: Caller, media: str) -> None:
    assert (
        root.refused("POST", "/accounts", 415, ACCOUNT, content_type=media)["code"]
        == "unsupported_media_type"
    )


def test_large_body(root: Caller) -> None:
    assert (
        root.refused("POST", "/accounts", 413, b'{"name": "' + b"x" * 1024 * 1024 + b'"}')["code"]
        == "too_large"
    )


def test_body_in_chunks_is_refused_and_never_taken_for_none(root: Caller, acme: Account) -> None:
    problem = root.refused("PATCH", "/accounts/acme", 411, **{"transfer-encoding": "chunked"})
    assert problem["code"] == "length_required"


def test_method_override_is_refused(root: Caller) -> None:
    root.refused("POST", "/accounts", 400, ACCOUNT, **{"X-HTTP-Method-Override": "DELETE"})


@pytest.mark.parametrize(
    "query",
    [
        "group_by=region'--",
        "group_by=data__tenant__secret",
        "order_by=customer__owner__password",
        "group_by=a%00b",
        "page_size=1000000",
        "page=99999999999999999999",
        "from=2026-02-01&to=2026-01-01",
        "tz=../../etc/passwd",
        "filter[region]=(a%2B)%2B$",
        "customer=other",
        "meter=nothing",
        "meter=",
        "meter=%00",
        "meter=tokens&meter=calls",
        "from=2026-13-01",
        "from=0001-01-01",
        "to=9999-12-31",
        "from=9999-12-31T23:59:59-12:00",
        "granularity=second",
        "group_by=region,region",
        "group_by=,",
        "from=1990-01-01&granularity=hour",
        "from=%ff",
        "group_by=" + "x" * 3000,
    ],
)
def test_bad_usage_query(root: Caller, acme: Account, query: str) -> None:
    meter = "" if query.startswith("meter") else "meter=tokens&"
    problem = root.refused("GET", f"/accounts/acme/usage?{meter}{query}", 400)
    assert problem["errors"][0]["parameter"]


@pytest.mark.parametrize(
    "query",
    [
        "quantity=1",
        "meter=tokens&quantity=-1",
        "meter=tokens&quantity=1e9",
        "meter=tokens&quantity=NaN",
        "meter=nothing",
        "meter=tokens&dimensions=region",
        "meter=tokens&dimensions=colour:red",
        "dimensions=region:eu",
        "quantity=",
        "meter=tokens&dimensions=region:eu,region:us",
        "at=now",
        f"meter=tokens&quantity={'9' * 40}",
    ],
)
def test_bad_allowance_query(root: Caller, acme: Account, query: str) -> None:
    assert root.refused("GET", f"/accounts/acme/allowance?{query}", 400)["errors"][0]["parameter"]


@pytest.mark.parametrize("as_of", ["now", "2026-01-01", "2026-01-01T00:00:00", "%00", ""])
def test_bad_as_of(root: Caller, acme: Account, as_of: str) -> None:
    problem = root.refused("GET", f"/accounts/acme/spend?as_of={as_of}", 400)
    assert problem["errors"][0]["parameter"] == "as_of"


def test_fault_of_ours_tells_nothing_of_the_inside(root: Caller, acme: Account) -> None:
    quiet = Client(raise_request_exception=False)
    headers = {"authorization": f"Bearer {root.key}"}
    with mock.patch(
        "portal.api.views.accounts.account_data", side_effect=RuntimeError("secret /srv/x.py SELECT ")
    ):
        response = quiet.get("/api/v1/accounts/acme", headers=headers)
    assert response.status_code == 500
    check_problem(response)
    assert b"secret" not in response.content


def test_database_that_does_not_answer_is_503(root: Caller, acme: Account) -> None:
    headers = {"authorization": f"Bearer {root.key}"}
    quiet = Client(raise_request_exception=False)
    for place in ("portal.api.views.accounts.account_data", "accounts.middleware.find_key"):
        with mock.patch(place, side_effect=OperationalError("server closed the connection")):
            response = quiet.get("/api/v1/accounts/acme", headers=headers)
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "5"
        check_problem(response)


def test_page_of_the_site_is_answered_as_a_page() -> None:
    response = Client().get("/nothing-here")
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")


def test_every_code_has_its_meaning(root: Caller) -> None:
    page = Client().get("/api/docs/problems/").content.decode()
    for code, (status, _) in MEANINGS.items():
        assert f'id="{code}"' in page
        assert Problem(code, "x").data()["status"] == status
        assert Problem(code, "x").data()["type"].endswith(f"/api/docs/problems/#{code}")


class TestRate:
    def test_bucket_empties_and_fills(self) -> None:
        buckets, key = Buckets("test", per_minute=60), Caller
        name: Any = key
        for _ in range(60):
            assert buckets.take(name, now=0.0) is not None
        with pytest.raises(Problem) as refused:
            buckets.take(name, now=0.0)
        assert refused.value.status == 429
        assert refused.value.headers["Retry-After"] == "1"
        again = buckets.take(name, now=2.5)
        assert again is not None
        assert again.headers() == {"RateLimit-Policy": '"test";q=60;w=60', "RateLimit": '"test";r=1;t=59'}

    def test_nothing_is_limited_by_zero(self) -> None:
        key: Any = "k"
        assert all(Buckets("test", 0).take(key) is None for _ in range(1000))

    def test_answer_says_what_is_left_and_when_to_come_again(
        self, root: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("portal.api.views.base._buckets", Buckets("default", 2))
        assert root("GET", "/meters").headers["RateLimit"] == '"default";r=1;t=30'
        root("GET", "/accounts/nobody")
        response = root("GET", "/meters")
        assert response.status_code == 429
        assert int(response.headers["Retry-After"]) in (29, 30)
        assert response.headers["RateLimit-Policy"] == '"default";q=2;w=60'
        assert response.json()["code"] == "too_many_requests"

    def test_events_have_their_own(self, root: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("portal.api.views.events._buckets", Buckets("events", 1))
        root("POST", "/events", [])
        response = root("POST", "/events", [])
        assert response.status_code == 429
        assert response.headers["Retry-After"]
