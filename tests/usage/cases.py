"""Reading the published cases: none where the project was cloned alone."""

import json
from typing import Any

from tests.conftest import SHARED

_FILE = SHARED / "cases" / "bad_inputs.json"
CASES: list[dict[str, Any]] = json.loads(_FILE.read_text())["inputs"] if _FILE.is_file() else []
