"""docs/webhooks.md: the code verifies what we sign, and its tables say what is."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from billing.webhooks.models import TEST_TYPE, EventType
from billing.webhooks.retrying import DELAYS, LONGEST_WAIT, TRY_FOR
from billing.webhooks.sealing import as_text, new_key
from billing.webhooks.sending.signing import signed_headers

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
BODY = '{"type":"invoice.issued","data":{"name":"Zoë"}}'.encode()

type Verify = Callable[[str, dict[str, str], bytes], bool]


@pytest.fixture(scope="module")
def verify() -> Verify:
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    names: dict[str, Verify] = {}
    exec(compile(code, "docs/webhooks.md", "exec"), names)  # noqa: S102
    return names["verify"]


def test_the_example_verifies_what_is_sent(verify: Verify) -> None:
    key, other = new_key(), new_key()
    for keys in ([key], [other, key], [key, other]):
        assert verify(as_text(key), signed_headers(uuid4(), BODY, keys, datetime.now(UTC)), BODY)


def test_the_example_refuses_everything_else(verify: Verify) -> None:
    key = new_key()
    headers = signed_headers(uuid4(), BODY, [key], datetime.now(UTC))
    assert not verify(as_text(new_key()), headers, BODY)
    assert not verify(as_text(key), headers, BODY + b" ")
    assert not verify(as_text(key), {**headers, "webhook-id": str(uuid4())}, BODY)
    assert not verify(as_text(key), {**headers, "webhook-timestamp": str(int(time.time()) - 1)}, BODY)
    assert not verify(as_text(key), {**headers, "webhook-signature": "v1,"}, BODY)
    old = signed_headers(uuid4(), BODY, [key], datetime.now(UTC) - timedelta(minutes=6))
    assert not verify(as_text(key), old, BODY)


def test_every_type_is_explained() -> None:
    assert set(re.findall(r"^\| `([a-z_.]+)` \|", PAGE, re.MULTILINE)) == {*EventType.values, TEST_TYPE}


def test_the_schedule_is_the_one_that_is_kept() -> None:
    units = {"s": 1, "min": 60, "h": 3600}
    (text,) = re.findall(r"tried again after (.*?), each", PAGE, re.DOTALL)
    said = [int(number) * units[unit] for number, unit in re.findall(r"(\d+) (s|min|h)\b", text)]
    assert said == [delay.total_seconds() for delay in DELAYS]
    assert timedelta(days=3) == TRY_FOR
    assert timedelta(hours=12) == LONGEST_WAIT
