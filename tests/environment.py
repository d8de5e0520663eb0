"""The environment of the test run, set before Django reads it (pyproject.toml loads this as a plugin)."""

import os
import tempfile
from pathlib import Path

# Set PLAINBILL_TEST_KEEP=1 while developing: the cluster and the migrated template are kept between runs.
KEEP = os.environ.get("PLAINBILL_TEST_KEEP") == "1"
_run_id = "kept" if KEEP else os.environ.setdefault("PLAINBILL_TEST_RUN", str(os.getpid()))
RUN_DIR = Path(tempfile.gettempdir()) / f"plainbill-tests-{_run_id}"

for _name in ("DATABASE_URL", "DATABASE_OWNER_URL", "SECRET_KEY", "PRODUCTION", "DEBUG"):
    os.environ.pop(_name, None)
os.environ["DATA_DIR"] = str(RUN_DIR)
os.environ["EMAIL_URL"] = "memorymail://"
