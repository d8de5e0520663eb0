"""A small, repeatable slice of fuzzing: calls made from the description, good and bad, are never answered by a 5xx.

The long run is a command: `schemathesis run http://localhost:8000/api/v1/openapi.json` (docs/operating.md).
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.generation.modes import GenerationMode

from accounts.models import Account
from portal.api.docs import _description
from tests.api.calls import CALLS, NAMES, Call
from tests.api.conftest import Caller
from tests.api.test_scopes import places

SLICE = [call for call in CALLS if not call.path.endswith(".pdf") and ".zip" not in call.path]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "unfit"])
@pytest.mark.parametrize("call", SLICE, ids=lambda call: call.name)
def test_no_input_breaks_a_call(root: Caller, acme: Account, call: Call, mode: GenerationMode) -> None:
    ids = places(root, acme)
    schema = schemathesis.openapi.from_dict(json.loads(_description()))
    path = call.path.partition("?")[0]
    operation = schema[f"/api/v1{path.format(**NAMES)}"][call.method]

    @settings(
        max_examples=8,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        query = case.query if isinstance(case.query, Mapping) else {}
        text = urlencode({name: _text(value) for name, value in query.items()}, errors="replace")
        body = None if type(case.body).__name__ == "NotSet" else case.body
        media = case.media_type or "application/json"
        raw = (
            body if isinstance(body, bytes | None) else json.dumps(body, default=str).encode(errors="replace")
        )
        root(call.method, f"{path.format(**ids)}?{text}", raw, content_type=media)

    send()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
