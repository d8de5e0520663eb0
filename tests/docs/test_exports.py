"""docs/exports.md, run as it is written, and its tables against the files."""

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from billing.invoices.exports.accounting import COLUMNS as ACCOUNTING
from billing.invoices.exports.focus.columns import COLUMNS as FOCUS
from tests.docs.test_events import BLOCK
from tests.server.running import ROOT, Demo, environment
from tests.server.selling import event, sell

PAGE = (ROOT / "docs" / "exports.md").read_text(encoding="utf-8")
START = datetime(2026, 2, 1, tzinfo=UTC)
ENERGY = {
    "code": "energy",
    "name": "Energy",
    "unit": "kWh",
    "unit_code": "KWH",
    "event_type": "meter.read",
    "aggregation": "sum",
    "value": "kwh",
}
USED = (("10T08", "eu", 4), ("10T09", "eu", 3.5), ("10T10", "us", 1), ("11T08", "eu", 2))


@pytest.mark.server
@pytest.mark.xdist_group("server")
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_commands_give_the_answers_beside_them(demo: Demo, tmp_path: Path) -> None:
    account = f"exported-{uuid4().hex[:6]}"
    used = [
        event(account, f"e{n}", time=f"2026-02-{at}:00:00Z", data={"units": units, "region": region})
        for n, (at, region, units) in enumerate(USED)
    ]
    march = event(account, "e9", time="2026-03-05T08:00:00Z", data={"units": 2})
    with demo.client() as api:
        assert api.put("/catalog", json={"catalog": 1, "meters": [ENERGY]}).status_code == 200
        sell(api, account, days=(datetime.now(UTC) - START).days)
        assert api.post("/events", json=[*used, march]).json()["accepted"] == 5
    bill = ["manage.py", "bill", "--as-of", datetime.now(UTC).isoformat(), "--account", account]
    subprocess.run([sys.executable, *bill], cwd=ROOT, env=environment(demo.data), check=True, timeout=120)
    with demo.client("read") as api:
        issued = {
            one["number"]: one["amount_due"]
            for one in api.get(f"/accounts/{account}/invoices").json()["results"]
        }
    blocks = BLOCK.findall(PAGE.replace("acme", account))

    def run(command: str) -> str:
        env = {**os.environ, "SITE": demo.url, "KEY": demo.info["api_keys"]["read"]}
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    usage, focus, *others, energy = (code for word, code in blocks if word == "sh")
    sums, hours = (code for word, code in blocks if word == "text")
    assert run(usage) == next(code for word, code in blocks if word == "csv")
    told = dict(line.split() for line in run(focus).splitlines())
    shown = dict(line.split() for line in sums.splitlines())
    assert told == issued
    assert sorted(shown.values()) == sorted(told.values()), (
        "the numbers are taken by whoever was billed before"
    )
    for command in others:
        run(command)
    assert run(energy) == hours
    assert (tmp_path / "accounting.csv").read_text().startswith(",".join(ACCOUNTING))


@pytest.mark.parametrize(("heading", "columns"), [("FOCUS", FOCUS), ("Bookkeeping", ACCOUNTING)])
def test_every_column_is_explained(heading: str, columns: tuple[str, ...]) -> None:
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    table = section.partition("| column |")[2]
    named = [
        name
        for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    ]
    assert sorted(named) == sorted(columns)
