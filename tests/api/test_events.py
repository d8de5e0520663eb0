"""POST /events over HTTP: the published bad inputs of transport and keys, and what follows them."""

import base64
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.keys import create_key
from accounts.models import Account, ApiKey
from accounts.scope import installation_scope
from billing.usage.models import Event, QuarantinedEvent
from tests.api.calls import EVENT
from tests.api.conftest import ACCOUNT, CATALOG, Caller

SURFACES = ("ingest.transport", "ingest.auth")
FILE = Path(__file__).resolve().parents[3] / "shared" / "cases" / "bad_inputs.json"
CASES = (
    [case for case in json.loads(FILE.read_text())["inputs"] if case["surface"] in SURFACES]
    if FILE.exists()
    else []
)
BY_OTHER_TESTS = {
    "ingest-135": "tests/server/test_bad_connections.py: test_slow_senders_are_ended_and_hold_up_nobody",
    "ingest-137": "tests/server/test_bad_connections.py: test_a_bad_request_is_refused, 10,000 headers",
}


def fill(value: Any, names: dict[str, str]) -> Any:
    """The case's placeholders: {{name}}, $repeat, $nest."""
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace(f"{{{{{name}}}}}", text if name != "uuid" else str(uuid4()))
        return value
    if isinstance(value, list):
        return [fill(item, names) for item in value]
    if isinstance(value, dict) and "$repeat" in value:
        return value["$repeat"] * value["times"]
    if isinstance(value, dict):
        return {key: fill(item, names) for key, item in value.items()}
    return value


