"""The walk on real usage: 19,366 requests to a hosted language model, by file and by HTTP, to invoice and proof."""

import csv
import json
import multiprocessing
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from portal.postgres import embedded
from tests.server.running import PAUSE_SECONDS, READY_SECONDS, Demo, send_shuffled

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]
EVENTS, INPUT, OUTPUT = 19_366, "22361870", "4088665"
CATALOG = {
    "catalog": 1,
    "meters": [
        {
            "code": f"trace_{word}",
            "name": f"Trace {word} tokens",
            "unit": "token",
            "event_type": "trace.completion",
            "aggregation": "sum",
            "value": f"{word}_tokens",
        }
        for word in ("input", "output")
    ],
    "plans": [
        {
            "code": "trace",
            "name": "Trace",
            "currency": "EUR",
            "interval": "month",
            "base_price": "0",
            "charges": [
                {"meter": "trace_input", "model": "per_unit", "unit_price": "0.0000005"},
                {
                    "meter": "trace_output",
                    "model": "graduated",
                    "tiers": [
                        {"up_to": "1000000", "unit_price": "0"},
                        {"up_to": None, "unit_price": "0.00002", "flat_price": "5.00"},
                    ],
                },
            ],
        }
    ],
}
# 22,361,870 × 0.0000005 = 11.180935; 3,088,665 × 0.00002 + 5 = 66.7733; 20 % tax on 77.95 is 15.59.
SUBTOTAL, TOTAL = "77.95", "93.54"


def prepare(demo: Demo, code: str) -> None:
    with demo.client() as api:
        assert api.put("/catalog", json=CATALOG).status_code == 200
        account = {"code": code, "name": code, "currency": "EUR", "timezone": "UTC", "locale": "en"}
        answer = api.post("/accounts", json={**account, "country": "FR", "email": f"{code}@example.com"})
        assert answer.status_code == 201, answer.text
        plan = {"plan": "trace", "start": "2023-11-01T00:00:00Z", "anchor": "start"}
        answer = api.post(f"/accounts/{code}/subscriptions", json=plan)
        assert answer.status_code == 201, answer.text


def usage(demo: Demo, code: str) -> dict[str, tuple[str, int]]:
    found = {}
    with demo.client("read") as api:
        for word in ("input", "output"):
            span = "from=2023-11-01T00:00:00Z&to=2023-12-01T00:00:00Z"
            answer = api.get(f"/accounts/{code}/usage?meter=trace_{word}&{span}&granularity=none")
            assert answer.status_code == 200, answer.text
            rows = answer.json()["rows"]
            found[word] = (rows[0]["quantity"], rows[0]["events"]) if rows else ("0", 0)
    return found


def import_words(file: Path, code: str) -> list[str]:
    columns = ["time=TIMESTAMP", "data.input_tokens=ContextTokens", "data.output_tokens=GeneratedTokens"]
    maps = [word for column in columns for word in ("--map", column)]
    where = ["--account", code, "--type", "trace.completion", "--source", "trace"]
    return ["import_usage", str(file), *where, *maps]


def counts(output: str) -> dict[str, Any]:
    return dict(json.loads(output[output.index("{") : output.rindex("}") + 1]))


def events_of(file: Path, code: str) -> list[dict[str, Any]]:
    with file.open() as rows:
        return [
            {
                "specversion": "1.0",
                "id": f"trace-{number}",
                "source": "trace",
                "type": "trace.completion",
                "subject": code,
                "time": row["TIMESTAMP"].replace(" ", "T") + "Z",
                "data": {"input_tokens": row["ContextTokens"], "output_tokens": row["GeneratedTokens"]},
            }
            for number, row in enumerate(csv.DictReader(rows))
        ]


