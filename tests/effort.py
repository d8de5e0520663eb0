"""How much the randomised tests try: a slice in every run, all of it when asked.

`PLAINBILL_TEST_WHOLE=1 uv run pytest tests/pricing/test_tiling.py …` tries everything. Without it a run tries a slice
that moves on every day; `PLAINBILL_TEST_SLICE=N` takes slice N again, as a failure says.
"""

import os
from datetime import UTC, datetime

WHOLE = os.environ.get("PLAINBILL_TEST_WHOLE") == "1"
SLICE = int(os.environ.get("PLAINBILL_TEST_SLICE") or datetime.now(UTC).date().toordinal())


def seeds(few: int, many: int) -> range:
    """The seeds of a random test: `few` that move on every day, or the first `many` of all."""
    return range(many) if WHOLE else range(SLICE * few, (SLICE + 1) * few)
