"""Reading the published pricing cases: none where the project was cloned alone."""

import json
from typing import Any

from tests.conftest import SHARED

_FILE = SHARED / "cases" / "pricing.json"


def published() -> list[dict[str, Any]]:
    """Each `{"id", "charge", "quantity" or "events", "amount", "exact_amount"}`, at least 68 of them."""
    if not _FILE.is_file():
        return []
    cases: list[dict[str, Any]] = json.loads(_FILE.read_text())["cases"]
    assert len(cases) >= 68
    return cases