def body_of(case: dict[str, Any], names: dict[str, str]) -> list[bytes]:
    good = {
        **EVENT,
        "type": "api_call",
        "source": "/bad-input",
        "subject": names["customer"],
        "data": {"value": "1"},
    }
    if "raw_b64" in case:
        return [base64.b64decode(case["raw_b64"])]
    if "batch" in case:
        items = [{**good, "id": str(uuid4())} for _ in range(case["batch"].get("good", 0))]
        items[len(items) // 2 : 0] = [{**good, "id": ""} for _ in range(case["batch"].get("bad", 0))]
        return [json.dumps(items).encode()]
    raw = case.get("raw")
    if isinstance(raw, dict) and "$nest" in raw:
        deep = raw["$nest"] * raw["times"] + "1" + "}" * raw["times"]
        return [json.dumps({**good, "data": 0})[:-2].encode() + deep.encode() + b"}"]
    if isinstance(raw, dict) and "$size" in raw:
        return [b"[" + b" " * raw["$size"] + b"]"]
    if raw is not None:
        return [fill(raw, names).encode()]
    if case.get("send") == "sequential":
        return [json.dumps(fill(one, names)).encode() for one in case["payload"]]
    return [json.dumps(fill(case["payload"], names)).encode()]


def stored() -> int:
    return Event.objects.count()


@pytest.mark.skipif(
    not CASES, reason="the folder ../shared with the published cases is not beside the project"
)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_published_bad_input(root: Caller, acme: Account, other: Account, case: dict[str, Any]) -> None:
    if case["id"] in BY_OTHER_TESTS:
        pytest.skip(BY_OTHER_TESTS[case["id"]])
    meters = [{**CATALOG["meters"][0], "code": "values", "event_type": "api_call", "value": "value"}]
    root.ok("PUT", "/catalog", {"catalog": 1, "meters": meters})
    for code in ("acme", "other"):
        root.ok("POST", f"/accounts/{code}/subscriptions", {"plan": "team", "start": "2026-01-01"}, 201)
    revoked, text = create_key("revoked", ["ingest"])
    ApiKey.objects.filter(pk=revoked.pk).update(revoked_at=timezone.now())
    key = create_key("own", ["ingest"], other if case.get("auth") == "other_tenant" else acme)[1]
    names = {
        "customer": "other" if case.get("auth") else "acme",
        "uuid": "",
        "now": timezone.now().isoformat(),
    }
    names |= {"revoked": text, "key": key}
    headers = {"Authorization": f"Bearer {key}"} if not case.get("query") else {}
    for name, value in fill(case.get("headers", {}), names).items():
        headers[name] = value
        if value is None:
            del headers[name]
    content_type = headers.pop("Content-Type", "application/json")
    before = stored()
    for body in body_of(case, names):
        path = f"/api/v1/events{fill(case.get('query', ''), names)}"
        response = Client().generic("POST", path, body, content_type, headers=headers)
    expected = case["expected"]
    status = response.status_code
    assert status in expected["codes"] or (status == 413 and case["id"] == "ingest-141"), response.content
    assert len(response.content) < 1_000_000
    added, wanted = stored() - before, expected["stored"]
    assert added == (99 if isinstance(wanted, str) else wanted)
    assert not QuarantinedEvent.objects.exists()
    good = {**EVENT, "id": str(uuid4()), "subject": "acme"}
    assert root.ok("POST", "/events", [good])["accepted"] == 1


def test_one_event_is_sent_as_a_cloudevent(root: Caller, acme: Account) -> None:
    root.ok("POST", "/accounts/acme/subscriptions", {"plan": "team"}, 201)
    one = root.ok("POST", "/events", EVENT, content_type="application/cloudevents+json; charset=UTF-8")
    batch = root.ok("POST", "/events", [EVENT], content_type="application/cloudevents-batch+json")
    assert (one["accepted"], batch["duplicates"]) == (1, 1)


def test_other_methods_and_parameters_are_refused(root: Caller) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        assert root(method, "/events").headers["Allow"] == "POST"
        assert root(method, "/events").status_code == 405
    assert root.refused("POST", "/events?dry_run=1", 400, [EVENT])["errors"][0]["parameter"] == "dry_run"
    assert root.refused("POST", "/events", 415, [EVENT], **{"content-encoding": "gzip"})
    assert root.refused("POST", "/events", 413, b" " * (8 * 1024 * 1024 + 1))["code"] == "too_large"


def test_events_that_waited_are_counted_once_their_account_meter_and_period_exist(committed: str) -> None:
    root = Caller(create_key("root", ["manage"])[1])
    event = {**EVENT, "time": timezone.now().isoformat(), "data": {}}
    start = timezone.now().replace(hour=0, minute=0, second=0).isoformat()
    events = [event, {**event, "type": "later", "id": "2", "data": {"n": 7}}]
    assert root.ok("POST", "/events", events)["quarantined"] == 2
    root.ok("PUT", "/catalog", CATALOG)
    root.ok("POST", "/accounts", ACCOUNT, 201)
    root.ok("POST", "/accounts/acme/subscriptions", {"plan": "team", "start": start}, 201)
    usage = root.ok("GET", "/accounts/acme/usage?meter=calls&granularity=none")
    assert [row["quantity"] for row in usage["rows"]] == ["1"]
    meter = {
        "code": "late",
        "name": "L",
        "unit": "l",
        "event_type": "later",
        "aggregation": "sum",
        "value": "n",
    }
    root.ok("PUT", "/catalog", {"catalog": 1, "meters": [meter]})
    usage = root.ok("GET", "/accounts/acme/usage?meter=late&granularity=none")
    assert [row["quantity"] for row in usage["rows"]] == ["7"]
    with installation_scope():
        assert not QuarantinedEvent.objects.filter(replayed_at=None).exists()


def test_nothing_half_done_by_a_refused_request(committed: str) -> None:
    root = Caller(create_key("root", ["manage"])[1])
    root.ok("PUT", "/catalog", CATALOG)
    bad = {
        **CATALOG["plans"][0],
        "code": "new",
        "charges": [{"meter": "none", "model": "per_unit", "unit_price": "1"}],
    }
    good = {**CATALOG["plans"][0], "code": "newer"}
    root.refused("PUT", "/catalog", 400, {"catalog": 1, "plans": [good, bad]})
    assert {plan["code"] for plan in root.ok("GET", "/plans")["results"]} == {
        "free",
        "team",
        "scale",
        "secret",
    }
