"""Reading the published pricing cases: none where the project was cloned alone.

Knows no other folder of tests, so that `tests/mutation` can copy this one alone.
"""

import json
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parents[3] / "shared" / "cases" / "pricing.json"


def published() -> list[dict[str, Any]]:
    """Each `{"id", "charge", "quantity" or "events", "amount", "exact_amount"}`, at least 68 of them."""
    if not _FILE.is_file():
        return []
    cases: list[dict[str, Any]] = json.loads(_FILE.read_text())["cases"]
    assert len(cases) >= 68
    return cases
