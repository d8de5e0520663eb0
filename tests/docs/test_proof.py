"""docs/proof.md, run as it is written, with a document of the demo and an event that was changed."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from billing.proof.documents import KINDS
from tests.docs.test_events import BLOCK
from tests.server.running import ROOT, Demo

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]
PAGE = (ROOT / "docs" / "proof.md").read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("uv") is None, reason="needs curl and uv")
def test_the_page_is_true(demo: Demo, tmp_path: Path) -> None:
    with demo.client("read") as api:
        invoices = api.get("/accounts/atelier-brume/invoices").json()["results"]
    number = next(one["number"] for one in invoices if any(line["kind"] == "usage" for line in one["lines"]))
    blocks = BLOCK.findall(PAGE.replace("F-000002", number))
    download, same, whole = (code for word, code in blocks if word == "sh")
    (end,) = (code for word, code in blocks if word == "text")

    def run(command: str) -> str:
        keys = {"SITE": demo.url, "KEY": demo.info["api_keys"]["read"]}
        here = {"UV_PROJECT": str(ROOT), "UV_NO_SYNC": "1"}
        done = subprocess.run(
            ["bash", "-ec", command], cwd=tmp_path, env={**os.environ, **keys, **here},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    told = run(download)
    assert number in told.splitlines()[0]
    assert end in told
    assert run(same) == told
    sha256 = run(whole).split()[0]
    assert f"SHA-256 of the proof: {sha256}" in told
    assert json.loads((tmp_path / "parts" / "manifest.json").read_text())["sha256"] == sha256


def test_it_tells_of_every_key_and_kind(demo: Demo) -> None:
    from zipfile import ZipFile

    with demo.client("read") as api:
        number = api.get("/accounts/atelier-brume/invoices").json()["results"][0]["number"]
        path = demo.data / "proof.zip"
        path.write_bytes(api.get(f"/invoices/{number}/proof.zip").content)
    with ZipFile(path) as archive:
        rules = json.loads(archive.read("rules.json"))
        events = archive.read("events.ndjson").splitlines()
    period, line = rules["periods"][0], rules["lines"][0]
    keys = {*rules, *period, *line, *period["spans"][0], *json.loads(events[0])} - {"id"}
    named = set(re.findall(r"`(?:\w+\[\]\.)?(\w+)(?:\[\])?`", PAGE))
    assert keys - named == set()
    assert set(KINDS) <= named
