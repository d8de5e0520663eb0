"""`manage.py quote` hands its files to `billing.plans.quoting` and never asks the database."""

import io
import json
import subprocess
import sys
from decimal import Decimal

from django.core.management import call_command

from tests.conftest import ROOT
from tests.pricing.cases import published

DATA = {
    "catalog": 1,
    "meters": [{"code": "m", "event_type": "e", "aggregation": "count"}],
    "plans": [
        {
            "code": "p",
            "currency": "EUR",
            "interval": "month",
            "charges": [{"meter": "m", "model": "per_unit", "unit_price": "0.335"}],
        }
    ],
}


def quote(tmp_path, usage):
    """Status, answers, and what was told on the error stream."""
    catalog, lines = tmp_path / "catalog.json", tmp_path / "usage.jsonl"
    catalog.write_text(json.dumps(DATA))
    lines.write_text(usage)
    out, err, status = io.StringIO(), io.StringIO(), 0
    try:
        call_command("quote", catalog=str(catalog), usage=str(lines), stdout=out, stderr=err)
    except SystemExit as ended:
        status = ended.code
    return status, [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue()


def test_each_line_is_answered(tmp_path):
    status, answers, errors = quote(tmp_path, '{"plan": "p", "quantities": {"m": 3}}\n{"plan": "p"}\n')
    assert [answer["subtotal"] for answer in answers] == ["1.01", "0.00"]
    assert (status, errors) == (0, "")


def test_a_bad_line_is_told_and_the_status_is_1(tmp_path):
    status, answers, errors = quote(tmp_path, '{"plan": "q"}\n{"plan": "p"}\n')
    assert (status, answers[0]["line"], answers[1]["plan"]) == (1, 1, "p")
    assert errors.startswith("line 1: plan: ")


def test_the_command_line_prices_every_published_case(tmp_path, shared):
    """Start to end: files in, a process of its own, JSON Lines out."""
    cases = published()
    charges = {case["id"]: [{"meter": "m", **case["charge"]}] for case in cases}
    plans = [{**DATA["plans"][0], "code": code, "charges": charge} for code, charge in charges.items()]
    meters = [{"code": "m", "event_type": "e", "aggregation": "sum", "value": "v"}]
    usage = [
        {"plan": case["id"], "events": {"m": case["events"]}}
        if "events" in case
        else {"plan": case["id"], "quantities": {"m": case["quantity"]}}
        for case in cases
    ]
    catalog, lines = tmp_path / "catalog.json", tmp_path / "usage.jsonl"
    catalog.write_text(json.dumps({"catalog": 1, "meters": meters, "plans": plans}))
    lines.write_text("".join(f"{json.dumps(line)}\n" for line in usage))
    command = [sys.executable, "manage.py", "quote", "--catalog", catalog, "--usage", lines]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["plan"] for answer in answers] == [case["id"] for case in cases]
    for case, answer in zip(cases, answers, strict=True):
        amounts = [(line["amount"], line["exact_amount"]) for line in answer["lines"]]
        used = case.get("quantity") != "0"
        assert amounts == [(f"{Decimal(case['amount']):.2f}", case["exact_amount"])] * used, case["id"]
        assert Decimal(answer["subtotal"]) == Decimal(case["amount"])
        for line in answer["lines"]:
            rows = sum(Decimal(row["amount"]) for row in line["tiers"])
            assert rows == Decimal(case["exact_amount"]), case["id"]
