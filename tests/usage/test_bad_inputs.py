"""The published hostile inputs, at `ingest`: refused or stored as stated; a good event passes after each."""

import base64
import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Account
from billing.usage.ingest import IntakeError, Result, ingest
from tests.usage.cases import CASES
from tests.usage.given import JSON, NOW, event, given_account, numbers, period, send, stored

pytestmark = pytest.mark.usefixtures("db")

# What contract.md says otherwise: the contract holds.
QUARANTINED = {"ingest-037": "unknown account", "ingest-107": "in no service period"}
REFUSED = {"ingest-041": "data is flat"}
TOO_LARGE = {"ingest-141": "more than 5,000 events"}
NOT_HERE = {
    "ingest-135": "a slow body is the server's to end",
    "ingest-137": "headers are the server's to limit",
}
CHOSEN = [case for case in CASES if case["surface"] in ("ingest.single", "ingest.transport")]


@pytest.fixture
def accounts() -> tuple[Account, Account]:
    return given_account(start=NOW - timedelta(days=300)), given_account("other")


@pytest.mark.parametrize("case", CHOSEN, ids=lambda case: f"{case['id']} {case['description'][:50]}")
def test_published_input(case: dict[str, Any], accounts: tuple[Account, Account]) -> None:
    if case["id"] in NOT_HERE:
        pytest.skip(NOT_HERE[case["id"]])
    account, other = accounts
    started, before = time.process_time(), stored(account) + stored(other)
    outcome = _send(case, account, other)
    assert time.process_time() - started < case.get("max_seconds", 2)
    new = stored(account) + stored(other) - before
    if case["id"] in QUARANTINED:
        assert (outcome.quarantined, new) == (1, 0)
    elif case["id"] in REFUSED:
        assert (outcome.status, new) == (422, 0)
    elif case["id"] in TOO_LARGE:
        assert (outcome.status, new) == (413, 0)
    else:
        expected = case["expected"]
        assert outcome.status in expected["codes"], outcome
        assert new == (99 if case["id"] == "ingest-139" else expected["stored"])
    assert numbers(send(event(subject=account.code))) == (1, 0, 0, 0)


def _send(case: dict[str, Any], account: Account, other: Account) -> Any:
    own = other if case.get("auth") == "other_tenant" else None
    subject = other if own else account
    content_type = case.get("headers", {}).get("Content-Type", JSON)
    outcome: Any = None
    for body in _bodies(case, subject):
        try:
            outcome = ingest(body, content_type, own)
        except IntakeError as error:
            outcome = error
    assert isinstance(outcome, Result | IntakeError)
    return outcome


def _bodies(case: dict[str, Any], account: Account) -> list[bytes]:
    now = datetime.now(UTC)  # of this test, however long the others before it took
    if "raw_b64" in case:
        return [base64.b64decode(case["raw_b64"])]
    if "batch" in case:
        good = [event(subject=account.code) for _ in range(case["batch"].get("good", 0))]
        bad = [event(subject=account.code, id="") for _ in range(case["batch"].get("bad", 0))]
        return [json.dumps([*good[:50], *bad, *good[50:]]).encode()]
    if "raw" in case:
        return [_expanded(case["raw"], account, now).encode(errors="surrogatepass")]
    payload = case["payload"]
    if case.get("send") == "sequential":
        return [_filled(one, account, now) for one in payload]
    return [_filled(payload, account, now)]


def _filled(payload: Any, account: Account, now: datetime) -> bytes:
    text = json.dumps(_repeated(payload))
    return _placed(
        text.replace('"api_call"', '"llm"').replace('"value":', '"tokens":'), account, now
    ).encode()


def _repeated(value: Any) -> Any:
    if isinstance(value, dict):
        if "$repeat" in value:
            return value["$repeat"] * value["times"]
        return {name: _repeated(each) for name, each in value.items()}
    return [_repeated(each) for each in value] if isinstance(value, list) else value


def _expanded(raw: Any, account: Account, now: datetime) -> str:
    if isinstance(raw, dict):
        if "$size" in raw:
            return " " * raw["$size"]
        return raw["$nest"] * raw["times"] + "1" + "}" * raw["times"]
    return _placed(raw.replace('"api_call"', '"llm"').replace('"value":', '"tokens":'), account, now)


def _placed(text: str, account: Account, now: datetime) -> str:
    return (
        text.replace("{{uuid}}", str(uuid.uuid4()))
        .replace("{{customer}}", account.code)
        .replace("{{now}}", now.isoformat())
        .replace("{{now+10m}}", (now + timedelta(minutes=12)).isoformat())
        .replace("{{period_start}}", period(account).start.isoformat())
    )


def test_all_cases_were_found(shared: Path) -> None:
    assert len(CHOSEN) == 71
