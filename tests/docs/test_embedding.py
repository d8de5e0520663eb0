"""docs/embedding.md, run as it is written."""

import json
import os
import re
import shutil
import subprocess

import httpx
import pytest

from tests.docs.test_events import BLOCK
from tests.server.running import ROOT, Demo

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]
TEXT = (ROOT / "docs" / "embedding.md").read_text()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_page_is_true(demo: Demo) -> None:
    member = next(user for user in demo.info["users"] if user["role"] == "owner")
    text = TEXT.replace("ada@acme.example", member["email"]).replace("acme", member["account"])
    blocks = dict(BLOCK.findall(text))
    env = {**os.environ, "SITE": demo.url, "KEY": demo.info["api_keys"]["manage"]}
    done = subprocess.run(
        ["bash", "-c", blocks["sh"]], env=env, capture_output=True, text=True, timeout=60, check=True
    )
    answer, shown = json.loads(done.stdout), json.loads(blocks["json"])
    assert set(answer) == set(shown)
    assert "/billing/open/" in answer["url"]
    with httpx.Client() as browser:
        opened = browser.get(answer["url"])
        assert (opened.status_code, opened.headers["Location"]) == (302, "/billing/invoices/")
        page = browser.get(demo.url + opened.headers["Location"])
        assert page.status_code == 200
        assert httpx.get(answer["url"]).status_code == 410


def test_every_code_that_the_page_names_is_one() -> None:
    from portal.api.codes import MEANINGS

    named = set(re.findall(r"`([a-z_]+)`", TEXT)) - {"manage", "path", "user_email"}
    assert named == {"invalid", "not_a_member"}
    assert named <= set(MEANINGS)