def test_import_bill_and_verify(demo: Demo, shared: Path, tmp_path: Path) -> None:
    file = shared / "data" / "llm_requests.csv"
    prepare(demo, "traced")
    first = counts(demo.command(*import_words(file, "traced")))
    assert (first["accepted"], first["duplicates"], first["rejected"]) == (EVENTS, 0, 0)
    assert usage(demo, "traced") == {"input": (INPUT, EVENTS), "output": (OUTPUT, EVENTS)}
    second = counts(demo.command(*import_words(file, "traced")))
    assert (second["accepted"], second["duplicates"]) == (0, EVENTS)
    assert usage(demo, "traced") == {"input": (INPUT, EVENTS), "output": (OUTPUT, EVENTS)}

    bill = ["bill", "--as-of", "2023-12-01T00:00:00Z", "--account", "traced", "--json"]
    both = [demo.popen(*bill) for _ in range(2)]
    outputs = [one.communicate(timeout=120) for one in both]
    assert [one.returncode for one in both] == [0, 0], outputs
    with demo.client("read") as api:
        invoices = api.get("/accounts/traced/invoices").json()["results"]
        assert len(invoices) == 1, "two billing runs at once issue one invoice"
        invoice = invoices[0]
        assert (invoice["subtotal"], invoice["total"], invoice["amount_due"]) == (SUBTOTAL, TOTAL, TOTAL)
        pdf = tmp_path / "invoice.pdf"
        answer = api.get(f"/invoices/{invoice['number']}.pdf")
        assert answer.status_code == 200
        pdf.write_bytes(answer.content)
    demo.command(*bill)
    with demo.client("read") as api:
        assert len(api.get("/accounts/traced/invoices").json()["results"]) == 1, "again: nothing new"
    text = subprocess.run(
        ["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True
    ).stdout
    assert "93.54" in text
    assert invoice["number"] in text
    demo.command("verify")
    tamper(demo, invoice["number"])
    assert invoice["number"] in demo.command("verify", code=1)
    tamper(demo, invoice["number"], back=True)
    demo.command("verify")


def tamper(demo: Demo, number: str, back: bool = False) -> None:
    """Change an issued line behind the product's back, as the owner of the database."""
    host = str(embedded.socket_dir(demo.data))
    with psycopg.connect(host=host, user="postgres", dbname=embedded.DATABASE) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute(
            """UPDATE invoices_invoiceline SET amount = amount + %s WHERE kind = 'usage' AND charge = 'trace_input'
               AND invoice_id = (SELECT id FROM invoices_invoice WHERE number = %s)""",
            [-1 if back else 1, number],
        )


def test_a_file_with_broken_rows(demo: Demo, shared: Path, tmp_path: Path) -> None:
    lines = (shared / "data" / "llm_requests.csv").read_text().splitlines(keepends=True)
    spoilt = random.Random(5).sample(range(1, len(lines)), 100)
    for number, line in enumerate(spoilt):
        stamp, read, written = lines[line].strip().split(",")
        broken = [f"{stamp},abc,xyz", f"not a time,{read},{written}", f"{stamp},{read}", f"{stamp},NaN,1e999"]
        lines[line] = broken[number % 4] + "\n"
    file = tmp_path / "broken rows.csv"
    file.write_text("".join(lines))
    prepare(demo, "broken")
    found = counts(demo.command(*import_words(file, "broken")))
    assert (found["accepted"], found["rejected"]) == (EVENTS - 100, 100)
    with Path(f"{file}.rejected.csv").open() as rejected:
        rows = list(csv.DictReader(rejected))
    assert len(rows) == 100
    assert all(any("reason" in key.lower() and value for key, value in row.items() if key) for row in rows)


def test_four_senders_and_kills(own_demo: Demo, shared: Path) -> None:
    """Batches of 500 from 4 processes at once, each twice, shuffled, with a kill -9 on the way; and all of it again."""
    prepare(own_demo, "sent")
    events = events_of(shared / "data" / "llm_requests.csv", "sent")
    batches = [events[start : start + 500] for start in range(0, len(events), 500)]
    for kill in (own_demo.kill, own_demo.kill_command):
        send_and(kill, own_demo, batches)
        assert usage(own_demo, "sent") == {"input": (INPUT, EVENTS), "output": (OUTPUT, EVENTS)}


def send_and(kill: Callable[[], None], demo: Demo, batches: list[list[dict[str, Any]]]) -> None:
    """Send everything from four processes, kill while they send, start again, wait for them."""
    key, context = demo.info["api_keys"]["ingest"], multiprocessing.get_context("spawn")
    # Starting one waits until it has read its batches: the first could be through before the last begins.
    begun = context.Barrier(5)
    senders = [
        context.Process(target=send_shuffled, args=(demo.url, key, batches[part::4], part, begun))
        for part in range(4)
    ]
    for sender in senders:
        sender.start()
    begun.wait(READY_SECONDS)
    time.sleep(3 * PAUSE_SECONDS)
    assert all(sender.is_alive() for sender in senders), "the kill must fall into the sending of all"
    kill()
    demo.start()
    for sender in senders:
        sender.join(300)
    assert [sender.exitcode for sender in senders] == [0] * 4
