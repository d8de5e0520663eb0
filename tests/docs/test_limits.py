"""docs/limits.md, run as it is written."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from tests.docs.test_events import BLOCK
from tests.server.running import ROOT, Demo
from tests.server.selling import sell

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_page_is_true(demo: Demo, tmp_path: Path) -> None:
    account = f"limited-{uuid4().hex[:6]}"
    with demo.client() as api:
        sell(api, account)
        api.put(f"/accounts/{account}/limit", json={"amount": "5.00", "action": "stop"}).raise_for_status()
    text = (ROOT / "docs" / "limits.md").read_text().replace("acme", account)
    blocks = BLOCK.findall(text)
    commands = [code for word, code in blocks if word == "sh"]
    answers = [code for word, code in blocks if word == "json"]
    assert len(commands) == len(answers) == 2

    def run(*command: str) -> str:
        env = {**os.environ, "SITE": demo.url, "KEY": demo.info["api_keys"]["ingest"]}
        done = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    for command, answer in zip(commands, answers, strict=True):
        assert json.loads(run("bash", "-c", command)) == json.loads(answer)
    client, program = (code for word, code in blocks if word == "python")
    (tmp_path / "limited.py").write_text(client)
    told = next(code for word, code in blocks if word == "text")
    assert run(sys.executable, "-c", program) == told
    with demo.client("read") as api:
        assert api.get(f"/accounts/{account}/allowance").json()["spent"] == "4.50", "3.00 are still set aside"


def test_every_code_that_the_page_names_is_one() -> None:
    from portal.api.codes import MEANINGS

    named = set(re.findall(r"`([a-z]+_[a-z_]+)`", (ROOT / "docs" / "limits.md").read_text()))
    assert {"limit_reached", "exceeds_reservation", "too_many_requests"} <= named & set(MEANINGS)
